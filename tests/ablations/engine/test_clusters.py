"""Ray with a killed node, submitit's local cluster, and a real Slurm: `make integration`."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from monkey import HERE, until

from ablations.engine.executors.cluster import ClusterExecutor, ClusterSlot, processes_of
from ablations.engine.executors.executor import Ended, Job, Lost
from ablations.engine.executors.mailbox import Mailbox
from ablations.engine.records.files import append_lines, read_lines
from ablations.engine.records.folder import StudyFolder
from ablations.errors import SettingError

RUNS = 20
SLOWLY = {"epochs": 6, "pause": 0.3}
"""A node that is killed takes runs with it that have not been recorded."""


def study(kind: str, folder: StudyFolder, **order: object) -> dict:
    order = {
        "folder": str(folder.path), "runs": RUNS, "train": "trivial:steps",
        "settings": {"epochs": 6, "pause": 0.1}, **order,
    }  # fmt: skip
    ran = subprocess.run(
        [sys.executable, str(HERE / "cluster_study.py"), kind, json.dumps(order)],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr
    # submitit's own local launcher prints one when its job is cancelled.
    assert "Traceback" not in ran.stderr or "submitit/local/_local.py" in ran.stderr
    return json.loads(ran.stdout.splitlines()[-1])


def hosts_of_attempts(folder: StudyFolder) -> int:
    return sum(len(folder.attempts(run)) for run in folder.begun())


@pytest.mark.integration
def test_a_ray_cluster_of_two_nodes_of_which_one_is_killed(folder):
    pytest.importorskip("ray")
    summary = study("ray", folder, settings=SLOWLY, kill_after=4)
    assert summary["complete"] == len(folder.results(r.run for r in folder.plan())) == RUNS
    assert 1 <= summary["lost"] <= 2  # what ran on the killed node's two slots
    assert summary["attempts"] == RUNS + summary["lost"] == hosts_of_attempts(folder)


@pytest.mark.integration
def test_ray_gives_each_share_of_a_gpu_its_own_run(folder):
    pytest.importorskip("ray")
    order = {"train": "trivial:pids", "settings": {"pause": 0.3}}
    study("ray", folder, **order, executor={"gpus_per_run": 0.5, "cpus_per_run": 0.5})
    seen = [json.loads(path.read_text()) for path in folder.runs.glob("*/1/seen.0.json")]
    assert len(seen) == RUNS
    assert {one["environment"]["CUDA_VISIBLE_DEVICES"] for one in seen} == {"0", "1"}
    assert {one["device"] for one in seen} == {"cuda:0"}


@pytest.mark.integration
@pytest.mark.parametrize("kind", ["ray", "slurm"])
def test_a_run_of_two_processes_on_a_cluster(folder, kind):
    pytest.importorskip({"ray": "ray", "slurm": "submitit"}[kind])
    executor: dict[str, object] = {"processes_per_run": 2, "slots": 2}
    executor |= {"cluster": "local"} if kind == "slurm" else {"cpus_per_run": 2}
    summary = study(
        kind, folder, runs=4, train="gloo:train", settings={}, executor=executor,
        options={"start_timeout": 120},
    )  # fmt: skip
    assert (summary["complete"], summary["lost"]) == (4, 0)
    # Ranks 0 and 1 add x + rank: 2 x + 1.
    losses = [folder.result(f"run{i:05d}s0")["val_loss"] for i in range(4)]
    assert losses == [2 * i + 1 for i in range(4)]


@pytest.mark.integration
def test_submitit_on_this_machine_with_a_job_that_is_cancelled(folder):
    pytest.importorskip("submitit")
    executor = {"slots": 3, "cluster": "local", "silence": 10}
    summary = study("slurm", folder, executor=executor, kill_after=4)
    assert summary["complete"] == len(folder.results(r.run for r in folder.plan())) == RUNS
    assert summary["lost"] <= 1
    assert summary["attempts"] == RUNS + summary["lost"]


@pytest.mark.integration
def test_a_job_outlives_its_supervisor_and_the_next_one_takes_its_result(folder):
    pytest.importorskip("submitit")
    order = {
        "folder": str(folder.path), "runs": 1, "train": "trivial:steps",
        "settings": {"epochs": 200, "pause": 0.1},
        "executor": {"slots": 1, "cluster": "local", "silence": 5},
    }  # fmt: skip
    command = [sys.executable, str(HERE / "cluster_study.py"), "slurm", json.dumps(order)]
    first = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    epochs = folder.attempt_folder("run00000s0", 1) / "epochs.jsonl"
    until(lambda: len(list(read_lines(epochs))) > 3, 30)
    first.kill()
    first.wait()
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    assert folder.attempts("run00000s0") == [1]
    assert any(event["event"] == "run_adopted" for event in read_lines(folder.events_file))


@pytest.fixture
def slurm(tmp_path, monkeypatch) -> Iterator[None]:
    """A real Slurm of two nodes on this machine."""
    if shutil.which("slurmctld") is None or os.geteuid() != 0:
        pytest.skip("a real Slurm needs root and slurm-wlm: apt-get install slurm-wlm munge")
    folder = tmp_path / "slurm"
    monkeypatch.setenv("SLURM_CONF", str(folder / "slurm.conf"))
    subprocess.run([HERE / "slurm.sh", "start", folder], check=True)
    yield
    subprocess.run([HERE / "slurm.sh", "stop", folder], check=True)


@pytest.mark.integration
def test_a_real_slurm_of_which_a_node_is_killed(folder, slurm, tmp_path):
    pytest.importorskip("submitit")
    executor = {"slots": 4, "cluster": "slurm", "minutes": 5, "silence": 10}
    summary = study("slurm", folder, executor=executor, settings=SLOWLY, kill_node=4)
    assert summary["complete"] == len(folder.results(r.run for r in folder.plan())) == RUNS
    assert 1 <= summary["lost"] <= 2
    assert summary["attempts"] == RUNS + summary["lost"]


@pytest.mark.integration
def test_a_real_slurms_job_does_not_run_what_lies_in_the_current_folder(
    folder, slurm, tmp_path, monkeypatch
):
    pytest.importorskip("submitit")
    mark = tmp_path / "run.txt"
    (tmp_path / "json.py").write_text(f"import pathlib\npathlib.Path({str(mark)!r}).touch()\n")
    monkeypatch.chdir(tmp_path)
    executor = {"slots": 1, "cluster": "slurm", "minutes": 5, "silence": 10}
    summary = study("slurm", folder, executor=executor, runs=2)
    assert summary["complete"] == 2
    assert not mark.exists()


# Without any cluster


def job(run: str, *, alone: bool = False) -> Job:
    return Job(run=run, arm="a", attempt=1, folder="/x", settings={}, train="a:b", alone=alone)


@dataclass
class Noted(ClusterSlot):
    told: list[dict] = field(default_factory=list)

    def tell(self, command: dict) -> None:
        self.told.append(command)


class NotedCluster(ClusterExecutor[Noted]):
    def stop(self) -> None: ...
    def adopt(self, run: str, attempt: int) -> None: ...
    def poll(self, timeout: float) -> list: ...
    def close(self) -> None: ...


@pytest.mark.parametrize("own_device", [True, False])
def test_a_run_that_must_be_alone_waits_only_where_slots_may_share_a_device(own_device):
    slots = [Noted("a", is_up=True), Noted("b", is_up=True)]
    cluster = NotedCluster(slots, own_device=own_device)
    assert cluster.start(job("ordinary")) == "a"
    assert cluster.room(alone=False)
    assert cluster.room(alone=True) is own_device
    slots[0].heard([Ended("ordinary", 1, "COMPLETE")])
    assert cluster.room(alone=True)
    assert cluster.start(job("big", alone=True)) == "a"
    assert cluster.room(alone=False) is own_device


def test_the_slot_of_a_run_is_told_and_no_other():
    slots = [Noted("a"), Noted("b", is_up=True), Noted("c", is_up=True)]
    cluster = NotedCluster(slots, own_device=True)
    cluster.start(job("one"))
    cluster.start(job("two"))
    cluster.answer("two", "prune")
    cluster.kill("one")
    assert [[command["do"] for command in slot.told] for slot in slots] == [
        [],
        ["start", "kill"],
        ["start", "answer"],
    ]
    assert Job(**slots[1].told[0]["job"]) == job("one")


def test_a_slot_that_is_lost_loses_its_run_once():
    slot = Noted("a", is_up=True, job=job("one"))
    assert slot.lose("the node died") == [Lost("one", 1, None, "the node died")]
    assert slot.lose("the node died") == []


@pytest.mark.parametrize(
    ("gpus", "processes", "found"), [(0, 1, 1), (0, 3, 3), (0.5, 1, 1), (1, 1, 1), (4, 1, 4)]
)
def test_a_run_has_a_process_for_each_gpu_or_as_many_as_asked_for(gpus, processes, found):
    assert processes_of(gpus, processes) == found


@pytest.mark.parametrize(
    ("gpus", "processes", "message"),
    [
        (
            1.5,
            1,
            r"`gpus_per_run` must be a share of a GPU up to 1 or a whole number of them, but got 1\.5\.",
        ),
        (-1, 1, r"`gpus_per_run` must be a share .* but got -1\."),
        (0, 0, r"`processes_per_run >= 1` must hold, but got 0\."),
    ],
)
def test_processes_that_cannot_be_are_refused(gpus, processes, message):
    with pytest.raises(SettingError, match=message):
        processes_of(gpus, processes)


def test_a_mailbox_carries_whole_messages_in_order_and_skips_what_is_old(tmp_path: Path):
    ours, theirs = (Mailbox(tmp_path, mine=a, theirs=b) for a, b in (("a", "b"), ("b", "a")))
    ours.send({"n": 1})
    ours.send({"n": 2})
    with (tmp_path / "a.jsonl").open("ab") as file:
        file.write(b'{"n": 3')
    assert [message["n"] for message in theirs.receive()] == [1, 2]
    append_lines(tmp_path / "a.jsonl", [{"n": 4}], sync=False)
    assert [message["n"] for message in theirs.receive()] == [4]
    late = Mailbox(tmp_path, mine="b", theirs="a")
    late.skip()
    assert list(late.receive()) == []


def test_an_end_of_a_mailbox_is_silent_until_its_file_changes(tmp_path: Path, monkeypatch):
    now = [100.0]
    monkeypatch.setattr("ablations.engine.executors.mailbox.time.monotonic", lambda: now[0])
    ours, theirs = (Mailbox(tmp_path, mine=a, theirs=b) for a, b in (("a", "b"), ("b", "a")))
    now[0] = 160.0
    assert ours.silence() == 60.0
    theirs.beat()
    assert ours.silence() == 0.0
    now[0] = 161.0
    theirs.beat()  # too soon to write again
    assert ours.silence() == 1.0
