from collections.abc import Callable
from pathlib import Path

import pytest

from analysis.effects.factorial import factorial
from analysis.errors import TableError
from analysis.tables.study_table import read_study

Make = Callable[..., Path]
SQUEEZE = "attention.squeeze"
CROSSED = {
    SQUEEZE: {"avg": 0.0, "max": 0.02},
    "attention.gate": {"sigmoid": 0.0, "one_plus_tanh": 0.01},
    "attention.order": {"before": 0.0, "after": 0.0},
}


def test_a_factorial_needs_two_levels_and_every_arm(make_study: Make) -> None:
    with pytest.raises(
        TableError, match=r"a complete factorial of 3 factors has 8 arms, but 4 have runs"
    ):
        factorial(read_study(make_study("a", effects=CROSSED, design="loco")))
    three = {**CROSSED, SQUEEZE: {"avg": 0.0, "max": 0.0, "other": 0.0}}
    with pytest.raises(TableError, match=r"needed, but `attention\.squeeze` has 3 levels"):
        factorial(read_study(make_study("b", effects=three)))
