"""A short form of `make fuzz`, and that its judge sees what it looks for."""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fuzz import QUICK, Asked, everything, warm
from given import Input
from inputs import KINDS, made
from judge import GIGABYTE, Box, Limits, judge
from world import build

LIMITS = Limits(seconds=2, growth=GIGABYTE // 4)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("fuzz") / "world")


@pytest.fixture(scope="module")
def box(world: Path) -> Iterator[Box]:
    made = Box(world)
    yield made
    made.remove()


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Puts something else in the place of the command."""

    def put(does: Callable[[], object]) -> None:
        monkeypatch.setattr("ablations.cli.main.main", lambda words: does())

    return put


def test_an_answer_is_no_fault(command, box: Box) -> None:
    command(lambda: sys.stdout.write("yes\n"))
    found = judge(Input(["spaces"]), box, LIMITS)
    assert (found.faults, found.code, found.said) == ((), 0, "yes\n")


def test_a_fault_of_ours_is_seen(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ablations.cli.study.spaces", lambda: {}["missing"])
    found = judge(Input(["spaces"]), box, LIMITS)
    assert (found.faults, found.code) == (("a fault in ablate itself",), 1)


def test_a_traceback_is_seen(command, box: Box) -> None:
    command(lambda: {}["missing"])
    assert judge(Input([]), box, LIMITS).faults == ("a traceback", "ended with 70")


def test_a_loop_is_seen(command, box: Box) -> None:
    def forever() -> None:
        while True:
            pass

    command(forever)
    assert judge(Input([]), box, Limits(seconds=0.3)).faults == ("a hang",)


def test_a_wait_is_seen(command, box: Box) -> None:
    command(lambda: time.sleep(60))
    assert judge(Input([]), box, Limits(seconds=0.05)).faults == ("a hang",)


def test_growth_is_seen(command, box: Box) -> None:
    command(lambda: bytearray(b"x") * (GIGABYTE // 2))
    assert judge(Input([]), box, LIMITS).faults == ("growth",)


@pytest.mark.parametrize("name", ["beside.txt", "../beside.txt", "table.csv", "runs/../space.yaml"])
def test_a_write_outside_the_study_is_seen(command, box: Box, name: str) -> None:
    command(lambda: Path(name).write_text("x"))
    (first, *_) = judge(Input([]), box, LIMITS).faults
    assert first.startswith("written outside: ")
    command(lambda: Path("runs/s/report.txt").write_text("x"))
    assert judge(Input([]), box, LIMITS).faults == ()


def test_the_same_number_is_the_same_input(world: Path) -> None:
    for number in range(60):
        assert made(3, number, world) == made(3, number, world)
    kinds = {made(0, number, world)[0] for number in range(600)}
    assert kinds == set(KINDS)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_no_fault_in_a_dozen_of_inputs(world: Path, tmp_path: Path) -> None:
    warm(build(tmp_path / "warm"), QUICK)
    quick = ["command lines", "YAML", "CSV and W&B exports", "study files", "Optuna storages"]
    asked = Asked(world=world, kinds=quick, seconds=60, most=15, limits=Limits(seconds=20))
    found = list(everything(asked, 2))
    assert sorted(number for number, *_ in found) == list(range(15))
    wrong = [
        (n, one.words, verdict.faults, verdict.said)
        for n, _, one, verdict in found
        if verdict.faults
    ]
    assert wrong == []
