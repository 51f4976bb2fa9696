"""Runs and core-hours to the same verdicts: an honest idiomatic program against `ablate run --until decided`.

    python benchmarks/time_to_verdict.py                     # gate, reduction and a planted effect on the digits
    python benchmarks/time_to_verdict.py --question gate --epochs 5

Its last lines are the table of docs/until.md, to be put there as they are.

Ours is the whole command: it runs until every comparison with the baseline is settled. Its opponent is the program that
people write today (`benchmarks/idiomatic.py`): one process per core, Lightning, a loader, a checkpoint, W&B offline,
`seed_everything` with a seed for each run, and a number of seeds that was fixed before. It is given the number that
decides as many comparisons rightly with the same errors (two-sample t tests, Holm for each of the two families), if the
effects are those that our study estimated and a run's noise is what a few runs of its own show. So it is not run to its
end: its hours are that number of runs at the time of those few. Three factors make the ratio: *pairing*, unpaired over
paired runs of fixed designs; *stopping*, the paired fixed design's runs over ours; *throughput*, seconds of a
core for a run. Core-hours are cores times the clock, which is wrong where other programs take the cores; processor
seconds of all processes stand beside them, with the ratio that they make. Where no paired fixed design of at most 60
seeds decides as much, pairing and stopping are one factor (both). Last, both sides at the usual power: the
opponent's number of seeds for 80 %, and what studies by our rule take on average that are allowed no more seeds than
80 % need, at the seconds that a run of each side took.
"""

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.sequential.expected import Expected, expected
from analysis.sequential.rule import FIRST_LOOK
from analysis.sequential.simulated import DIFFERS, MATTERS, NEGLIGIBLE, right
from analysis.sequential.stopped import report_stopped
from analysis.tables.study_table import read_study

Floats = NDArray[np.float64]
PLANTED = """
baseline: {{attention: {{reduction: 4}}, training: {{epochs: {epochs}, batch_size: 64, warmup_epochs: 0}}}}
factors: [{{name: training.learning_rate, levels: [0.1, 0.09, 0.002]}}]
"""
QUESTIONS = {"gate": "gate", "reduction": "reduction", "planted": "planted.yaml"}
STUDIES, MOST, LARGEST = 1000, 300, 60
HEADER = (
    "| question | our runs | its runs at our power | ratio of core-hours (processor time) "
    "| = pairing x stopping x throughput | its runs at 80 % | ratio (processor time) | our runs at 80 % "
    "| ratio with both at 80 % (processor time) | = pairing x stopping x throughput |",
    "|" + "---|" * 10,
)
"""Of the table in docs/until.md."""
USUAL = 0.8
"""The power that people plan for; a study that runs until decided mostly has more, which a fixed design pays dearly."""


@dataclass(frozen=True)
class Side:
    """What one side takes to the verdicts."""

    runs: float
    core_seconds: float
    """Of all its runs together, start of its processes included: cores times the clock."""
    cpu_seconds: float
    """Processor time of all its processes."""


