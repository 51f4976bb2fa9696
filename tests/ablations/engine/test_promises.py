"""What the engine promises, each with the fault that would break it; long forms in `test_chaos`."""

import ast
import errno
import json
import os
import signal
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from in_process import InProcess
from trivial_plans import STUDY, planned

import ablations.engine as engine
from ablations.engine.executors.oom_kills import oom_kills
from ablations.engine.records import files
from ablations.engine.records.files import append_lines, read_lines
from ablations.engine.records.folder import StudyFolder, cannot_write
from ablations.engine.sources.source import PlannedSource
from ablations.engine.sources.trials import TrialRecords
from ablations.engine.standing.status import status
from ablations.engine.supervision.retry import classify, decide
from ablations.engine.supervision.supervisor import execute
from ablations.engine.worker.attempt import attempt
from ablations.engine.worker.context import RunContext
from ablations.errors import StudyError
from ablations.plan import PlannedRun

CANARY = "canary-7f3a"


class Kill(BaseException):
    """The supervisor is killed here: what is on the disk is all that is left."""


def run(folder: StudyFolder, local: Any, runs: list[PlannedRun], **options: Any) -> Any:
    train = options.pop("train", "trivial:bad")
    workers = options.pop("workers", 2)
    return execute(folder, PlannedSource(runs), executor=local(workers), train=train, **options)


def each_has_one_outcome(folder: StudyFolder, runs: list[PlannedRun]) -> bool:
    results = folder.results(run.run for run in runs)
    return len(folder.plan()) == len(runs) == len(results)


# 1 and 4: a supervisor killed anywhere; the next one ends the study, every run once


POINTS = {
    "before the plan is written": ("append_plan", "before"),
    "after the plan is written": ("append_plan", "after"),
    "before an attempt begins": ("begin_attempt", "before"),
    "between an attempt's folder and its start": ("begin_attempt", "after"),
    "between a result and its commit": ("commit", "before"),
    "between a commit and all that follows": ("commit", "after"),
    "while events are written": ("append_events", "after"),
}


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("call", [1, 3])
def test_a_supervisor_killed_anywhere_is_continued_by_the_next(
    folder, local, monkeypatch, point, call
):
    name, when = POINTS[point]
    original = getattr(StudyFolder, name)
    calls = []

    def dies(self, *args, **kwargs):
        calls.append(args)
        if when == "before" and len(calls) == call:
            raise Kill
        value = original(self, *args, **kwargs)
        if len(calls) == call:
            raise Kill
        return value

    runs = [planned(i) for i in range(6)]
    with monkeypatch.context() as patch:
        patch.setattr(StudyFolder, name, dies)
        if name == "append_plan" and call == 3:
            run(folder, local, runs)  # a plan is written once
        else:
            with pytest.raises(Kill):
                run(folder, local, runs)
    summary = run(folder, local, runs)
    assert summary.exit_code == 0
    assert each_has_one_outcome(folder, runs)


def test_a_plan_torn_in_its_last_line_is_continued(folder, local):
    runs = [planned(i) for i in range(3)]
    folder.append_plan(runs)
    content = folder.plan_file.read_bytes()
    folder.plan_file.write_bytes(content[:-20])
    assert len(folder.plan()) == 2
    assert run(folder, local, runs).complete == 3
    assert each_has_one_outcome(folder, runs)


@pytest.mark.parametrize("content", [b"", b'{"state": "COMP', b"[1]\n", b'{"a": 1}\n'])
def test_a_result_that_the_disk_spoilt_is_named_and_its_run_can_be_trained_again(
    folder, local, content
):
    runs = [planned(0), planned(1)]
    run(folder, local, runs)
    spoilt = folder.run_folder("run00000s0")
    (spoilt / "result.json").write_bytes(content)
    with pytest.raises(
        StudyError,
        match=r"1 result cannot be used and is left out \(run00000s0: .*\)\. Restore result\.json from a copy, or "
        r"train such a run again with `ablate run \.\.\. --retry RUN`\.",
    ):
        run(folder, local, runs)
    assert run(folder, local, runs, again=("run00000s0",)).attempts == 1
    assert (spoilt / "result.json.set-aside").read_bytes() == content
    assert each_has_one_outcome(folder, runs)


