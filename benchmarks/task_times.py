"""What a run of each small task takes: `python benchmarks/task_times.py`.

Runs each `tasks/NAME` in a folder of its own, `ablate run tasks/NAME --design loco --seeds 1 -j 1` with one thread, and
prints its runs, epochs, the user seconds of all its processes by the number of runs (start-up and verification
included), and the wall seconds of the slowest run alone.
"""

import argparse
import os
import platform
import resource
import subprocess
import sys
import tempfile

import torch

from ablations import load_space
from ablations.designs.presets import preset_names
from analysis import read_study


def children_seconds() -> float:
    """User seconds of all processes that were started here and ended."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime


def main() -> None:
    """Print a line for each task."""
    tasks = [name for name in preset_names() if name.startswith("tasks/")]
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--task", action="append", choices=tasks, help="repeatable; all without")
    given = options.parse_args()
    print(f"{platform.machine()}, torch {torch.__version__}, 1 thread")
    print(f"{'task':<24}{'runs':>6}{'epochs':>8}{'user s a run':>14}{'slowest run, s':>16}")
    for task in given.task or tasks:
        program = load_space(task).program
        assert program is not None
        with tempfile.TemporaryDirectory() as folder:
            before = children_seconds()
            words = ["run", task, "--design", "loco", "--seeds", "1", "-j", "1", "--root", folder]
            ended = subprocess.run(
                [sys.executable, "-m", "ablations.cli.main", *words],
                capture_output=True,
                text=True,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )
            if ended.returncode:
                sys.exit(ended.stderr)
            taken = children_seconds() - before
            runs = read_study(f"{folder}/{task.replace('/', '_')}").complete()
        print(
            f"{task:<24}{len(runs):>6}{int(runs['epochs_run'].max()):>8}{taken / len(runs):>14.1f}"
            f"{runs['seconds'].max():>16.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
