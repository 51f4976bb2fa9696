import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from monkey import Monkey
from trivial_plans import planned

from ablations.engine.executors.executor import Beat, Ended, Epoch, Job, Lost, Message
from ablations.engine.executors.local import LocalExecutor
from ablations.engine.executors.slots import find_slots
from ablations.engine.records.files import read_lines
from ablations.engine.records.folder import StudyFolder
from ablations.engine.sources.source import PlannedSource
from ablations.engine.supervision.supervisor import execute
from ablations.engine.worker import log
from ablations.errors import SettingError
from ablations.plan import PlannedRun

HERE = Path(__file__).parent
SECONDS = 20.0
"""After which a test has hung."""


def seeds(count: int, *arms: int, **settings: Any) -> list[PlannedRun]:
    return [planned(arm, seed=seed, **settings) for seed in range(count) for arm in arms]


def run(folder: StudyFolder, executor: Any, runs: list[PlannedRun], **options: Any) -> Any:
    train = options.pop("train", "trivial:in_step")
    return execute(folder, PlannedSource(runs, stack=5), executor=executor, train=train, **options)


def noted(folder: StudyFolder, run: str, name: str, attempt: int = 1) -> Any:
    return json.loads((folder.attempt_folder(run, attempt) / name).read_text())


def states(folder: StudyFolder, runs: list[PlannedRun]) -> list[str]:
    return [folder.result(one.run)["state"] for one in runs]


@pytest.fixture
def start(folder: StudyFolder) -> Callable[..., str]:
    """Starts a run on an executor, without a supervisor."""

    def begin(executor: LocalExecutor, run: str, arm: str = "a", **fields: Any) -> str:
        train, ask = fields.pop("train", "trivial:steps"), fields.pop("ask", False)
        place = {name: fields.pop(name) for name in ("alone", "apart") if name in fields}
        attempt = folder.begin_attempt(run)
        settings = {"x": 0.0, "seed": 0, "epochs": 1000, "pause": 0.02, **fields}
        job = Job(
            run=run, arm=arm, attempt=attempt, folder=str(folder.run_folder(run)),
            settings=settings, train=train, ask=ask, **place,
        )  # fmt: skip
        return executor.start(job)

    return begin


def hear(executor: LocalExecutor, over: Callable[[list[Message]], bool]) -> list[Message]:
    """Polls until what was heard so far is enough."""
    heard: list[Message] = []
    deadline = time.monotonic() + SECONDS
    while not over(heard):
        assert time.monotonic() < deadline, heard
        heard += executor.poll(0.05)
    return heard


def ended(*runs: str) -> Callable[[list[Message]], bool]:
    return lambda heard: (
        {one.run for one in heard if isinstance(one, Ended | Lost)} >= {*runs}
    )  # fmt: skip


# which slots there are


def test_a_slot_has_a_name_for_each_run_of_its_stack():
    assert find_slots(gpus=(), cores=1)[0].names == ("cpu0",)
    assert find_slots(gpus=(), cores=1, stack=2)[0].names == ("cpu0.0", "cpu0.1")
    shares = find_slots(gpus=("0",), gpus_per_run=0.5, stack=2)
    assert [name for slot in shares for name in slot.names] == [
        "gpu0.0.0",
        "gpu0.0.1",
        "gpu0.1.0",
        "gpu0.1.1",
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stack": 0}, r"^`stack >= 1` must hold, but got 0\.$"),
        (
            {"stack": 5, "gpus": ("0", "1"), "gpus_per_run": 2},
            r"^`stack` must be 1 where a run has several processes, but got 5 with `gpus_per_run` 2 and "
            r"`processes_per_run` 1\. Give each run one process and at most one GPU, or do not stack\.$",
        ),
        (
            {"stack": 2, "gpus": (), "processes_per_run": 3},
            r"^`stack` must be 1 where a run has several processes, but got 2 with `gpus_per_run` 1 and "
            r"`processes_per_run` 3\. Give each run one process and at most one GPU, or do not stack\.$",
        ),
    ],
)
def test_impossible_stacks_are_refused(options, message):
    with pytest.raises(SettingError, match=message):
        find_slots(**options)