def main() -> None:
    """Print a line for each question."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--question", choices=tuple(QUESTIONS), action="append")
    options.add_argument("--epochs", type=int, default=5)
    options.add_argument("--max-seeds", type=int, default=24)
    options.add_argument("--margin", type=float, default=0.02, help="nats")
    options.add_argument("--noise-runs", type=int, default=6, help="runs of the idiomatic program")
    options.add_argument("--stack", type=int, default=1, help="of our command: runs in step")
    options.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.worker:
        worker(json.loads(given.worker[0]), int(given.worker[1]), int(given.worker[2]))
        return
    cores = len(os.sched_getaffinity(0))
    print(
        f"{cores} cores, load {os.getloadavg()[0]:.1f} at the start; {given.epochs} epochs, margin {given.margin:g}"
    )
    rows = [answer(question, given, cores=cores) for question in given.question or QUESTIONS]
    print("\n" + "\n".join([*HEADER, *rows]))


def answer(question: str, given: argparse.Namespace, *, cores: int) -> str:
    """Run our study, measure the opponent's noise and time, print the ratio with its factors; the row of the table."""
    with tempfile.TemporaryDirectory() as place:
        at = Path(place)
        (at / "planted.yaml").write_text(PLANTED.format(epochs=given.epochs))
        settings = ["--set", f"training.epochs={given.epochs}", "--set", "training.warmup_epochs=0"]
        command = [
            sys.executable, "-m", "ablations.cli.main", "run", QUESTIONS[question], "--study", question,
            *([] if question == "planted" else settings), "--until", "decided", "--margin", str(given.margin),
            "--max-seeds", str(given.max_seeds), "--workers", str(cores), "--stack", str(given.stack),
        ]  # fmt: skip
        began, used = time.monotonic(), processor_seconds()
        ended = subprocess.run(command, cwd=at, check=False, capture_output=True, text=True)
        if ended.returncode:
            raise SystemExit(f"{' '.join(command)}: {ended.stderr[-500:]}")
        wall, used = time.monotonic() - began, processor_seconds() - used
        table = read_study(at / "runs" / question)
        stopped = report_stopped(table)
        assert stopped is not None
        ours = Side(stopped.runs, wall * cores, used)
        plan = (at / "runs" / question / "plan.jsonl").read_text().splitlines()
        arm = json.loads(plan[0])["settings"]["arm"]
        losses, seconds, cpu = opponent(at, arm, runs=given.noise_runs, cores=cores)
    frame = stopped.frame
    sd = float(np.sqrt(np.median(frame["se"] ** 2 * frame["pairs"])))
    sigma = float(np.std(losses, ddof=1))
    effects = frame["adjusted"].fillna(frame["estimate"]).to_numpy(float)
    most = given.max_seeds
    one = expected(effects, margin=given.margin, sd=sd, max_seeds=most, studies=STUDIES)
    unpaired = unpaired_seeds(effects, margin=given.margin, sigma=sigma, share=one.decided)
    usual = unpaired_seeds(effects, margin=given.margin, sigma=sigma, share=min(USUAL, one.decided))
    alike = of_power(effects, margin=given.margin, sd=sd)
    arms = len(effects) + 1
    fixed = usual * arms / alike.fixed_runs, alike.fixed_runs / alike.runs
    theirs = Side(unpaired * arms, unpaired * arms * seconds, unpaired * arms * cpu)
    pairing = unpaired * arms / one.fixed_runs
    stopping = one.fixed_runs / ours.runs
    throughput = seconds / (ours.core_seconds / ours.runs)
    print(
        f"{question}: ours {ours.runs:.0f} runs, {ours.core_seconds / 3600:.3f} core-hours "
        f"({', '.join(frame['label'] + ' ' + frame['verdict'])}); idiomatic {theirs.runs:.0f} runs, "
        f"{theirs.core_seconds / 3600:.3f} core-hours: {theirs.core_seconds / ours.core_seconds:.1f} times as many = "
        f"pairing {pairing:.2f} x stopping {stopping:.2f} x throughput {throughput:.2f}. "
        f"By processor time {theirs.cpu_seconds / ours.cpu_seconds:.1f} ({ours.cpu_seconds:.0f} s and "
        f"{theirs.cpu_seconds:.0f} s; {ours.cpu_seconds / ours.runs:.2f} s and {cpu:.2f} s a run). "
        f"Studies like ours take {one.runs:.0f} runs on average and settle {one.decided:.1%} rightly, as a paired "
        f"fixed design does with {one.fixed_runs:.0f}; with that average the ratio is "
        f"{theirs.core_seconds / ours.core_seconds * ours.runs / one.runs:.1f}. "
        f"An idiomatic program of {USUAL:.0%} power: {usual * arms:.0f} runs, "
        f"{usual * arms * seconds / ours.core_seconds:.1f} times as many core-hours, "
        f"{usual * arms * cpu / ours.cpu_seconds:.1f} times as much processor time. "
        f"Ours of that power (--max-seeds {alike.max_seeds}, settles {alike.decided:.1%} rightly): {alike.runs:.0f} "
        f"runs on average at our seconds a run: "
        f"{usual * arms * seconds / (alike.runs * ours.core_seconds / ours.runs):.1f} times = pairing {fixed[0]:.2f} x "
        f"stopping {fixed[1]:.2f} x throughput {throughput:.2f}; by processor time "
        f"{usual * arms * cpu / (alike.runs * ours.cpu_seconds / ours.runs):.1f}. "
        f"Load {os.getloadavg()[0]:.1f}. "
        f"Noise of a run {sigma:.3g}, of a paired difference {sd:.3g} (unpaired {math.sqrt(2) * sigma:.3g}).",
        flush=True,
    )
    at_usual = usual * arms * seconds / ours.core_seconds
    both = usual * arms * seconds / (alike.runs * ours.core_seconds / ours.runs)
    both_cpu = usual * arms * cpu / (alike.runs * ours.cpu_seconds / ours.runs)
    cells = [
        f"`{question}`" if question != "planted" else "a planted effect",
        f"{ours.runs:.0f}",
        f"{theirs.runs:.0f}",
        f"{theirs.core_seconds / ours.core_seconds:.2g} ({theirs.cpu_seconds / ours.cpu_seconds:.2g})",
        (
            f"{pairing:.2g} x {stopping:.2g}"
            if math.isfinite(pairing)
            else f"{theirs.runs / ours.runs:.2g} (both)"
        )
        + f" x {throughput:.2g}",
        f"{usual * arms:.0f}",
        f"{at_usual:.2g} ({usual * arms * cpu / ours.cpu_seconds:.2g})",
        f"{alike.runs:.0f}",
        f"{both:.2g} ({both_cpu:.2g})",
        f"{fixed[0]:.2g} x {fixed[1]:.2g} x {throughput:.2g}",
    ]
    return f"| {' | '.join(cells)} |"