@pytest.mark.parametrize("line", [b"{", b'{"a": 1}', b"\xff", b"[" * 3000])
def test_a_plan_that_the_disk_spoilt_is_mended_and_what_it_was_is_kept(folder, local, line):
    runs = [planned(0), planned(1)]
    folder.append_plan(runs)
    whole = folder.plan_file.read_bytes()
    spoilt = b"\n".join([line, *whole.split(b"\n")[1:]])
    folder.plan_file.write_bytes(spoilt)
    assert run(folder, local, runs).complete == 2
    assert sorted(folder.plan_file.read_bytes().split()) == sorted(whole.split())
    assert (folder.path / "plan.jsonl.set-aside").read_bytes() == spoilt


def test_a_spoilt_line_of_the_log_keeps_nothing_from_being_read(folder, local):
    run(folder, local, [planned(0)])
    with folder.events_file.open("ab") as log:
        log.write(b"{nothing\n")
    assert status(folder).complete == 1


def test_a_result_whose_supervisor_died_is_found_and_not_trained_again(folder, local):
    runs = [planned(0)]
    folder.append_plan(runs)
    number = folder.begin_attempt("run00000s0")
    folder.end_attempt(
        "run00000s0", number, {"attempt": number, "state": "COMPLETE", "val_loss": 0.25}
    )
    assert run(folder, local, runs).attempts == 0
    assert folder.result("run00000s0")["val_loss"] == 0.25


# 3: going on from a checkpoint


def test_a_resumed_run_equals_the_uninterrupted_one(tmp_path, local):
    outcomes = []
    for name, wrong in (("whole", None), ("killed", "killed_late")):
        folder = StudyFolder.create(tmp_path / name, STUDY)
        run(folder, local, [planned(0, epochs=6, wrong=wrong)], train="trivial:interrupted")
        outcomes.append(folder.result("run00000s0"))
    assert outcomes[1]["attempt"] == 3
    assert outcomes[0]["val_loss"] == outcomes[1]["val_loss"]
    epochs = [
        [record["epoch"] for record in read_lines(folder.attempt_folder("run00000s0", n) / "epochs.jsonl")]
        for n in (1, 2, 3)
    ]  # fmt: skip
    assert epochs == [[1, 2], [3, 4], [5, 6]]


# 5: a worker that was taken for dead


class Silent:
    stopping = False

    def send(self, message):
        pass

    def verdict(self):
        return "go"


def test_a_late_result_is_refused_without_a_crash(folder):
    number = folder.begin_attempt("late")
    folder.end_attempt("late", number, {"state": "FAILED", "error": {"type": "Hang"}})
    job = {
        "run": "late", "attempt": number, "folder": str(folder.run_folder("late")),
        "settings": {"x": 1.0, "seed": 0}, "train": "trivial:quick", "ask": False,
        "metric": "val_loss", "metrics": ["val_loss"],
        "device": "cpu", "threads": 1,
    }  # fmt: skip
    assert attempt(job, RunContext(job, Silent())) == "COMPLETE"
    assert folder.attempt_result("late", number)["error"]["type"] == "Hang"


def test_a_stopped_worker_is_replaced_and_its_run_ends_once(folder, local):
    runs = [planned(0, wrong="stopped_once"), planned(1)]
    summary = run(folder, local, runs, hang_timeout=0.6)
    assert (summary.complete, summary.lost) == (2, 1)
    assert folder.attempt_result("run00000s0", 1)["error"]["type"] == "Hang"


def test_a_run_that_was_recorded_when_its_worker_died_is_neither_lost_nor_repeated(folder, local):
    summary = run(folder, local, [planned(0)], train="trivial:killed_at_the_end")
    assert (summary.complete, summary.lost, summary.attempts) == (1, 0, 1)
    assert not [e for e in read_lines(folder.events_file) if e["event"] == "run_lost"]


def test_the_seconds_of_a_resumed_run_are_those_of_all_its_epochs(folder, local):
    runs = [
        planned(i, epochs=6, pause=0.05, wrong=wrong) for i, wrong in enumerate(("", "killed_late"))
    ]
    run(folder, local, runs, train="trivial:interrupted")
    whole, resumed = (folder.result(one.run) for one in runs)
    assert resumed["attempt"] == 3
    assert whole["seconds"] >= 0.3
    assert resumed["seconds"] >= 0.3


