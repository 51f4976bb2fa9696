from collections.abc import Callable
from pathlib import Path

import pytest

from analysis.errors import TableError
from analysis.interactions import factorial, interactions
from analysis.study_table import read_study

Make = Callable[..., Path]
GATE, SQUEEZE, ORDER = "attention.gate", "attention.squeeze", "attention.order"
CROSSED = {
    SQUEEZE: {"avg": 0.0, "max": 0.02},
    GATE: {"sigmoid": 0.0, "one_plus_tanh": 0.01},
    ORDER: {"before": 0.0, "after": 0.0},
}
TOGETHER = {((SQUEEZE, "max"), (GATE, "one_plus_tanh")): 0.03}


def test_a_planted_interaction_is_found_and_its_simple_effects_are_right(make_study: Make) -> None:
    folder = make_study(effects=CROSSED, interaction=TOGETHER, seeds=8, sigma=0.003, kappa=0.0)
    found = interactions(read_study(folder))
    frame = found.frame.set_index(["first", "second"])
    assert frame["present"].to_dict() == {
        (SQUEEZE, GATE): True,
        (SQUEEZE, ORDER): False,
        (GATE, ORDER): False,
    }
    row = frame.loc[(SQUEEZE, GATE)]
    assert row["low"] < 0.03 < row["high"]
    simple = found.simple.set_index(["factor", "given_level"])["estimate"].to_dict()
    assert simple == pytest.approx(
        {(GATE, "avg"): 0.01, (GATE, "max"): 0.04, (SQUEEZE, "sigmoid"): 0.02, (SQUEEZE, "one_plus_tanh"): 0.05},
        abs=0.004,
    )  # fmt: skip


def test_single_effects_that_do_not_add_up_are_told_with_the_pair_that_explains_it(
    make_study: Make,
) -> None:
    folder = make_study(effects=CROSSED, interaction=TOGETHER, seeds=8, sigma=0.003, kappa=0.0)
    found = interactions(read_study(folder))
    row = found.stacking.iloc[0]
    assert row["together"] == pytest.approx(row["singly"] + row["gap"])
    assert row["gap"] == pytest.approx(0.03, abs=0.008)
    assert row["explained_by"] == "squeeze=max x gate=one_plus_tanh"
    assert any("they do not add up" in line for line in found.sentences())


def test_additive_effects_stack(make_study: Make) -> None:
    found = interactions(
        read_study(make_study(effects=CROSSED, seeds=8, sigma=0.003, kappa=0.0, random=1))
    )
    assert not found.frame["present"].any()
    assert found.simple.empty
    assert "No interaction was seen among 3 pairs of levels." in found.sentences()
    assert any("no departure from adding up was seen" in line for line in found.sentences())


def test_one_seed_allows_no_test_of_interactions(make_study: Make) -> None:
    found = interactions(read_study(make_study(effects=CROSSED, seeds=1, kappa=0.0)))
    first, stacked = found.sentences()
    assert (
        first == "Whether 3 pairs of levels interact cannot be tested: at least 2 seeds are needed."
    )
    assert stacked.endswith("; whether they add up cannot be tested: at least 2 seeds are needed.")
    assert not found.frame["present"].any()


def test_one_factor_at_a_time_has_no_interactions(make_study: Make) -> None:
    found = interactions(read_study(make_study(effects=CROSSED, design="loco")))
    assert found.frame.empty
    assert found.stacking.empty
    assert found.sentences() == []


def test_a_factorial_needs_two_levels_and_every_arm(make_study: Make) -> None:
    with pytest.raises(
        TableError, match=r"a complete factorial of 3 factors has 8 arms, but 4 have runs"
    ):
        factorial(read_study(make_study("a", effects=CROSSED, design="loco")))
    three = {**CROSSED, SQUEEZE: {"avg": 0.0, "max": 0.0, "other": 0.0}}
    with pytest.raises(TableError, match=r"needed, but `attention\.squeeze` has 3 levels"):
        factorial(read_study(make_study("b", effects=three)))