# where a run is put


def test_a_run_is_put_beside_its_arm_else_on_an_empty_place_else_where_there_is_room(local, start):
    executor = local(2, stack=3)
    assert executor.slots == ("cpu0.0", "cpu0.1", "cpu0.2", "cpu1.0", "cpu1.1", "cpu1.2")
    where = [start(executor, f"{arm}{i}", arm=arm) for i, arm in enumerate("aabcac")]
    assert where == ["cpu0.0", "cpu0.1", "cpu1.0", "cpu1.1", "cpu0.2", "cpu1.2"]
    assert not executor.room()
    executor.close()


def test_of_the_empty_places_one_whose_worker_is_up_comes_first(local, start):
    executor = local(2, stack=2)
    start(executor, "fails", wrong="raise", train="trivial:bad", apart=True)
    start(executor, "ends", train="trivial:quick", apart=True, epochs=2)
    hear(executor, ended("fails", "ends"))
    assert start(executor, "next") == "cpu1.0"
    executor.close()


@pytest.mark.parametrize("kind", ["apart", "alone"])
def test_a_run_that_must_be_apart_waits_for_an_empty_place_and_nothing_joins_it(local, start, kind):
    executor = local(1, stack=3)
    start(executor, "first", epochs=3)
    assert executor.room()
    assert not executor.room(**{kind: True})
    hear(executor, ended("first"))
    assert executor.room(**{kind: True})
    start(executor, "second", **{kind: True})
    assert not executor.room()
    executor.close()


def test_a_run_that_is_apart_leaves_other_places_alone(local, start):
    executor = local(2, stack=2)
    assert start(executor, "a0") == "cpu0.0"
    assert start(executor, "b0", arm="b", apart=True) == "cpu1.0"
    assert start(executor, "b1", arm="b") == "cpu0.1"
    assert not executor.room()
    executor.close()


@pytest.mark.parametrize(("stack", "runs", "workers"), [(5, 5, 1), (5, 6, 2), (1, 2, 2), (1, 9, 3)])
def test_no_more_workers_are_prepared_than_there_are_stacks(local, stack, runs, workers):
    executor = local(3, stack=stack)
    executor.prepare("trivial:quick", runs=runs)
    assert sum(len(place.group) for place in executor._places) == workers
    executor.close()


# one worker, several runs


def test_a_worker_with_a_failed_run_takes_no_other_and_is_replaced_when_the_rest_has_ended(
    local, start
):
    executor = local(1, stack=3)
    start(executor, "ends", epochs=25)
    start(executor, "fails", wrong="raise", train="trivial:bad")
    (before,) = (worker.pid for worker in executor._places[0].group)
    hear(executor, ended("fails"))
    assert not executor.room()
    heard = hear(executor, ended("ends"))
    assert [one.state for one in heard if isinstance(one, Ended)] == ["COMPLETE"]
    assert executor.room()
    start(executor, "next")
    assert before not in [worker.pid for worker in executor._places[0].group]
    executor.close()


def test_a_worker_that_is_killed_takes_no_other_run_and_loses_all_that_it_has(local, start):
    executor = local(1, stack=4)
    for run in ("a", "b", "c"):
        start(executor, run, train="trivial:in_step")
    hear(executor, lambda heard: {one.run for one in heard} == {"a", "b", "c"})
    executor.kill("b")
    assert not executor.room()
    lost = [one for one in hear(executor, ended("a", "b", "c")) if isinstance(one, Lost)]
    assert sorted(one.run for one in lost) == ["a", "b", "c"]
    assert [one.exit_code for one in lost] == [-signal.SIGKILL] * 3
    assert executor.room(apart=True)
    executor.close()