@pytest.mark.parametrize(
    ("trained", "seconds"),
    [
        ({"trained": [1, 2, 3]}, 0.0),  # from the beginning
        ({"trained": [3]}, 110.0),  # the second epoch as the second attempt trained it
        ({"trained": [3], "seconds": 500.0}, 610.0),  # the third one begun by an earlier attempt
        ({"trained": []}, 1110.0),  # all epochs were there
    ],
)
def test_epochs_count_once_for_the_seconds_of_a_run(folder, trained, seconds):
    earlier = {1: [(1, 10.0), (2, 20.0)], 2: [(2, 100.0), (3, 1000.0)]}
    for number, epochs in earlier.items():
        assert folder.begin_attempt("late") == number
        lines = [{"epoch": epoch, "seconds": took} for epoch, took in epochs]
        append_lines(folder.attempt_folder("late", number) / "epochs.jsonl", lines, sync=False)
    job = {
        "run": "late", "attempt": folder.begin_attempt("late"), "folder": str(folder.run_folder("late")),
        "settings": trained, "train": "trivial:resumed", "ask": False,
        "metric": "val_loss", "metrics": ["val_loss"],
        "device": "cpu", "threads": 1,
    }  # fmt: skip
    assert attempt(job, RunContext(job, Silent())) == "COMPLETE"
    assert folder.attempt_result("late", 3)["seconds"] == pytest.approx(seconds, abs=5)


def test_a_run_is_told_how_old_its_checkpoint_may_grow(folder):
    how = {"executor": InProcess(), "train": "trivial:minutes", "checkpoint_minutes": 2.5}
    execute(folder, PlannedSource([planned(0)]), **how)
    assert folder.result("run00000s0")["val_loss"] == 2.5


# 6: handing back


@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGINT", 130)])
def test_a_signal_hands_runs_back_and_the_next_supervisor_goes_on(folder, local, name, code):
    runs = [planned(i, epochs=8, pause=0.1) for i in range(2)]
    timer = threading.Timer(0.5, os.kill, (os.getpid(), getattr(signal, name)))
    timer.start()
    began = time.monotonic()
    stopped = run(folder, local, runs, train="trivial:steps")
    timer.join()
    assert (stopped.exit_code, stopped.complete) == (code, 0)
    assert time.monotonic() - began < 5
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    resumed = run(folder, local, runs, train="trivial:steps")
    assert (resumed.exit_code, resumed.complete) == (0, 2)
    later = [
        r["epoch"] for r in read_lines(folder.attempt_folder("run00000s0", 2) / "epochs.jsonl")
    ]
    assert later[0] > 1
    assert later[-1] == 8


