"""Measures what showing a study in W&B costs the supervisor, and what the process beside it takes.

python benchmarks/wandb_tracker.py [RUNS]
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from ablations.plan import PlannedRun
from ablations.tracking.wandb.tracker import WandbTracker

EPOCHS = 30
PAUSE_SECONDS = 0.1
"""Between runs: W&B's process takes 0.07 s for each on a busy machine."""


def planned_run(seed: int) -> PlannedRun:
    """One of many runs."""
    return PlannedRun(
        run=f"{seed:010x}",
        arm="0" * 10,
        label="reduction=4",
        seed=seed,
        stage="grid",
        settings={"arm": {"attention": {"reduction": 4}}, "seed": seed},
        factors={"attention.reduction": 4},
        cost={"hidden": [4], "channels": [16], "params": 1000},
        epochs_planned=EPOCHS,
    )


def resident_mib(pid: int | str) -> float:
    """Memory of a process, MiB."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS"))) / 1024


def main() -> None:
    """Show a study of runs of 30 epochs, and print a line for each measurement."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("runs", type=int, nargs="?", default=300)
    runs = options.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        tracker = WandbTracker(Path(folder), "offline")
        tracker.study_started({"study": "benchmark"})
        before, taken = resident_mib("self"), []

        def timed(method, *arguments):
            start = time.perf_counter()
            method(*arguments)
            taken.append(time.perf_counter() - start)

        for seed in range(runs):
            planned = planned_run(seed)
            timed(tracker.run_started, planned, 1)
            for epoch in range(1, EPOCHS + 1):
                timed(tracker.epoch, planned, 1, {"epoch": epoch, "train_loss": 1, "val_loss": 1})
            timed(tracker.run_ended, planned, 1, {"state": "COMPLETE", "val_loss": 1.0})
            time.sleep(PAUSE_SECONDS)
        grown = resident_mib("self") - before
        process = tracker._pipe._process.pid
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
        beside = [resident_mib(pid) for pid in (process, *children)]
        start = time.perf_counter()
        tracker.study_ended()
        tracker.close()
        print(
            f"an event: {statistics.mean(taken) * 1e3:.3f} ms mean, {max(taken) * 1e3:.1f} ms worst"
        )
        print(f"the supervisor grew by {grown:.1f} MiB over {len(taken)} events")
        print(f"W&B's process and its service: {' + '.join(f'{mib:.0f}' for mib in beside)} MiB")
        print(f"closing took {time.perf_counter() - start:.2f} s")


if __name__ == "__main__":
    main()
