"""Measures what a run costs besides its training: this engine beside Optuna's storages and Ray Tune.

A run is trivial (it returns a number), so all the time is the program's own. Every program starts
eight workers and writes every outcome durably. Times are wall times per run from nothing to the last
outcome on the disk, the start of the workers included; for Optuna also without it.

python benchmarks/engine_overhead.py [--runs 10 1000 10000] [--sqlite-runs 300] [--tune-runs 8]
"""

import argparse
import json
import multiprocessing
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from ablations.engine.executors.local import LocalExecutor
from ablations.engine.executors.slots import Slot
from ablations.engine.records.folder import StudyFolder
from ablations.engine.sources.source import PlannedSource
from ablations.engine.supervision.supervisor import execute
from ablations.plan import PlannedRun

WORKERS = 8
HERE = Path(__file__).parent
CHILD = (
    "import sys; sys.path.insert(0, {here!r}); import engine_overhead as b; "
    "print(b.json.dumps(b.{name}(b.Path({folder!r}), {runs})))"
)


def plan(runs):
    """A grid of three factors."""
    return [
        PlannedRun(
            run=f"{i:010x}", arm=f"{i:010x}", label=f"run {i}", seed=0, stage="grid",
            settings={"x": i % 10 / 10, "y": i // 10 % 10 / 10, "z": i // 100 / 100},
            factors={"x": i % 10 / 10, "y": i // 10 % 10 / 10, "z": i // 100 / 100},
            cost={"params": 1}, epochs_planned=1,
        )
        for i in range(runs)
    ]  # fmt: skip


def engine(folder, runs, *, index=True, wandb=False):
    """This project: supervisor, journal index, eight persistent workers."""
    from ablations.engine.records.index import Index

    began = time.monotonic()
    study = StudyFolder.create(folder / "study", {"study": "overhead"})
    tracker = None
    if wandb:
        from ablations.tracking.wandb.tracker import WandbTracker

        tracker = WandbTracker(study.path, mode="offline", close_seconds=600)
    slots = [Slot(name=f"cpu{i}", device="cpu") for i in range(WORKERS)]
    summary = execute(
        study,
        PlannedSource(plan(runs)),
        executor=LocalExecutor(slots, pythonpath=str(HERE)),
        train="trivial:train",
        index=Index(study.journal_file, study="overhead") if index else None,
        tracker=tracker,
    )
    assert summary.complete == runs, summary
    seconds = time.monotonic() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    began = time.monotonic()
    again = execute(
        study, PlannedSource(plan(runs)), executor=LocalExecutor(slots), train="none:none"
    )
    assert again.attempts == 0
    return {"seconds": seconds, "reconcile": time.monotonic() - began, "peak_mib": peak}


def engine_with_wandb(folder, runs):
    """The same with W&B offline."""
    return engine(folder, runs, wandb=True)


def journal(folder, runs):
    """Optuna's own journal, eight processes."""
    return optuna_workers(f"journal:{folder}/journal.log", runs)


def sqlite(folder, runs):
    """SQLite, eight processes."""
    return optuna_workers(f"sqlite:///{folder}/study.db", runs)


def optuna_workers(storage, runs):
    """Eight processes that optimise together, as Optuna's manual shows it."""
    began = time.monotonic()
    spawn = multiprocessing.get_context("spawn")
    barrier = spawn.Barrier(WORKERS + 1)
    open_optuna(storage)
    shares = [runs // WORKERS + (i < runs % WORKERS) for i in range(WORKERS)]
    processes = [
        spawn.Process(target=optimise, args=(storage, n, i, barrier)) for i, n in enumerate(shares)
    ]
    for process in processes:
        process.start()
    barrier.wait()
    warm = time.monotonic()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    ended = time.monotonic()
    return {"seconds": ended - began, "warm": ended - warm}


def open_optuna(storage):
    """The shared study, as each of Optuna's processes opens it."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    kind, _, path = storage.partition(":")
    store = (
        optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(path))
        if kind == "journal"
        else storage
    )
    return optuna.create_study(storage=store, study_name="overhead", load_if_exists=True)


def optimise(storage, trials, seed, barrier):
    """One worker: the cheapest sampler there is, three parameters, one reported value."""
    import optuna

    study = open_optuna(storage)
    study.sampler = optuna.samplers.RandomSampler(seed=seed)
    barrier.wait()

    def objective(trial):
        x, y, z = (trial.suggest_float(name, 0.0, 1.0) for name in "xyz")
        trial.report((x - 0.3) ** 2 + y + z, 1)
        return (x - 0.3) ** 2 + y + z

    study.optimize(objective, n_trials=trials)


def tune(folder, runs):
    """Ray Tune with its Optuna search."""
    import ray
    from ray import tune as ray_tune

    began = time.monotonic()
    ray.init(
        address="local",
        num_cpus=WORKERS,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="ERROR",
    )
    warm = time.monotonic()
    tuner = ray_tune.Tuner(
        lambda config: {"loss": config["x"] + config["y"] + config["z"]},
        param_space={name: ray_tune.uniform(0, 1) for name in "xyz"},
        tune_config=ray_tune.TuneConfig(num_samples=runs, max_concurrent_trials=WORKERS),
        run_config=ray_tune.RunConfig(storage_path=str(folder), verbose=0),
    )
    assert len(tuner.fit()) == runs
    ended = time.monotonic()
    return {"seconds": ended - began, "warm": ended - warm}


def measure(name, runs, *, place):
    """Run a program in a process of its own, so that its start counts and nothing is shared.

    What it wrote stays in `place` until all is measured: after thousands of deletions ext4 makes
    files five times slower for a minute, and the next program would pay for it.
    """
    folder = tempfile.mkdtemp(dir=place)
    code = CHILD.format(here=str(HERE), name=name, folder=folder, runs=runs)
    environment = {**os.environ, "PYTHONWARNINGS": "ignore", "RAY_AIR_NEW_OUTPUT": "0"}
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          check=False, env=environment)  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    result = json.loads(done.stdout.splitlines()[-1])
    return {"program": name, "runs": runs, "total": time.monotonic() - began, **result}


def main():
    """Measure all and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, nargs="*", default=[10, 1000, 10_000])
    parser.add_argument("--sqlite-runs", type=int, default=300, help="it takes minutes for more")
    parser.add_argument("--tune-runs", type=int, default=8, help="0 leaves Ray Tune out")
    parser.add_argument("--wandb-runs", type=int, nargs="*", default=[10, 1000])
    options = parser.parse_args()
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {WORKERS} workers\n"
    )
    print("| program | runs | ms a run | without start | of the journal | reconcile | memory |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory(prefix="overhead-") as place:
        measure_all(options, partial(measure, place=place))


def measure_all(options, measure):
    """Every program at every size, each line beside Optuna's journal at that size."""
    for runs in options.runs:
        base = measure("journal", runs)
        show(base, base)
        show(measure("engine", runs), base)
        if runs in options.wandb_runs:
            show(measure("engine_with_wandb", runs), base)
        if min(runs, options.sqlite_runs) == runs or runs == 1000:
            show(measure("sqlite", min(runs, options.sqlite_runs)), base)
    if options.tune_runs and find_spec("ray") and find_spec("pyarrow"):
        show(measure("tune", options.tune_runs), None)
    else:
        print("| tune | | not measured: ray[tune] is not installed | | | | |")


def show(row, base):
    """One line of the table."""
    runs = row["runs"]
    own = 1000 * row["seconds"] / runs
    share = f"{own / (1000 * base['seconds'] / base['runs']):.2f}" if base else ""
    warm = f"{1000 * row['warm'] / runs:.1f}" if "warm" in row else ""
    reconcile = f"{row['reconcile']:.2f} s" if "reconcile" in row else ""
    memory = f"{row['peak_mib']:.0f} MiB" if "peak_mib" in row else ""
    print(
        f"| {row['program']} | {runs} | {own:.1f} | {warm} | {share} | {reconcile} | {memory} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