def test_answers_reach_the_run_that_asked(local, start):
    executor, heard = local(1, stack=2), []
    for run in ("good", "poor"):
        start(executor, run, ask=True, epochs=6)
    deadline = time.monotonic() + SECONDS
    while not ended("good", "poor")(heard):
        assert time.monotonic() < deadline, heard
        for one in executor.poll(0.05):
            heard.append(one)
            if isinstance(one, Epoch):
                executor.answer(one.run, "prune" if one.run == "poor" else "go")
    states = {one.run: one.state for one in heard if isinstance(one, Ended)}
    assert states == {"good": "COMPLETE", "poor": "PRUNED"}
    assert [one.record["epoch"] for one in heard if isinstance(one, Epoch)].count(1) == 2
    assert len([one for one in heard if isinstance(one, Epoch) and one.run == "poor"]) == 1
    executor.close()


def test_a_run_that_is_heard_speaks_for_those_that_wait_for_it(local, start):
    executor, heard = local(1, stack=2), []
    start(executor, "talks", epochs=3, pause=0.05)
    start(executor, "silent", epochs=1, pause=1.0)
    heard = hear(executor, ended("talks"))
    before = heard[: next(i for i, one in enumerate(heard) if isinstance(one, Ended))]
    assert len([one for one in before if isinstance(one, Beat) and one.run == "silent"]) >= 3
    executor.close()


def test_a_worker_that_is_warned_hands_back_all_its_runs_and_those_that_come_too_late(local, start):
    executor = local(1, stack=3)
    for run in ("a", "b"):
        start(executor, run, pause=0.4)
    hear(executor, lambda heard: {one.run for one in heard if isinstance(one, Epoch)} == {"a", "b"})
    os.kill(executor._places[0].group[0].pid, signal.SIGTERM)
    time.sleep(0.1)  # it knows now, and its runs are within an epoch
    start(executor, "late")
    heard = hear(executor, ended("a", "b", "late"))
    assert {one.run: one.state for one in heard if isinstance(one, Ended)} == {
        "a": "HANDED_BACK", "b": "HANDED_BACK", "late": "HANDED_BACK",
    }  # fmt: skip
    assert [one for one in heard if isinstance(one, Lost)] == []
    executor.close()


def test_a_worker_that_is_warned_hands_back_runs_that_wait_for_an_answer(local, start):
    executor = local(1, stack=2)
    for run in ("a", "b"):
        start(executor, run, ask=True)
    hear(executor, lambda heard: {one.run for one in heard if isinstance(one, Epoch)} == {"a", "b"})
    os.kill(executor._places[0].group[0].pid, signal.SIGTERM)
    heard = hear(executor, ended("a", "b"))
    assert [one.state for one in heard if isinstance(one, Ended)] == ["HANDED_BACK"] * 2
    executor.close()


def test_a_worker_is_replaced_after_some_runs_and_what_it_has_ends_first(folder):
    places = find_slots(gpus=(), workers=1, stack=2)
    executor = LocalExecutor(places, recycle=3, pythonpath=str(HERE))
    runs = [planned(i) for i in range(8)]
    assert run(folder, executor, runs).complete == 8
    pids = [noted(folder, one.run, "who.json")["pid"] for one in runs]
    assert {pids.count(pid) for pid in pids} <= {2, 3, 4}  # recycle + stack - 1 at most
    assert len(set(pids)) >= 2


def test_a_worker_keeps_no_threads_of_runs_that_are_over(folder, local):
    runs = [planned(i) for i in range(8)]
    run(folder, local(1, stack=2), runs, train="trivial:ended_threads")
    kept = [noted(folder, one.run, "ended_threads.json") for one in runs]
    assert (
        max(kept) <= 3
    )  # those that ended since the last run came; all seven would be kept otherwise


# logs


