"""A status from the list of outcomes says what one from the records says, whatever was done to either."""

import json
import shutil
from pathlib import Path

import pytest

from ablations.engine.records.folder import StudyFolder
from ablations.engine.records.listing import Listing, known_outcomes
from ablations.engine.supervision.status import StudyStatus, status
from plain_files import study_records
from plain_files.outcome_list import OutcomeList, read_outcome_list

BENCHMARKS = Path(__file__).parents[4] / "benchmarks"


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(str(BENCHMARKS))
        import scale

        path = tmp_path_factory.mktemp("ended") / "study"
        scale.make(path, 90)
        scale.supervisor(path)
    return path


@pytest.fixture
def folder(ended: Path, tmp_path: Path) -> StudyFolder:
    shutil.copytree(ended, tmp_path / "study")  # with the times
    return StudyFolder.open(tmp_path / "study")


def without_list(folder: StudyFolder) -> StudyStatus:
    """What the records alone say."""
    kept = folder.outcomes_file.read_bytes()
    folder.outcomes_file.unlink()
    try:
        return status(folder)
    finally:
        folder.outcomes_file.write_bytes(kept)


def results_read(folder: StudyFolder, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    real, read = study_records.read_result, []

    def reading(path, **asked):
        read.append(asked["run"])
        return real(path, **asked)

    monkeypatch.setattr(study_records, "read_result", reading)
    assert status(folder).planned == len(folder.plan())
    return read


def a_run(folder: StudyFolder) -> str:
    return folder.plan()[3].run


def rewritten(folder: StudyFolder) -> None:
    path = folder.runs / a_run(folder) / "result.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "val_loss": 0.001}))


def failed(folder: StudyFolder) -> None:
    path = folder.runs / a_run(folder) / "result.json"
    error = {"type": "OSError", "message": "no space"}
    content = {**json.loads(path.read_text()), "state": "FAILED", "error": error}
    path.write_text(json.dumps(content))


def spoilt(folder: StudyFolder) -> None:
    (folder.runs / a_run(folder) / "result.json").write_text("{")


def taken_back(folder: StudyFolder) -> None:
    (folder.runs / a_run(folder) / "result.json").unlink()


def never_begun(folder: StudyFolder) -> None:
    shutil.rmtree(folder.runs / a_run(folder))


def planned_no_more(folder: StudyFolder) -> None:
    lines = folder.plan_file.read_bytes().splitlines(keepends=True)
    folder.plan_file.write_bytes(b"".join(lines[1:]))


def plan_damaged(folder: StudyFolder) -> None:
    with folder.plan_file.open("a") as file:
        file.write('{"run": "../x"}\n')


def list_cut_short(folder: StudyFolder) -> None:
    folder.outcomes_file.write_bytes(folder.outcomes_file.read_bytes()[:-5000])


def list_spoilt(folder: StudyFolder) -> None:
    folder.outcomes_file.write_text(
        folder.outcomes_file.read_text().replace('"COMPLETE"', '"WON"', 1)
    )


CHANGES = (
    rewritten, failed, spoilt, taken_back, never_begun, planned_no_more, plan_damaged, list_cut_short, list_spoilt
)  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_status_says_what_the_records_say(folder, change):
    before = status(folder)
    change(folder)
    assert (now := status(folder)) == without_list(folder)
    assert (now == before) == change.__name__.startswith("list_")


def test_a_status_reads_no_result_that_is_listed_and_the_one_that_changed(folder, monkeypatch):
    with monkeypatch.context() as patched:
        assert results_read(folder, patched) == []
    rewritten(folder)
    assert results_read(folder, monkeypatch) == [a_run(folder)]


def test_a_status_reads_of_the_plan_only_the_runs_that_are_not_listed(folder):
    run = a_run(folder)
    assert folder.plan_lines({run}).lines == [
        line for line in folder.plan_lines().lines if line["run"] == run
    ]
    assert folder.plan_lines(()).lines == []


def test_the_start_of_a_study_mends_its_list(folder):
    plan = folder.plan()
    results = folder.results(planned.run for planned in plan)
    for change in (list_spoilt, list_cut_short, rewritten):
        change(folder)
        Listing(folder).renew(plan, results)
        known = known_outcomes(folder)
        assert (len(known.outcomes), known.planned, known.rest) == (len(plan), len(plan), set())
    assert len(folder.outcomes_file.read_text().splitlines()) == len(plan) + 2  # one was rewritten


def test_a_list_that_breaks_a_rule_is_empty(tmp_path):
    path = tmp_path / "outcomes.jsonl"
    row = ["r", 1, 2, 1, "COMPLETE", "a", "l", 0, "grid", None, 0.5, 1.0]
    path.write_text(json.dumps(row) + "\n")
    assert read_outcome_list(path).outcomes["r"].value == 0.5
    for at, wrong in ((0, "../r"), (4, "WON"), (7, -1), (8, "none"), (10, "0.5"), (11, -1.0)):
        path.write_text(json.dumps([*row[:at], wrong, *row[at + 1 :]]) + "\n")
        assert read_outcome_list(path) == OutcomeList()
