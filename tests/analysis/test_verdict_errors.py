"""The promises of `benchmarks/verdict_errors.py`, asserted; slow, with its own command."""

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
COUNT = 400
ERROR = 100 * np.sqrt(0.05 * 0.95 / COUNT)


@pytest.fixture(scope="module")
def measure() -> ModuleType:
    path = ROOT / "benchmarks" / "verdict_errors.py"
    spec = importlib.util.spec_from_file_location("verdict_errors", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize(("factors", "levels"), [(1, 3), (3, 2), (3, 3)])
@pytest.mark.parametrize("noise", ["baseline 3x", "effects vary 1", "one failed"])
def test_false_verdicts_stay_within_their_error(
    measure: ModuleType, paired: bool, factors: int, levels: int, noise: str
) -> None:
    cell = measure.Cell(factors, levels, 5, noise, paired)
    matters, negligible, covered = measure.measured(cell, count=COUNT)
    assert matters <= 5 + 2.5 * ERROR
    assert negligible <= 5 + 2.5 * ERROR
    assert covered >= 93.5 - 2.5 * ERROR


def test_an_error_that_forgets_the_seeds_would_be_seen(measure: ModuleType) -> None:
    grid, false = measure.Grid(3, 3), 0
    for y in measure.tables(grid, 5, "effects vary 1", paired=True, count=100):
        made = measure.estimate(y, grid.units, error="pooled")
        false += measure.any_decided(made, np.arange(len(grid.units)))
    assert false > 20