def test_runs_of_a_worker_share_a_log_until_none_is_left(local, folder, start):
    executor = local(1, stack=2)

    def log_of(run: str) -> Path:
        return folder.attempt_folder(run, 1) / "log.txt"

    for run_ in ("a", "b"):
        start(executor, run_, train="trivial:in_step", epochs=5)
    hear(executor, ended("a", "b"))
    start(executor, "c", train="trivial:in_step", epochs=5)
    hear(executor, ended("c"))
    assert log_of("a").samefile(log_of("b"))
    assert sorted(log_of("a").read_text().splitlines()) == ["a begins", "b begins"]
    assert log_of("c").read_text() == "c begins\n"
    assert log_of("c").stat().st_mode & 0o077 == 0
    executor.close()


def test_where_files_have_no_links_the_newest_runs_log_gets_what_is_printed(tmp_path, monkeypatch):
    def refuse(*names: Any) -> None:
        raise PermissionError("no links here")

    printed_to: list[str] = []
    monkeypatch.setattr(log.os, "link", refuse)
    monkeypatch.setattr(log, "_print_to", lambda file: printed_to.append(file.name))
    one = log.Log()
    with one.of(tmp_path / "first"), one.of(tmp_path / "second"):
        assert printed_to == ["first", "second"]


# whole studies


def test_the_seeds_of_an_arm_are_trained_in_one_process_and_meet(folder, local):
    runs = seeds(5, 0, 1)
    summary = run(folder, local(2, stack=5), runs)
    assert (summary.complete, summary.attempts) == (10, 10)
    assert sorted(path.parent.name for path in folder.runs.glob("*/result.json")) == sorted(
        one.run for one in runs
    )
    assert len(list(folder.runs.glob("*/*/result.json"))) == 10
    for arm in ("arm00000", "arm00001"):
        mine = [one.run for one in runs if one.arm == arm]
        who = [noted(folder, one, "who.json") for one in mine]
        assert len({one["pid"] for one in who}) == 1
        assert len({one["thread"] for one in who}) == 5
        met = [meeting for one in mine for meeting in noted(folder, one, "met.json")]
        assert max(map(len, met)) == 5
        assert {one for meeting in met for one in meeting} == set(mine)
    assert all((folder.attempt_folder(one.run, 1) / "log.txt").stat().st_size for one in runs)


def test_a_run_that_is_not_stacked_meets_nobody(folder, local):
    run(folder, local(1), seeds(1, 0))
    assert noted(folder, "run00000s0", "who.json")["alone"]


@pytest.mark.parametrize(("wrong", "said"), [("raise", "a rule was broken"), ("unwritable", "odd")])
def test_a_run_that_fails_leaves_the_others_of_its_stack_alone(folder, local, wrong, said):
    runs = seeds(4, 0)
    runs.append(planned(0, seed=4, wrong=wrong))
    summary = run(folder, local(1, stack=5), runs)
    assert states(folder, runs) == ["COMPLETE"] * 4 + ["FAILED"]
    assert (summary.attempts, summary.lost) == (5, 0)
    assert said in folder.result("run00000s4")["error"]["message"]


@pytest.mark.parametrize("wrong", ["killed", "segfault", "exit", "hang"])
def test_a_run_that_ends_its_worker_every_time_hits_others_once_at_most(folder, local, wrong):
    bad = planned(0, wrong=wrong, epochs=4)  # it ends before the others do
    others = [planned(0, seed=1), planned(0, seed=2), *seeds(3, 1)]
    # One further attempt: an innocent run that was hit twice would have failed for good.
    summary = run(folder, local(2, stack=3), [bad, *others], retries=1, hang_timeout=1.0)
    assert states(folder, [bad]) == ["FAILED"]
    assert states(folder, others) == ["COMPLETE"] * 5
    assert folder.attempts(bad.run) == [1, 2]
    hit = [one.run for one in others if len(folder.attempts(one.run)) == 2]
    assert {*hit} <= {"run00000s1", "run00000s2"}
    assert hit
    assert summary.lost == 2 + len(hit)
    assert all(noted(folder, one, "who.json", attempt=2)["alone"] for one in [bad.run, *hit])


