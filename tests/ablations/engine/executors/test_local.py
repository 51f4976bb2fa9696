import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest
from trivial_plans import STUDY, planned

from ablations.engine.executors import slots
from ablations.engine.executors.local import LocalExecutor
from ablations.engine.executors.slots import Slot, find_slots
from ablations.engine.records.folder import StudyFolder
from ablations.engine.sources.source import PlannedSource
from ablations.engine.supervision.supervisor import execute
from ablations.errors import SettingError

HERE = Path(__file__).parents[1]


def seen(folder: StudyFolder, rank: int = 0) -> list[dict]:
    return [json.loads(path.read_text()) for path in folder.runs.glob(f"*/*/seen.{rank}.json")]


def run(folder, executor, runs, train="trivial:pids", **options):
    return execute(folder, PlannedSource(runs), executor=executor, train=train, **options)


# which slots there are


def test_a_share_of_a_gpu_makes_several_slots_on_it():
    found = find_slots(gpus=("0", "1"), gpus_per_run=0.5)
    assert [(slot.name, slot.gpus, slot.device) for slot in found] == [
        ("gpu0.0", ("0",), "0"),
        ("gpu1.0", ("1",), "1"),
        ("gpu0.1", ("0",), "0"),
        ("gpu1.1", ("1",), "1"),
    ]


def test_a_run_on_two_gpus_is_a_group_of_two_processes():
    found = find_slots(gpus=("0", "1", "2", "3", "4"), gpus_per_run=2)
    assert [(slot.gpus, slot.processes) for slot in found] == [(("0", "1"), 2), (("2", "3"), 2)]


def test_without_gpus_a_slot_is_a_core_or_as_many_as_a_run_has_processes():
    assert len(find_slots(gpus=(), cores=5)) == 5
    assert [slot.processes for slot in find_slots(gpus=(), cores=5, processes_per_run=2)] == [2, 2]
    assert len(find_slots(gpus=(), cores=2, workers=7)) == 7


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gpus": ("0",), "gpus_per_run": 1.5}, "a share of a GPU up to 1 or a whole number"),
        ({"gpus": ("0",), "gpus_per_run": 0}, "a share of a GPU up to 1 or a whole number"),
        ({"gpus": ("0",), "gpus_per_run": 2}, "`gpus_per_run` must be at most 1 here, but got 2"),
        ({"workers": 0}, "`workers >= 1` must hold, but got 0"),
        ({"gpus": (), "processes_per_run": 0}, "`processes_per_run >= 1` must hold"),
    ],
)
def test_impossible_slots_are_refused(options, message):
    with pytest.raises(SettingError, match=message):
        find_slots(**options)


def test_the_gpus_are_those_that_the_environment_leaves_visible(monkeypatch):
    for visible, expected in (("2,5", ("2", "5")), ("", ()), ("-1", ())):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        assert slots.find_gpus() == expected


def test_the_gpus_are_asked_of_nvidia_smi_otherwise(monkeypatch, tmp_path):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 0\necho 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert slots.find_gpus() == ("0", "1")


def test_where_amds_driver_is_torch_is_asked(monkeypatch, tmp_path):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(slots.shutil, "which", lambda name: None)
    asked = []
    monkeypatch.setattr(slots, "_answers", lambda command: asked.append(command) or ("0", "1"))
    monkeypatch.setattr(slots, "AMD", str(tmp_path / "absent"))
    assert slots.find_gpus() == ()
    assert not asked  # importing torch takes seconds
    monkeypatch.setattr(slots, "AMD", str(tmp_path))
    assert slots.find_gpus() == ("0", "1")
    assert "torch.cuda.device_count()" in asked[0][-1]


def test_a_containers_quota_limits_the_cores(tmp_path, monkeypatch):
    quota = tmp_path / "cpu.max"
    for content, cores in (("200000 100000\n", 2), ("max 100000\n", 2**31)):
        quota.write_text(content)
        assert slots._quota(quota) == cores
    assert slots._quota(tmp_path / "absent") == 2**31


