"""The line of a list: the last word of a supervisor where it still holds, else every record."""

import json
import os
from pathlib import Path

import pytest

from ablations.engine.records.folder import StudyFolder
from ablations.engine.records.lock import held
from ablations.engine.standing import in_a_line
from ablations.engine.standing.in_a_line import Standing
from benchmarks.synthetic_study import write_study

ENDED = {
    "event": "study_ended", "planned": 9, "complete": 7, "pruned": 1, "failed": 1, "waiting": 0, "attempts": 9,
}  # fmt: skip


@pytest.fixture
def study(tmp_path: Path) -> StudyFolder:
    return StudyFolder.open(write_study(tmp_path / "s", ratios=(4, 8), seeds=2, epochs=1))


def say(study: StudyFolder, *events: dict) -> None:
    study.events_file.write_text("".join(json.dumps(event) + "\n" for event in events))
    late = study.runs.stat().st_mtime_ns + 10**9
    os.utime(study.events_file, ns=(late, late))


def test_the_last_word_of_a_supervisor_is_enough(
    study: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(study, {"event": "run_ended"}, ENDED, {"event": "index_behind"})
    monkeypatch.setattr(in_a_line, "status", None)
    now = Standing.of(study)
    assert (now.planned, now.ended, now.failed, now.words) == (9, 9, 1, "ended")


@pytest.mark.parametrize(
    "events",
    [
        [],
        [ENDED, {"event": "study_started"}],
        [ENDED, {"event": "run_started"}],
        [{**ENDED, "planned": "9"}],
        [{"event": "x"}],
    ],
)
def test_what_was_said_before_a_later_session_counts_no_more(
    study: StudyFolder, events: list[dict]
) -> None:
    say(study, *events)
    assert (Standing.of(study).planned, Standing.of(study).ended) == (6, 6)


def test_what_was_said_before_the_plan_or_a_run_changed_counts_no_more(study: StudyFolder) -> None:
    say(study, ENDED)
    for changed in (study.plan_file, study.runs):
        later = study.events_file.stat().st_mtime_ns + 10**9
        os.utime(changed, ns=(later, later))
        assert Standing.of(study).planned == 6
        say(study, ENDED)


def test_who_runs_a_study_is_seen(study: StudyFolder) -> None:
    say(study, ENDED)
    with held(study.lock_file):
        assert Standing.of(study).words == "running"


def test_a_session_without_an_outcome_has_begun(study: StudyFolder) -> None:
    say(study, {**ENDED, "complete": 0, "pruned": 0, "failed": 0, "waiting": 9, "attempts": 2})
    assert Standing.of(study).words == "stopped"
    say(study, {**ENDED, "complete": 0, "pruned": 0, "failed": 0, "waiting": 9, "attempts": 0})
    assert Standing.of(study).words == "not begun"


def test_only_the_end_of_a_long_log_is_read(
    study: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(study, *[{"event": "run_ended", "run": "x" * 100}] * 2000, ENDED)
    monkeypatch.setattr(in_a_line, "TAIL_BYTES", 400)
    assert Standing.of(study).planned == 9


def test_a_pipe_in_the_place_of_the_lock_is_not_waited_for(study: StudyFolder) -> None:
    os.mkfifo(study.lock_file)
    assert Standing.of(study).words == "ended"