def test_a_run_out_of_memory_is_tried_again_alone_and_hits_nobody(folder, local):
    runs = [planned(0, wrong="memory_once"), *(planned(0, seed=s) for s in range(1, 4))]
    summary = run(folder, local(1, stack=4), runs)
    assert (summary.complete, summary.attempts, summary.lost) == (4, 5, 0)
    assert noted(folder, "run00000s0", "who.json", attempt=2)["alone"]


def test_the_records_say_what_was_hit_and_is_apart_under_the_next_supervisor(folder, local):
    runs = seeds(4, 0)
    folder.append_plan(runs)
    for one in runs[:3]:
        folder.begin_attempt(one.run)  # lost with its supervisor: no fault of anybody's
    error = {"type": "WorkerDied", "message": "", "exit_code": -9}
    folder.end_attempt("run00000s0", 1, {"state": "FAILED", "error": error})
    assert run(folder, local(1, stack=4), runs).complete == 4
    alone = {
        one.run: noted(folder, one.run, "who.json", folder.attempts(one.run)[-1])["alone"]
        for one in runs
    }
    assert alone == {
        "run00000s0": True, "run00000s1": False, "run00000s2": False, "run00000s3": False,
    }  # fmt: skip


def test_a_signal_hands_all_back_and_they_are_stacked_again(folder, local):
    runs = seeds(3, 0, 1, epochs=12, pause=0.05)
    timer = threading.Timer(0.9, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    stopped = run(folder, local(2, stack=3), runs)
    timer.join()
    assert (stopped.exit_code, stopped.complete, stopped.lost) == (143, 0, 0)
    assert all((folder.attempt_folder(one.run, 1) / "log.txt").exists() for one in runs)
    resumed = run(folder, local(2, stack=3), runs)
    assert (resumed.exit_code, resumed.complete, resumed.attempts) == (0, 6, 6)
    for one in runs:
        assert not noted(folder, one.run, "who.json", attempt=2)["alone"]
        epochs = [
            record["epoch"]
            for n in (1, 2)
            for record in read_lines(folder.attempt_folder(one.run, n) / "epochs.jsonl")
        ]
        assert epochs == list(range(1, 13))


def test_a_run_whose_worker_is_warned_goes_on_and_so_do_the_others(folder, local):
    runs = [planned(0, wrong="warned_once"), *(planned(0, seed=s) for s in range(1, 4))]
    summary = run(folder, local(1, stack=4), runs, retries=0)
    assert (summary.complete, summary.lost) == (4, 0)


def test_random_kills_of_workers_and_supervisors_lose_and_repeat_no_stacked_run(folder):
    order = {
        "folder": str(folder.path), "runs": 60, "workers": 2, "stack": 5, "train": "trivial:in_step",
        "settings": {"epochs": 3, "pause": 0.01}, "options": {"retries": 1000, "wait": True},
    }  # fmt: skip
    with Monkey(order, seed=8) as monkey:
        monkey.kill_some(8, share_of_supervisors=0.3, pause=0.15, seconds=300)
        assert monkey.finish(200) == 0
    results = folder.results(one.run for one in folder.plan())
    whole = [
        one.run
        for one in folder.plan()
        for n in folder.attempts(one.run)
        if (folder.attempt_result(one.run, n) or {}).get("state") == "COMPLETE"
    ]
    assert min(monkey.kills.values()) > 0
    assert {result["state"] for result in results.values()} == {"COMPLETE"}
    assert len(results) == 60
    assert sorted(whole) == sorted(results)
    assert monkey.lost() == []


def test_the_plan_on_the_disk_keeps_its_order(folder, local):
    runs = seeds(2, 0, 1)
    run(folder, local(1, stack=2), runs, train="trivial:quick")
    assert folder.plan() == runs