# what a worker sees


def test_a_worker_sees_its_gpus_its_threads_and_no_key(folder, monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", "key")
    places = [Slot(name="g3", device="3", gpus=("3",), threads=5)]
    run(folder, LocalExecutor(places, pythonpath=str(HERE)), [planned(0)])
    (told,) = seen(folder)
    assert told["environment"]["CUDA_VISIBLE_DEVICES"] == "3"
    assert told["environment"]["OMP_NUM_THREADS"] == "5"
    assert (told["device"], told["secret"]) == ("cuda:0", None)


def test_a_worker_without_a_gpu_sees_none(folder, local, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    run(folder, local(1), [planned(0)])
    assert seen(folder)[0]["environment"]["CUDA_VISIBLE_DEVICES"] == ""
    assert seen(folder)[0]["device"] == "cpu"


def test_a_worker_serves_run_after_run_and_is_replaced_after_some(folder):
    places = find_slots(gpus=(), workers=1)
    executor = LocalExecutor(places, recycle=3, pythonpath=str(HERE))
    run(folder, executor, [planned(i) for i in range(7)])
    pids = [told["pid"] for told in sorted(seen(folder), key=lambda told: told["began"])]
    assert [pids.count(pid) for pid in dict.fromkeys(pids)] == [3, 3, 1]


def test_a_worker_is_replaced_after_a_run_that_failed(folder, local):
    runs = [planned(0), planned(1, wrong="raise"), planned(2)]
    run(folder, local(1), runs, train="trivial:pids_of_bad")
    pids = {path.parts[-3]: json.loads(path.read_text())["pid"]
            for path in folder.runs.glob("*/1/seen.0.json")}  # fmt: skip
    assert pids["run00000s0"] == pids["run00001s0"] != pids["run00002s0"]


def test_what_a_run_prints_is_in_its_own_log(folder, local):
    runs = [planned(0, wrong="a"), planned(1, wrong="b")]
    run(folder, local(1), runs, train="trivial:bad")
    logs = [(folder.attempt_folder(r.run, 1) / "log.txt").read_text() for r in runs]
    assert logs == ["wrong=a attempt=1\n", "wrong=b attempt=1\n"]


def test_a_worker_that_cannot_start_says_why(folder):
    executor = LocalExecutor(find_slots(gpus=(), workers=1), pythonpath="/nowhere")
    run(folder, executor, [planned(0)], train="no_such_module:train", retries=0)
    assert folder.result("run00000s0") is None  # another machine may have it
    error = folder.attempt_result("run00000s0", 1)["error"]
    assert error["type"] == "ModuleNotFoundError"
    assert error["message"] == "No module named 'no_such_module'"


def test_a_prepared_worker_serves_the_first_run(folder):
    executor = LocalExecutor(find_slots(gpus=(), workers=2), pythonpath=str(HERE))
    executor.prepare("trivial:pids", runs=1)
    (prepared,) = (place.group[0].pid for place in executor._places if place.group)
    run(folder, executor, [planned(0)])
    assert [told["pid"] for told in seen(folder)] == [prepared]


def test_preparing_imports_the_function_before_there_is_a_run(tmp_path):
    module = tmp_path / "marked.py"
    module.write_text("open(__file__ + '.imported', 'w').close()\ndef train(): pass\n")
    executor = LocalExecutor(find_slots(gpus=(), workers=1), pythonpath=str(tmp_path))
    executor.prepare("marked:train", runs=3)
    deadline = time.monotonic() + 20
    while not (tmp_path / "marked.py.imported").exists():
        assert time.monotonic() < deadline
    executor.close()


def test_what_is_wrong_with_the_function_is_said_by_the_run_not_by_the_preparation(folder):
    executor = LocalExecutor(find_slots(gpus=(), workers=1), pythonpath="/nowhere")
    executor.prepare("no_such_module:train", runs=1)
    run(folder, executor, [planned(0)], train="no_such_module:train", retries=0)
    assert folder.attempts("run00000s0") == [1]
    assert folder.attempt_result("run00000s0", 1)["error"]["type"] == "ModuleNotFoundError"


def test_a_run_may_fork_and_its_children_hold_no_pipe_and_hear_a_signal(folder, local):
    run(folder, local(1), [planned(0)], train="trivial:forked", hang_timeout=20, retries=0)
    (attempt,) = folder.runs.glob("*/1")
    assert json.loads((attempt / "pipes.json").read_text()) == [0, 0]
    assert json.loads((attempt / "exit_code.json").read_text()) == -signal.SIGTERM


def test_workers_end_with_their_supervisor(folder, local):
    executor = local(2)
    stopper = threading.Timer(0.8, os.kill, (os.getpid(), signal.SIGTERM))
    stopper.start()
    run(
        folder, executor, [planned(i, pause=30) for i in range(2)], train="trivial:noted", grace=0.1
    )
    stopper.join()
    pids = [int(path.read_text()) for path in folder.runs.glob("*/1/pid")]
    assert len(pids) == 2
    deadline = time.monotonic() + 5
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < deadline


# a run of several processes


def group(folder, runs, train="trivial:pids", **options):
    places = find_slots(gpus=(), workers=1, processes_per_run=2)
    return run(folder, LocalExecutor(places, pythonpath=str(HERE)), runs, train=train, **options)


def test_the_processes_of_a_run_know_their_ranks_and_rank_0_speaks(folder):
    assert group(folder, [planned(0)]).complete == 1
    ranks = [seen(folder, rank)[0]["environment"] for rank in (0, 1)]
    assert [(one["RANK"], one["WORLD_SIZE"]) for one in ranks] == [("0", "2"), ("1", "2")]
    epochs = (folder.attempt_folder("run00000s0", 1) / "epochs.jsonl").read_text().splitlines()
    assert len(epochs) == 2


def test_a_process_that_fails_ends_the_run_with_its_error(folder):
    summary = group(folder, [planned(0), planned(1)], train="trivial:second_rank_raises")
    assert summary.failed == 2
    assert folder.result("run00000s0")["error"]["message"] == "rank 1 of run00000s0"


def test_a_process_that_dies_ends_the_run_and_it_is_tried_again(folder):
    summary = group(folder, [planned(0)], train="trivial:second_rank_dies_once")
    assert (summary.complete, summary.lost) == (1, 1)


def test_all_processes_of_a_run_stop_after_the_same_epoch(folder):
    stopper = threading.Timer(0.6, os.kill, (os.getpid(), signal.SIGTERM))
    stopper.start()
    summary = group(folder, [planned(0, epochs=60, pause=0.05)], train="trivial:counted")
    stopper.join()
    assert (summary.exit_code, summary.waiting) == (143, 1)
    counts = [(folder.attempt_folder("run00000s0", 1) / f"count.{r}").read_text() for r in (0, 1)]
    assert counts[0] == counts[1] != "60"


@pytest.mark.slow
def test_two_processes_average_over_gloo(folder):
    summary = group(folder, [planned(0), planned(1)], train="gloo:train", start_timeout=120)
    assert summary.complete == 2
    # ranks 0 and 1 add x + rank: 2 x + 1
    assert [folder.result(f"run0000{i}s0")["val_loss"] for i in (0, 1)] == [1.0, 3.0]


def test_a_run_after_another_in_one_worker_equals_it_in_a_fresh_one(tmp_path, local):
    losses = []
    for name, runs in (("after", [planned(0), planned(1)]), ("alone", [planned(1)])):
        folder = StudyFolder.create(tmp_path / name, STUDY)
        run(folder, local(1), runs, train="trivial:quick")
        losses.append(folder.result("run00001s0")["val_loss"])
    assert losses[0] == losses[1]
