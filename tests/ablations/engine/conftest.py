import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ablations.engine.executors.executor import Executor
from ablations.engine.executors.local import LocalExecutor
from ablations.engine.executors.slots import find_slots
from ablations.engine.records.folder import StudyFolder

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # `trivial` is imported by name, as the workers do

from trivial_plans import STUDY  # noqa: E402


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    return StudyFolder.create(tmp_path / "first", STUDY)


@pytest.fixture
def local() -> Callable[..., Executor]:
    def make(workers: int = 2, **options: Any) -> Executor:
        slots = find_slots(workers=workers, gpus=options.pop("gpus", ()), **options)
        return LocalExecutor(slots, pythonpath=str(HERE))

    return make


FIGURES: list[tuple[int, str, str, str]] = []


@pytest.fixture
def figure() -> Callable[[int, str, str, str], None]:
    """Adds a row to the table that is printed at the end."""

    def note(promise: int, what: str, fault: str, measured: str) -> None:
        FIGURES.append((promise, what, fault, measured))

    return note


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if FIGURES and terminalreporter.config.getoption("markexpr") == "slow":
        terminalreporter.section("promises, faults and figures")
        terminalreporter.write_line("| promise | fault injected | measured |\n|---|---|---|")
        for promise, what, fault, measured in sorted(FIGURES):
            terminalreporter.write_line(f"| {promise} {what} | {fault} | {measured} |")