def test_a_run_that_does_not_hand_itself_back_is_ended_after_the_grace(folder, local):
    timer = threading.Timer(0.4, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    began = time.monotonic()
    summary = run(folder, local, [planned(0, wrong="hang")], grace=0.5)
    timer.join()
    assert (summary.exit_code, summary.waiting) == (143, 1)
    assert time.monotonic() - began < 3


def test_a_worker_that_is_warned_itself_hands_its_run_back_and_it_goes_on(folder, local):
    summary = run(folder, local, [planned(0, epochs=4, wrong="warned_once")], retries=0)
    assert (summary.complete, summary.lost, summary.attempts) == (1, 0, 2)


# 7: two supervisors


def test_a_second_supervisor_that_waits_takes_over_without_repeating(folder, local):
    runs = [planned(i, pause=0.05) for i in range(6)]
    summaries = []

    def supervise() -> None:
        summaries.append(run(folder, local, runs, wait=True, workers=1))

    threads = [threading.Thread(target=supervise) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(summary.attempts for summary in summaries) == [0, 6]
    assert each_has_one_outcome(folder, runs)


# 8: a full disk


@pytest.mark.parametrize("write", [0, 1, 2, 3, 5, 7])
def test_a_disk_that_fills_up_at_any_write_stops_the_study_and_loses_nothing(
    folder, local, monkeypatch, write
):
    runs = [
        planned(i) for i in range(12)
    ]  # two at a time: the plan and seven lots of events at least
    original, count = files._write_all, iter(range(10**6))

    def full(descriptor: int, content: bytes) -> None:
        if next(count) >= write:
            original(descriptor, bytes(content)[: len(content) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        original(descriptor, content)

    with monkeypatch.context() as patch:
        patch.setattr(files, "_write_all", full)
        with pytest.raises(StudyError, match=r"No space left on device \(ENOSPC\)\. Free some"):
            run(folder, local, runs)
    acknowledged = folder.results(run.run for run in runs)
    assert run(folder, local, runs).exit_code == 0
    assert each_has_one_outcome(folder, runs)
    assert acknowledged.items() <= folder.results(run.run for run in runs).items()


def test_a_disk_that_is_full_for_a_worker_is_no_fault_of_the_run(folder, local):
    # The study's own disk has room: it was another one, of temporary files perhaps.
    summary = run(folder, local, [planned(0, wrong="disk"), planned(1)])
    assert (summary.complete, summary.failed, summary.waiting) == (1, 0, 1)
    assert folder.results(["run00000s0"]) == {}
    assert run(folder, local, [planned(0), planned(1)]).attempts == 1


def test_a_nearly_full_disk_is_refused_before_the_first_run(folder, local):
    with pytest.raises(StudyError, match=r"MiB free, and at least .* are wanted"):
        run(folder, local, [planned(0)], free_bytes=2**60)


@pytest.mark.parametrize(
    ("files", "left", "said"),
    [
        (60, 0, "its disk has space but takes no more files (ENOSPC: all inodes are used)"),
        (60, 1, "No space left on device (ENOSPC). Free some space"),
        (0, 0, "No space left on device (ENOSPC). Free some space"),
    ],
)
def test_a_disk_without_inodes_is_told_from_one_without_space(
    tmp_path, monkeypatch, files, left, said
):
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_files=files, f_favail=left))
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert said in str(cannot_write(tmp_path / "new", full))


# 10: numbers that are none


@pytest.mark.parametrize("value", ["inf", "-inf", "nan", None, "word", True])
def test_a_number_that_is_none_fails_the_run_and_never_wins(folder, local, value):
    runs = [planned(0, value=value), planned(1, value="0.5")]
    summary = run(folder, local, runs, train="trivial:infinite")
    result = folder.result("run00000s0")
    assert (result["state"], summary.best.arm) == ("FAILED", "arm00001")
    assert result["error"]["type"] == (
        "NonFinite" if value in ("inf", "-inf", "nan") else "TypeError"
    )
    assert json.loads((folder.run_folder("run00000s0") / "result.json").read_text())


def test_a_diverged_epoch_ends_the_run_at_once(folder, local):
    run(folder, local, [planned(0, wrong="nan")])
    result = folder.result("run00000s0")
    assert result["error"]["type"] == "NonFinite"
    assert (
        result["error"]["message"]
        == "`val_loss` must be finite, but is nan in epoch 1: the run diverged."
    )
    records = list(read_lines(folder.run_folder("run00000s0") / "1/epochs.jsonl"))
    assert [record["val_loss"] for record in records] == [None]


# 11, 12 and 13: bad runs

BAD = {  # wrong: error type, exit code, attempts, words in the message
    "raise": ("ValueError", None, 1, "a rule was broken"),
    "segfault": ("WorkerDied", -11, 3, "the worker was killed by SIGSEGV"),
    "exit": ("WorkerDied", 7, 3, "the worker exited with code 7"),
    "killed": ("WorkerDied", -9, 3, "the worker was killed by SIGKILL"),
    "memory": ("RuntimeError", None, 2, "CUDA out of memory"),
    "hang": ("Hang", -9, 3, "no progress for 0.5 s"),
    "system_exit": ("SystemExit", None, 1, "0"),
}


@pytest.mark.parametrize("wrong", BAD)
def test_a_bad_run_is_recorded_and_stops_no_other(folder, local, wrong):
    kind, exit_code, attempts, message = BAD[wrong]
    runs = [planned(0, wrong=wrong), *(planned(i) for i in range(1, 5))]
    summary = run(folder, local, runs, retries=2, hang_timeout=0.5)
    error = folder.result("run00000s0")["error"]
    assert (summary.complete, summary.failed, summary.exit_code) == (4, 1, 1)
    assert (error["type"], error["exit_code"]) == (kind, exit_code)
    assert message in error["message"]
    assert error["traceback"]
    assert len(folder.attempts("run00000s0")) == attempts
    assert len(error["traceback"]) < 4000


@pytest.mark.parametrize("wrong", ["killed_once", "hang_once", "memory_once"])
def test_a_fault_that_passes_costs_one_attempt(folder, local, wrong):
    summary = run(folder, local, [planned(0, wrong=wrong), planned(1)], hang_timeout=0.5)
    assert (summary.complete, summary.attempts) == (2, 3)


def test_out_of_memory_is_tried_again_with_nothing_else_on_the_device(folder, local):
    runs = [planned(0, wrong="memory_once", pause=0.1)]
    runs += [planned(i, pause=0.1) for i in range(1, 6)]
    run(folder, local, runs, train="trivial:timed", workers=3)
    spans = {
        one.run: json.loads((folder.attempt_folder(one.run, n) / "span.json").read_text())
        for one in runs
        for n in folder.attempts(one.run)[-1:]
    }
    alone = spans.pop("run00000s0")
    assert all(end <= alone[0] or begin >= alone[1] for begin, end in spans.values())


@pytest.mark.parametrize(
    ("kills", "message"),
    [
        ((0, 0, 1), "the worker was killed by SIGKILL: the machine was out of memory"),
        ((7, 7, 7), "the worker was killed by SIGKILL"),
    ],
)
def test_a_worker_that_the_system_killed_for_its_memory_is_told_from_others(
    folder, local, monkeypatch, kills, message
):
    # The system's own count, as it stands when a run starts and when its worker has died.
    counts = iter(kills)
    monkeypatch.setattr("ablations.engine.executors.oom_kills.RECENT_SECONDS", -1.0)
    monkeypatch.setattr(
        "ablations.engine.executors.oom_kills.oom_kills", lambda: next(counts, kills[-1])
    )
    run(folder, local, [planned(0), planned(1, wrong="killed_once")], workers=1)
    error = folder.attempt_result("run00001s0", 1)["error"]
    assert error["message"] == message
    assert (classify(error) == "memory") == ("memory" in message)
    assert folder.result("run00001s0")["state"] == "COMPLETE"


def test_a_result_that_cannot_be_used_is_tried_again_some_times_and_then_left(folder, local):
    summary = run(folder, local, [planned(0)], train="trivial:unusable", retries=2)
    assert (summary.complete, summary.attempts) == (0, 3)
    left = [e for e in read_lines(folder.events_file) if e["event"] == "run_left"]
    assert "stacked" in left[0]["error"]
    assert folder.result("run00000s0") is None
    assert run(folder, local, [planned(0)]).complete == 1


def test_the_systems_count_of_its_kills_is_read(tmp_path):
    (tmp_path / "vmstat").write_text("nr_free_pages 12\noom_kill 3\nnuma_hit 4\n")
    assert oom_kills(tmp_path / "vmstat") == 3
    assert oom_kills(tmp_path / "not there") == 0


def test_retries_count_over_supervisors(folder, local):
    runs = [planned(0, wrong="killed")]
    folder.append_plan(runs)
    for _ in range(2):
        number = folder.begin_attempt("run00000s0")
        error = {"type": "WorkerDied", "message": "", "exit_code": -9}
        folder.end_attempt("run00000s0", number, {"state": "FAILED", "error": error})
    folder.begin_attempt("run00000s0")  # lost with its supervisor: not the run's fault
    assert run(folder, local, runs, retries=3).attempts == 2


def test_the_rules_for_retries():
    died, memory = {"type": "WorkerDied"}, {"type": "OutOfMemoryError"}
    assert decide([], retries=3) == "again"
    assert decide([died] * 3, retries=3) == "apart"
    assert decide([died] * 4, retries=3) == "commit"
    assert decide([memory], retries=3) == "alone"
    assert decide([memory, died], retries=3) == "alone"
    assert decide([memory, memory], retries=3) == "commit"
    assert decide([{"type": "ValueError"}], retries=3) == "commit"
    assert classify({"type": "RuntimeError", "message": "CUDA out of memory."}) == "memory"
    allocator = "DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes."
    assert classify({"type": "RuntimeError", "message": allocator}) == "memory"
    assert classify({"type": "DistBackendError", "message": ""}) == "infrastructure"
    # By itself it may have memory enough: no need to have the device alone.
    together = {"type": "StackFailed", "message": "a step of 2 runs: CUDA out of memory"}
    assert classify(together) == "infrastructure"


def test_a_hang_is_found_within_a_fifth_more_than_its_timeout(folder, local):
    run(folder, local, [planned(0, wrong="hang")], hang_timeout=1.0, retries=0)
    times = {e["event"]: e["at"] for e in read_lines(folder.events_file)}
    seconds = [float(times[name][17:-6]) for name in ("run_started", "run_lost")]
    assert 1.0 <= (seconds[1] - seconds[0]) % 60 < 1.2 + 0.5  # its worker starts meanwhile


def test_an_epoch_that_takes_long_is_no_hang_while_it_beats(folder, local):
    summary = run(folder, local, [planned(0)], train="trivial:beating", hang_timeout=1.5)
    assert (summary.complete, summary.lost) == (1, 0)


# 14: what was planned is what runs


def test_a_run_gets_the_planned_settings_unchanged(folder, local):
    one = planned(0, x=0.1 + 0.2, word="é\n", nothing=None, many=[1, 2.5, True])
    run(folder, local, [one], train="trivial:echo")
    seen = json.loads((folder.attempt_folder(one.run, 1) / "settings.json").read_text())
    assert seen == one.settings
    assert [type(value) for value in seen.values()] == [type(v) for v in one.settings.values()]


# 16: clocks


def test_a_worker_whose_clock_is_wrong_ends_its_run_like_any_other(folder, local):
    summary = run(folder, local, [planned(0), planned(1)], train="trivial:skewed")
    result = folder.result("run00000s0")
    assert summary.complete == 2
    assert result["started"] > result["ended"]
    assert 0 <= result["seconds"] < 60


def test_no_decision_reads_the_wall_clock():
    assert [file.name for file in sources() if "time.time(" in file.read_text()] == []


# 17: secrets


def test_no_secret_reaches_a_worker_or_the_folder(folder, local, monkeypatch):
    for name in ("WANDB_API_KEY", "PGPASSWORD"):
        monkeypatch.setenv(name, CANARY)
    run(folder, local, [planned(0, wrong="tell_everything")], retries=0)
    written = {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()}
    assert any(b"PATH=" in content for content in written.values())  # it did tell
    assert [path for path, content in written.items() if CANARY.encode() in content] == []


def test_others_may_not_read_a_study(folder, local):
    run(folder, local, [planned(0)])
    files_and_folders = [folder.path, *folder.path.rglob("*")]
    assert len(files_and_folders) > 6
    assert [path for path in files_and_folders if path.stat().st_mode & 0o077] == []


# 18: reading executes nothing


def sources() -> list[Path]:
    return sorted(Path(engine.__file__).parent.rglob("*.py"))


def test_nothing_in_the_engine_unpickles_or_evaluates():
    found = []
    for file in sources():
        for node in ast.walk(ast.parse(file.read_text())):
            names = {
                alias.name for alias in getattr(node, "names", ()) if isinstance(alias, ast.alias)
            }
            names |= {node.id} if isinstance(node, ast.Name) else set()
            found += [
                (file.name, name) for name in names & {"pickle", "eval", "exec", "yaml", "dill"}
            ]
    assert found == []


def test_a_pickle_in_the_search_records_is_not_given_to_the_sampler(folder):
    line = {"trial": 0, "arm": None, "params": {}, "distributions": {}, "sampler": {"cma:0": "80"},
            "system": {"cma:optimizer:0": "8004", "kept": 1}}  # fmt: skip
    files.append_lines(folder.path / "trials.jsonl", [line], sync=False)
    trials, sampler = TrialRecords(folder.path / "trials.jsonl").read()
    assert (trials[0].system, sampler) == ({"kept": 1}, {})


# 19: views


class Broken:
    """A tracker that raises from a given call on."""

    def __init__(self, calls: int) -> None:
        self.left, self.closed = calls, 0

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any) -> None:
            self.left -= 1
            if self.left < 0:
                raise ConnectionError("the server is gone")

        return call


@pytest.mark.parametrize("calls", [0, 1, 2, 5, 9])
def test_a_view_that_breaks_is_dropped_with_one_warning_and_changes_nothing(tmp_path, local, calls):
    losses = []
    for name, tracker in (("without", None), ("with", Broken(calls))):
        folder = StudyFolder.create(tmp_path / name, STUDY)
        runs = [planned(i) for i in range(4)]
        assert run(folder, local, runs, tracker=tracker).exit_code == 0
        losses.append([folder.result(one.run)["val_loss"] for one in runs])
    assert losses[0] == losses[1]
    dropped = [e for e in read_lines(folder.events_file) if e["event"] == "tracker_dropped"]
    assert len(dropped) == 1
    assert dropped[0]["error"] == "ConnectionError: the server is gone"