def of_power(effects: Floats, *, margin: float, sd: float) -> Expected:
    """Studies by our rule with the fewest `max_seeds` that settle `USUAL` of the comparisons rightly."""
    for most in range(FIRST_LOOK, LARGEST + 1):
        one = expected(effects, margin=margin, sd=sd, max_seeds=most, studies=STUDIES)
        if one.decided >= USUAL:
            return one
    return one


def processor_seconds() -> float:
    """Of all processes that this one started and that have ended, theirs included."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def unpaired_seeds(effects: Floats, *, margin: float, sigma: float, share: float) -> float:
    """Seeds of a fixed design without shared seeds that decides as large a share rightly; infinity above `MOST`."""
    true = effects / sigma
    z = np.random.default_rng(0).standard_normal((STUDIES, len(effects) + 1, 2))
    for n in np.unique(np.geomspace(3, MOST, 60).round().astype(int)):
        df = 2 * (n - 1)
        # Means and variances of n runs, drawn by their laws.
        stream = np.random.default_rng(int(n))
        spread = stream.chisquare(n - 1, (STUDIES, len(effects) + 1)) / (n - 1)
        mean = z[:, :, 0] / np.sqrt(n)
        apart = mean[:, 1:] - mean[:, :1] + true
        se = np.sqrt((spread[:, 1:] + spread[:, :1]) / n)
        verdict = _verdicts(apart, se, float(df), margin=margin / sigma)
        if float(right(verdict, true, margin=margin / sigma).mean()) >= share:
            return float(n)
    return math.inf


def _verdicts(apart: Floats, se: Floats, df: float, *, margin: float) -> NDArray[np.int8]:
    far = 2 * special.stdtr(df, -np.abs(apart) / se)
    near = special.stdtr(df, (np.abs(apart) - margin) / se)
    differs, small = _holm(far), _holm(near)
    large = np.where(np.abs(apart) > margin, MATTERS, DIFFERS)
    return np.where(small, NEGLIGIBLE, np.where(differs, large, 0)).astype(np.int8)


def _holm(p: Floats, alpha: float = 0.05) -> NDArray[np.bool_]:
    order = np.argsort(p, axis=1)
    steps = np.arange(p.shape[1], 0, -1)
    passed = np.logical_and.accumulate(np.take_along_axis(p, order, axis=1) * steps < alpha, axis=1)
    found = np.zeros(p.shape, dtype=bool)
    np.put_along_axis(found, order, passed, axis=1)
    return found


def opponent(
    at: Path, arm: dict[str, dict[str, object]], *, runs: int, cores: int
) -> tuple[list[float], float, float]:
    """Losses of a few runs of the idiomatic program; core and processor seconds a run, with its processes' start."""
    each = -(-runs // cores)
    began, used = time.monotonic(), processor_seconds()
    started = [
        subprocess.Popen(
            [sys.executable, str(Path(__file__).resolve()), "--worker", json.dumps(arm), str(100 + k * each),
            str(each)], cwd=at,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        for k in range(cores)
    ]  # fmt: skip
    losses: list[float] = []
    for process in started:
        out, _ = process.communicate()
        losses += json.loads(out.splitlines()[-1])
    wall, used = time.monotonic() - began, processor_seconds() - used
    return losses, wall * cores / len(losses), used / len(losses)


def worker(arm: dict[str, dict[str, object]], first: int, count: int) -> None:
    """One process of the idiomatic program: run after run, each with a seed of its own."""
    import lightning.pytorch as pl
    import torch
    from lightning.pytorch.callbacks import ModelCheckpoint
    from lightning.pytorch.loggers import WandbLogger
    from torch.utils.data import DataLoader, TensorDataset

    from ablations.subjects.attention.data.dataset import load
    from ablations.subjects.attention.settings.groups import Data
    from ablations.subjects.attention.training.module import AttentionClassifier

    torch.set_num_threads(1)
    losses = []
    for seed in range(first, first + count):
        pl.seed_everything(seed, verbose=False)
        split = load(Data())
        model = AttentionClassifier(
            **arm["attention"], in_channels=split.in_channels, classes=split.classes,
            backbone=arm["backbone"], training=arm["training"],
        )  # fmt: skip
        batch = int(str(arm["training"]["batch_size"]))
        with tempfile.TemporaryDirectory() as folder:
            logger = WandbLogger(
                project="idiomatic", mode="offline", save_dir=folder, reinit="create_new"
            )
            trainer = pl.Trainer(
                max_epochs=int(str(arm["training"]["epochs"])), accelerator="cpu", devices=1, logger=logger,
                callbacks=[ModelCheckpoint(folder, monitor="val_loss", save_last=True)],
                enable_progress_bar=False,
            )  # fmt: skip
            trainer.fit(
                model,
                DataLoader(TensorDataset(split.train.x, split.train.y), batch_size=batch, shuffle=True, drop_last=True),
                DataLoader(TensorDataset(split.val.x, split.val.y), batch_size=1024),
            )  # fmt: skip
            losses.append(float(trainer.callback_metrics["val_loss"]))
            logger.experiment.finish()
    print(json.dumps(losses))


if __name__ == "__main__":
    main()
