"""Studies on clusters in a process of their own: `python cluster_study.py ray|slurm '{json}'`."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from trivial_plans import planned  # noqa: E402

from ablations.engine.executors.executor import Executor  # noqa: E402
from ablations.engine.records.files import read_lines  # noqa: E402
from ablations.engine.records.folder import StudyFolder  # noqa: E402
from ablations.engine.sources.source import PlannedSource  # noqa: E402
from ablations.engine.supervision.supervisor import execute  # noqa: E402


def on_ray(folder: StudyFolder, order: dict[str, Any]) -> Executor:
    """Two nodes, of which one is killed in the middle."""
    from ray.cluster_utils import Cluster

    from ablations.engine.executors.ray import RayExecutor

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "num_gpus": 2})
    second = cluster.add_node(num_cpus=2, num_gpus=2)
    if order.get("kill_after"):
        threading.Thread(
            target=_after, args=(folder, order["kill_after"], lambda: cluster.remove_node(second)),
            daemon=True,
        ).start()  # fmt: skip
    return RayExecutor(address=cluster.address, pythonpath=str(HERE), **order.get("executor", {}))


def on_slurm(folder: StudyFolder, order: dict[str, Any]) -> Executor:
    """submitit, with its local cluster or a real Slurm."""
    from ablations.engine.executors.slurm import SlurmExecutor

    executor = SlurmExecutor(folder, pythonpath=str(HERE), **order.get("executor", {}))
    if order.get("kill_after"):
        victim = next(iter(executor._slots))
        threading.Thread(
            target=_after, args=(folder, order["kill_after"], lambda: victim.submitted.cancel()),
            daemon=True,
        ).start()  # fmt: skip
    if order.get("kill_node"):
        threading.Thread(
            target=_after, args=(folder, order["kill_node"], _kill_second_node), daemon=True
        ).start()
    return executor


def _kill_second_node() -> None:
    """The node's daemon and its jobs, as a power cut would."""
    jobs = subprocess.run(["squeue", "-h", "-w", "n2", "-o", "%A"], capture_output=True, text=True)
    daemon = Path(os.environ["SLURM_CONF"]).with_name("slurmd-n2.pid").read_text()
    os.kill(int(daemon), signal.SIGKILL)
    for status in Path("/proc").glob("[0-9]*/environ"):
        try:
            told = status.read_bytes().split(b"\0")
        except OSError:
            continue
        if any(f"SLURM_JOB_ID={job}".encode() in told for job in jobs.stdout.split()):
            os.kill(int(status.parent.name), signal.SIGKILL)


def _after(folder: StudyFolder, ended: int, act: Any) -> None:
    while sum(e["event"] == "run_ended" for e in read_lines(folder.events_file)) < ended:
        time.sleep(0.1)
    act()


if __name__ == "__main__":
    order = json.loads(sys.argv[2])
    folder = StudyFolder.open(Path(order["folder"]))
    executor = {"ray": on_ray, "slurm": on_slurm}[sys.argv[1]](folder, order)
    runs = [planned(i, **order["settings"]) for i in range(order["runs"])]
    summary = execute(
        folder, PlannedSource(runs), executor=executor, train=order["train"],
        **order.get("options", {}),
    )  # fmt: skip
    print(json.dumps({**asdict(summary), "exit_code": summary.exit_code}))  # noqa: T201
    sys.exit(summary.exit_code)
