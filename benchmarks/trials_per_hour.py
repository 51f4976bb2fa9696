"""Trials per hour, ours against the idiomatic program, on the same cores or GPUs in one run.

`python benchmarks/trials_per_hour.py [--batch-size 128]`. Ours is `ablate run` with W&B offline and every
record written, each run by itself and up to five in one step (`--stack 5`). On a CPU the opponents are as many
one-thread idiomatic processes as there are cores, sharing one SQLite study, the same around our Lightning module
instead of the textbook's, and one idiomatic process with torch's default threads. Where there are GPUs, ours is one
run on each, four on each, four with CUDA graphs, and stacks; the opponents are four idiomatic processes on each, and
one alone. Times are wall seconds of the whole command, imports and start-up included on every side.
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
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import optuna

from ablations.engine.executors.slots import find_gpus

HERE = Path(__file__).parent
SPACE = """
baseline:
  attention: {{reduction: 4}}
  training: {{epochs: {epochs}, batch_size: {batch_size}, warmup_epochs: 1}}
factors: [{{name: attention.reduction, levels: [1, 2, 4, 8, 16]}}]
"""
STACK = ("--stack", "5")


@dataclass(frozen=True, kw_only=True)
class Load:
    """What every side has to do."""

    trials: int
    epochs: int
    batch_size: int


def ours(at: Path, load: Load, *words: str) -> list[float]:
    """Run our study; the validation losses."""
    space = SPACE.format(epochs=load.epochs, batch_size=load.batch_size)
    (at / "speed.yaml").write_text(space)
    command = [sys.executable, "-m", "ablations.cli.main", "run", "speed.yaml"]
    command += ["--seeds", str(-(-load.trials // 5)), *words]
    subprocess.run(command, cwd=at, check=True, capture_output=True)
    results = (at / "runs" / "speed" / "runs").glob("*/result.json")
    return [json.loads(path.read_text())["val_loss"] for path in results]


def idiomatic(
    at: Path,
    load: Load,
    *,
    processes: int,
    threads: int = 0,
    module: str = "textbook",
    gpus: tuple[str, ...] = (),
) -> list[float]:
    """Run the idiomatic program in so many processes, over the GPUs in turn; the validation losses."""
    storage = f"sqlite:///{at}/study.db"
    # Processes that make the tables of an empty SQLite file at once fail; make them before.
    optuna.create_study(study_name="idiomatic", storage=storage)
    numbers = [-(-load.trials // processes), load.epochs, load.batch_size, threads]
    command = [sys.executable, str(HERE / "idiomatic.py"), storage, *map(str, numbers), module]
    running = []
    for i in range(processes):
        environment = dict(os.environ)
        if threads:
            environment["OMP_NUM_THREADS"] = str(threads)
        if gpus:
            environment["CUDA_VISIBLE_DEVICES"] = gpus[i % len(gpus)]
        running.append(
            subprocess.Popen(
                command,
                cwd=at,
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
    assert all(process.wait() == 0 for process in running), "an idiomatic process failed"
    study = optuna.load_study(study_name="idiomatic", storage=storage)
    return [trial.value or 0.0 for trial in study.trials]


Side = Callable[[Path], list[float]]


def on_cores(load: Load, cores: int) -> tuple[dict[str, Side], dict[str, Side]]:
    """Our way and the opponents', by name."""
    few = replace(load, trials=max(2, load.trials // 8))
    together = partial(idiomatic, load=load, processes=cores, threads=1)
    return {
        "ablate run": partial(ours, load=load),
        "ablate run --stack 5": lambda at: ours(at, load, *STACK),
    }, {
        f"{cores} idiomatic one-thread processes": together,
        f"{cores} of them around our module": partial(together, module="ours"),
        "1 idiomatic process, default threads": partial(idiomatic, load=few, processes=1),
    }


def on_gpus(load: Load, gpus: tuple[str, ...]) -> tuple[dict[str, Side], dict[str, Side]]:
    """Our ways and the opponents', by name."""
    few = replace(load, trials=max(2, load.trials // 8))
    shared = ("--gpus-per-run", "0.25")
    graphs = ("--set", "training.compile=reduce-overhead")
    return {
        "ablate run, a run on each GPU": lambda at: ours(at, load),
        "ablate run, 4 runs on each GPU": lambda at: ours(at, load, *shared),
        "ablate run, 4 runs, CUDA graphs": lambda at: ours(at, load, *shared, *graphs),
        "ablate run, a stack on each GPU": lambda at: ours(at, load, *STACK),
        "ablate run, 4 stacks on each GPU": lambda at: ours(at, load, *shared, *STACK),
    }, {
        "4 idiomatic processes on each GPU": partial(
            idiomatic, load=load, processes=4 * len(gpus), gpus=gpus
        ),
        "1 idiomatic process on a GPU": partial(idiomatic, load=few, processes=1, gpus=gpus[:1]),
    }


def trials_per_hour(name: str, side: Side) -> float:
    """Run one side and print its line."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        losses = side(Path(folder))
        seconds = time.monotonic() - began
    speed = len(losses) / seconds * 3600
    print(
        f"{name:<40} {len(losses):>3} trials in {seconds:6.1f} s = {speed:6.0f} per hour, "
        f"median val_loss {statistics.median(losses):.3f}",
        flush=True,
    )
    return speed


def main() -> None:
    """Print trials per hour and ratios."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--trials", type=int, default=40)
    options.add_argument("--epochs", type=int, default=10)
    options.add_argument("--batch-size", type=int, default=128)
    given = options.parse_args()
    load = Load(trials=given.trials, epochs=given.epochs, batch_size=given.batch_size)
    cores, gpus = len(os.sched_getaffinity(0)), find_gpus()
    places = f"{len(gpus)} GPUs" if gpus else f"{cores} cores"
    print(f"{platform.machine()}, {places}, batch {load.batch_size}, {load.epochs} epochs")
    mine, theirs = on_gpus(load, gpus) if gpus else on_cores(load, cores)
    speeds = {name: trials_per_hour(name, side) for name, side in {**mine, **theirs}.items()}
    for one in mine:
        for other in theirs:
            print(f"{one} / {other}: {speeds[one] / speeds[other]:.2f}")


if __name__ == "__main__":
    main()
