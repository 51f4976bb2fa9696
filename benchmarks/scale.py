"""Measures how a study's cost grows with its runs: supervisor, resume, status, effects, report.

Runs are trivial and end one at a time on 1000 slots that are no processes (`fake_executor.py`); what they
write is a real run's, and what that takes is taken off. Arms and seeds grow alike: 97 arms of 10 seeds, 321 of
31, 1001 of 100. Each step is a process of its own, timed from when it is imported. The growth exponent is the
slope of log processor time on log runs from the size before.

python benchmarks/scale.py [--runs 1000 10000 100000] [--folder /dev/shm]
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from math import isqrt, log
from pathlib import Path

SLOTS = 1000
ARMS_A_RATE = 8
"""Four ratios by two gates."""
LIMITS = {
    "supervisor": "10 ms a run, 1 GB", "resume": "20 s", "status": "2 s", "effects": "60 s",
    "report": "180 s, 10 MB",
}  # fmt: skip


def shape(runs):
    """Arms and seeds of about so many runs: ten times as many arms as seeds."""
    seeds = isqrt(runs // 10)
    return {"extra": round(runs / seeds / ARMS_A_RATE) - 1, "seeds": seeds}


def make(folder, runs):
    """Write a study that has not begun and return how many runs it has."""
    from fake_executor import EPOCHS
    from synthetic_study import write_study

    gates = ("sigmoid", "one_plus_tanh")
    write_study(folder, gates=gates, epochs=EPOCHS, begun=False, **shape(runs))
    return {"runs": (folder / "plan.jsonl").read_bytes().count(b"\n")}


def supervisor(folder, executor=None):
    """Run all that has no outcome; what workers would do elsewhere is taken off."""
    from fake_executor import TRAIN, FakeExecutor

    from ablations.engine.records.folder import StudyFolder
    from ablations.engine.records.index import Index
    from ablations.engine.sources.source import PlannedSource
    from ablations.engine.supervision.supervisor import execute

    executor = executor or FakeExecutor(SLOTS)
    study = StudyFolder.open(folder)
    began, cpu = time.perf_counter(), time.process_time()
    index = Index(study.journal_file, study="scale")
    done = execute(study, PlannedSource([]), train=TRAIN, executor=executor, index=index)
    assert done.complete == done.planned, done
    return {
        "seconds": time.perf_counter() - began - executor.seconds,
        "cpu": time.process_time() - cpu - executor.cpu,
        "attempts": done.attempts,
        "workers": executor.cpu,
    }


def resume(folder):
    """The same command again, when nothing is left to do: all records are read."""
    done = supervisor(folder)
    assert done["attempts"] == 0
    return done


def status(folder):
    """What `ablate status` reads."""
    from ablations.engine.records.folder import StudyFolder
    from ablations.engine.supervision.status import status as read_status

    return timed(lambda: read_status(StudyFolder.open(folder)))


def effects(folder):
    """Read the runs table, and compare every arm with the baseline."""
    from analysis.effects.effects import estimate_effects
    from analysis.tables.study_table import read_study

    return timed(lambda: estimate_effects(read_study(folder)))


def report(folder):
    """The whole report."""
    from analysis.report.build import write_report

    done = timed(lambda: write_report(folder))
    return {**done, "page_mb": (folder / "report" / "index.html").stat().st_size / 1e6}


def timed(action):
    """Wall and processor seconds."""
    began, cpu = time.perf_counter(), time.process_time()
    action()
    return {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}


STEPS = {step.__name__: step for step in (supervisor, resume, status, effects, report)}


def child(code):
    """The result of a step in a process of its own, with its peak memory."""
    code = f"import json, scale; print(json.dumps(scale.measured({code})))"
    here = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    done = subprocess.run(
        [sys.executable, "-c", code], env=here, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return json.loads(done.stdout.splitlines()[-1])


def measured(name, folder, *args):
    """Of a step, called in its own process."""
    found = {"make": make, **STEPS}[name](Path(folder), *args)
    return {**found, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6}


def measure(runs, folder, steps, before):
    """Every step on a study of about so many runs, a line each; `before`: the same of the size before."""
    made = child(f"'make', {folder!r}, {runs}")
    found = {}
    for step in steps:
        found[step] = {"runs": made["runs"], **child(f"{step!r}, {folder!r}")}
        show(step, found[step], before.get(step))
    return found


def show(step, now, before):
    """A line of the table."""
    per_run = (
        f", {1000 * now['seconds'] / now['runs']:.2f} ms a run" if step == "supervisor" else ""
    )
    page = f", {now['page_mb']:.1f} MB" if "page_mb" in now else ""
    grown = f"{exponent(now, before):.2f}" if before else ""
    print(
        f"| {step} | {now['runs']:,} | {now['seconds']:.1f} s{per_run}{page} | {now['cpu']:.1f} s | "
        f"{now['peak_mb']:.0f} MB | {LIMITS[step]} | {grown} |",
        flush=True,
    )


def exponent(now, before):
    """Slope of log processor time on log runs."""
    return log(now["cpu"] / before["cpu"]) / log(now["runs"] / before["runs"])


def main():
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--folder", type=Path, default="/dev/shm", help="a disk, for its waits")
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=list(STEPS))
    options = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    print("| step | runs | time | processor | peak memory | asked at most | growth exponent |")
    print("|---|---:|---:|---:|---:|---:|---:|", flush=True)
    found, taken_off = {}, []
    for runs in options.runs:
        with tempfile.TemporaryDirectory(dir=options.folder, prefix="scale-") as place:
            found = measure(runs, f"{place}/study", options.steps, found)
        taken_off += [found[step]["workers"] for step in ("supervisor",) if step in found]
    print("\nTaken off the supervisor, because workers do it elsewhere (seconds of the processor): "
          + ", ".join(f"{seconds:.1f}" for seconds in taken_off))  # fmt: skip


if __name__ == "__main__":
    main()
