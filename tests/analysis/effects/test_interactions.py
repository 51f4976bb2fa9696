from collections.abc import Callable
from pathlib import Path

import pytest

from analysis.effects.effects import estimate_effects
from analysis.effects.interactions import interactions
from analysis.tables.study_table import read_study

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
    assert found.partners == {SQUEEZE: [GATE], GATE: [SQUEEZE]}
    simple = estimate_effects(read_study(folder)).frame.query("role == 'simple'")
    assert simple.set_index("label")["estimate"].to_dict() == pytest.approx(
        {
            "gate=one_plus_tanh where squeeze=avg": 0.01,
            "gate=one_plus_tanh where squeeze=max": 0.04,
            "squeeze=max where gate=sigmoid": 0.02,
            "squeeze=max where gate=one_plus_tanh": 0.05,
        },
        abs=0.004,
    )


def test_one_seed_allows_no_test_of_interactions(make_study: Make) -> None:
    found = interactions(read_study(make_study(effects=CROSSED, seeds=1, kappa=0.0)))
    assert found.sentences() == [
        "Whether 3 pairs of levels interact cannot be tested: at least 2 seeds that differ are needed.",
        "Whether changes add up cannot be tested: at least 2 seeds that differ are needed.",
    ]
    assert not found.frame["present"].any()


def test_one_factor_at_a_time_has_no_interactions(make_study: Make) -> None:
    found = interactions(read_study(make_study(effects=CROSSED, design="loco")))
    assert found.frame.empty
    assert found.additivity.empty
    assert found.sentences() == []
