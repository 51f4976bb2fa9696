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


def test_verdicts_keep_their_familywise_error(measure: ModuleType) -> None:
    table = measure.familywise_error(repetitions=10_000)
    assert table["auto (default)"].max() <= 5 + 0.65
    assert table["paired"].max() <= 5 + 0.65


def test_verdicts_of_whole_tables_keep_it_too(measure: ModuleType) -> None:
    table = measure.familywise_error_whole(repetitions=300)
    assert (table["false 'matters'"] <= 5 + 3 * table["mc"]).all()


def test_lack_of_fit_and_equivalence_keep_their_size(measure: ModuleType) -> None:
    assert measure.lack_of_fit_size(repetitions=10_000).iloc[:, 2:].to_numpy().max() <= 5.7
    assert measure.equivalence_size(repetitions=20_000).iloc[:, 2:].to_numpy().max() <= 5.5
