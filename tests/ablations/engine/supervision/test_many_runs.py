"""What a supervisor does once, and not for every run or every message, where runs and slots are many."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from ablations.engine.records.folder import StudyFolder
from ablations.engine.supervision import display, live_attempts
from ablations.engine.supervision.live import Live
from ablations.engine.supervision.status import status
from ablations.engine.supervision.tally import Tally
from plain_files import study_records

BENCHMARKS = Path(__file__).parents[4] / "benchmarks"


@pytest.fixture
def scale(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import scale

    return scale


def counted(monkeypatch: pytest.MonkeyPatch, where: object, name: str) -> list[None]:
    calls, real = [], getattr(where, name)

    def counting(*args, **kwargs):
        calls.append(None)
        return real(*args, **kwargs)

    monkeypatch.setattr(where, name, counting)
    return calls


def test_a_start_reads_each_outcome_once_and_a_status_none_that_is_listed(
    scale, tmp_path, monkeypatch
):
    runs = scale.make(tmp_path / "study", 90)["runs"]
    assert scale.supervisor(tmp_path / "study")["attempts"] == runs
    plans = counted(monkeypatch, study_records, "read_plan")
    results = counted(monkeypatch, study_records, "read_result")
    scale.resume(tmp_path / "study")
    assert (len(plans), len(results)) == (1, runs)
    assert status(StudyFolder.open(tmp_path / "study")).complete == runs
    assert (len(plans), len(results)) == (2, runs)  # the outcomes are listed


def test_hung_runs_are_looked_for_once_a_tick_and_not_after_each_message(
    scale, tmp_path, monkeypatch
):
    runs = scale.make(tmp_path / "study", 90)["runs"]
    monkeypatch.setattr(live_attempts, "time", SimpleNamespace(monotonic=lambda: 1.0))
    looked = counted(monkeypatch, Live, "is_late")
    scale.supervisor(tmp_path / "study")
    assert 0 < len(looked) < runs


@pytest.mark.parametrize(("cost", "pause"), [(0.0, 0.5), (0.1, 5.0), (10.0, 30.0)])
def test_a_look_that_takes_long_is_taken_seldom(tmp_path, monkeypatch, cost, pause):
    clock, shown = [100.0], []

    class Slow:
        def show(self, snapshot):
            shown.append(clock[0])
            clock[0] += cost

    folder = StudyFolder.create(tmp_path / "study", {"study": "many"})
    monkeypatch.setattr(display, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    told = display.Display(Slow(), folder=folder, tally=Tally(), slots=("a",))
    while len(shown) < 2:
        told.show((), total=1)
        clock[0] += 0.01
    assert shown[1] - shown[0] == pytest.approx(pause, abs=0.03)
