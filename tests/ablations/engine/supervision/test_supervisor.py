import json
from pathlib import Path

import pytest
from trivial_plans import STUDY, planned

from ablations.engine.records.files import read_lines
from ablations.engine.records.folder import StudyFolder
from ablations.engine.records.lock import held
from ablations.engine.sources.source import PlannedSource
from ablations.engine.standing.status import status
from ablations.engine.supervision.supervisor import execute
from ablations.errors import StudyError


def events(folder: StudyFolder, kind: str) -> list[dict]:
    return [event for event in read_lines(folder.events_file) if event["event"] == kind]


def test_every_planned_run_has_one_committed_outcome(folder, local):
    runs = [planned(i) for i in range(12)]
    summary = execute(folder, PlannedSource(runs), executor=local(), train="trivial:quick")
    assert (summary.complete, summary.waiting, summary.exit_code) == (12, 0, 0)
    assert set(folder.results(run.run for run in runs)) == {run.run for run in runs}
    assert summary.best.arm == "arm00000"
    assert [
        record["epoch"] for record in read_lines(folder.runs / "run00003s0/1/epochs.jsonl")
    ] == [
        1,
        2,
    ]


def test_a_committed_outcome_is_a_hard_link_to_its_attempts_file(folder, local):
    execute(folder, PlannedSource([planned(0)]), executor=local(), train="trivial:quick")
    attempt, outcome = (folder.runs / "run00000s0" / p for p in ("1/result.json", "result.json"))
    assert attempt.samefile(outcome)
    result = json.loads(outcome.read_text())
    assert result["state"] == "COMPLETE"
    assert {"run", "attempt", "seconds", "host", "started", "ended", "versions"} <= result.keys()


def test_executing_again_runs_nothing_and_more_runs_extend_the_plan(folder, local):
    runs = [planned(i) for i in range(3)]
    execute(folder, PlannedSource(runs), executor=local(), train="trivial:quick")
    again = execute(folder, PlannedSource(runs), executor=local(), train="trivial:quick")
    assert (again.complete, again.attempts) == (3, 0)
    more = [*runs, planned(7)]
    extended = execute(folder, PlannedSource(more), executor=local(), train="trivial:quick")
    assert (extended.complete, extended.attempts) == (4, 1)
    assert [run.run for run in folder.plan()] == [run.run for run in more]


def test_a_complete_runs_checkpoint_is_deleted_unless_kept(tmp_path, local):
    for keep in (False, True):
        folder = StudyFolder.create(tmp_path / str(keep), STUDY)
        execute(
            folder,
            PlannedSource([planned(0)]),
            executor=local(),
            train="trivial:quick",
            keep_checkpoints=keep,
        )
        assert (folder.run_folder("run00000s0") / "checkpoint.ckpt").exists() is keep


def test_a_second_supervisor_is_told_who_holds_the_study(folder, local):
    who = r"study 'first' is being run by process \d+ on \S+ since \S+. Wait for it"
    with held(folder.lock_file), pytest.raises(StudyError, match=who):
        execute(folder, PlannedSource([planned(0)]), executor=local(), train="trivial:quick")


def test_status_tells_of_failures_and_of_what_is_left(folder, local):
    runs = [planned(0), planned(1, wrong="raise"), planned(2)]
    execute(folder, PlannedSource(runs), executor=local(), train="trivial:bad")
    folder.append_plan([planned(3)])
    told = status(folder)
    assert (told.planned, told.complete, told.failed, told.waiting) == (4, 2, 1, 1)
    error = told.failures[0].error
    assert error.startswith(
        "ValueError: a rule was broken (tests/ablations/engine/trivial.py, line "
    )
    assert told.to_json()["best"]["label"] == "x=0"


def test_a_missing_training_function_fails_the_run_by_name(folder, local):
    execute(folder, PlannedSource([planned(0)]), executor=local(), train="trivial:absent")
    error = folder.result("run00000s0")["error"]
    assert error["type"] == "StudyError"
    assert "package.module:function, got 'trivial:absent'" in error["message"]


def test_opening_a_folder_without_a_study_says_so(tmp_path: Path):
    with pytest.raises(StudyError, match=r"holds no study: there is no study.json in it"):
        StudyFolder.open(tmp_path)


def test_creating_a_study_twice_is_refused(folder):
    with pytest.raises(StudyError, match="already holds a study"):
        StudyFolder.create(folder.path, STUDY)
