from collections.abc import Callable
from pathlib import Path

import pytest

from analysis.effects.interactions import interactions
from analysis.tables.study_table import read_study

Make = Callable[..., Path]
GATE, SQUEEZE = "attention.gate", "attention.squeeze"
CROSSED = {
    SQUEEZE: {"avg": 0.0, "max": 0.02},
    GATE: {"sigmoid": 0.0, "one_plus_tanh": 0.01},
    "attention.order": {"before": 0.0, "after": 0.0},
}
TOGETHER = {((SQUEEZE, "max"), (GATE, "one_plus_tanh")): 0.03}


def test_single_effects_that_do_not_add_up_are_told_with_the_pair_that_explains_it(
    make_study: Make,
) -> None:
    folder = make_study(effects=CROSSED, interaction=TOGETHER, seeds=8, sigma=0.003, kappa=0.0)
    found = interactions(read_study(folder))
    row = found.additivity.iloc[0]
    assert row["together"] == pytest.approx(row["singly"] + row["gap"])
    assert row["gap"] == pytest.approx(0.03, abs=0.008)
    assert row["explained_by"] == "squeeze=max x gate=one_plus_tanh"
    assert any(line.startswith("Adding up fails: ") for line in found.sentences())


def test_additive_effects_add_up(make_study: Make) -> None:
    found = interactions(
        read_study(make_study(effects=CROSSED, seeds=8, sigma=0.003, kappa=0.0, random=1))
    )
    assert not found.frame["present"].any()
    assert found.partners == {}
    first, adding_up = found.sentences()
    assert first == (
        f"No interaction was seen among 3 pairs of levels; one of {found.detectable():.2g} would have been found with "
        "80 % power, a smaller one may be there."
    )
    assert adding_up.startswith("Adding up: no departure was seen: ")
