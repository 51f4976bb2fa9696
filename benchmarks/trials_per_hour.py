"""Trials per hour, ours against the idiomatic program, on the same cores in one run.

`python benchmarks/trials_per_hour.py [--batch-size 128]`: ours is `ablate run` with W&B offline and every
record written; the opponents are as many one-thread idiomatic processes as there are cores, sharing one
SQLite study, the same around our Lightning module instead of the textbook's, and one idiomatic process with
torch's default threads. Times are wall seconds of the whole command, imports and start-up included on every
side.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import optuna

HERE = Path(__file__).parent
SPACE = """
baseline:
  attention: {{reduction: 4}}
  training: {{epochs: {epochs}, batch_size: {batch_size}, warmup_epochs: 1}}
factors: [{{name: attention.reduction, levels: [1, 2, 4, 8, 16]}}]
"""


def ours(at: Path, *, trials: int, epochs: int, batch_size: int) -> list[float]:
    """Run our study; the validation losses."""
    (at / "speed.yaml").write_text(SPACE.format(epochs=epochs, batch_size=batch_size))
    words = ["run", "speed.yaml", "--seeds", str(-(-trials // 5))]
    subprocess.run(
        [sys.executable, "-m", "ablations.cli.main", *words],
        cwd=at, check=True, capture_output=True,
    )  # fmt: skip
    results = (at / "runs" / "speed" / "runs").glob("*/result.json")
    return [json.loads(path.read_text())["val_loss"] for path in results]


def idiomatic(
    at: Path,
    *,
    trials: int,
    epochs: int,
    batch_size: int,
    processes: int,
    threads: int,
    module: str = "textbook",
) -> list[float]:
    """Run the idiomatic program in so many processes; the validation losses."""
    storage = f"sqlite:///{at}/study.db"
    # Processes that make the tables of an empty SQLite file at once fail; make them before.
    optuna.create_study(study_name="idiomatic", storage=storage)
    each = -(-trials // processes)
    words = [sys.executable, str(HERE / "idiomatic.py"), storage, str(each), str(epochs)]
    words += [str(batch_size), str(threads), module]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)} if threads else None
    running = [
        subprocess.Popen(
            words, cwd=at, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(processes)
    ]
    assert all(process.wait() == 0 for process in running), "an idiomatic process failed"
    return [
        trial.value or 0.0
        for trial in optuna.load_study(study_name="idiomatic", storage=storage).trials
    ]


def main() -> None:
    """Print trials per hour and ratios."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--trials", type=int, default=40)
    options.add_argument("--epochs", type=int, default=10)
    options.add_argument("--batch-size", type=int, default=128)
    given = options.parse_args()
    cores = len(os.sched_getaffinity(0))
    print(f"{platform.machine()}, {cores} cores, batch {given.batch_size}, {given.epochs} epochs")
    common = {"epochs": given.epochs, "batch_size": given.batch_size}
    single = max(2, given.trials // 8)
    rows = {
        "ablate run": (given.trials, lambda at, n: ours(at, trials=n, **common)),
        f"{cores} idiomatic one-thread processes": (
            given.trials,
            lambda at, n: idiomatic(at, trials=n, processes=cores, threads=1, **common),
        ),
        f"{cores} of them around our module": (
            given.trials,
            lambda at, n: idiomatic(
                at, trials=n, processes=cores, threads=1, module="ours", **common
            ),
        ),
        "1 idiomatic process, default threads": (
            single,
            lambda at, n: idiomatic(at, trials=n, processes=1, threads=0, **common),
        ),
    }
    speeds = {}
    for name, (trials, work) in rows.items():
        with tempfile.TemporaryDirectory() as folder:
            began = time.monotonic()
            losses = work(Path(folder), trials)
            seconds = time.monotonic() - began
        speeds[name] = len(losses) / seconds * 3600
        print(
            f"{name:<40} {len(losses):>3} trials in {seconds:6.1f} s = {speeds[name]:6.0f} per hour, "
            f"median val_loss {statistics.median(losses):.3f}"
        )
    mine = speeds.pop("ablate run")
    for name, speed in speeds.items():
        print(f"ratio to {name}: {mine / speed:.2f}")


if __name__ == "__main__":
    main()
