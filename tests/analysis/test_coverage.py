"""The promises of `benchmarks/coverage.py`, asserted; slow, with its own command."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def measure() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "coverage_benchmark", ROOT / "benchmarks" / "coverage.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_complete_grids_cover_at_their_level(measure: ModuleType) -> None:
    table = measure.ratio_coverage(repetitions=20_000)
    assert table.to_numpy().min() >= 93.2
    assert table.to_numpy().max() <= 96.5


def test_missing_runs_leave_coverage_at_least_at_its_level(measure: ModuleType) -> None:
    # Monte-Carlo error at 1000 repetitions: 0.7 points.
    assert measure.missing_coverage(repetitions=1000).to_numpy().min() >= 93.5 - 2.1


def test_lack_of_fit_keeps_its_size(measure: ModuleType) -> None:
    assert measure.lack_of_fit_size(repetitions=10_000).iloc[:, 2:].to_numpy().max() <= 5.7
