"""How long a study will take: from the runs that it has already, or else from a pilot of a few steps."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, repeat

import torch

from ablations.engine.records.folder import StudyFolder
from ablations.one_thread import one_thread
from ablations.plan import PlannedRun
from ablations.subjects.attention.data.batches import VALIDATION_BATCH, Batches, check_batches
from ablations.subjects.attention.data.dataset import on_device
from ablations.subjects.attention.settings import Arm, Run
from ablations.subjects.attention.training.module import AttentionClassifier
from ablations.subjects.attention.training.optimisers import make_optimiser

PILOT_SECONDS = 1.0
"""The steps of one arm's pilot stop after this long."""
MOST_STEPS = 50


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Seconds that the runs of a study will take; what else the machine does comes on top."""

    runs: int
    """Runs that are still to do."""
    slots: int
    """Runs at a time."""
    shortest: float
    """Seconds of the shortest run."""
    longest: float
    total: float
    """Seconds of all the runs, one after another."""
    basis: str
    """Where the seconds come from, in words."""

    @property
    def seconds(self) -> float:
        """Of the clock, if every slot is always busy; no study is shorter than its longest run."""
        return max(self.total / self.slots, self.longest) if self.runs else 0.0


@dataclass(frozen=True, kw_only=True)
class Pace:
    """What an example costs on this machine, in seconds."""

    macs: int
    train: float
    val: float


def estimate(wanted: Sequence[PlannedRun], *, folder: StudyFolder | None, slots: int) -> Estimate:
    """The time that the wanted runs take beyond those that the folder has.

    Args:
        wanted: All runs of the design.
        folder: The study's folder, if it exists already.
        slots: Runs at a time, or stacks of them; of a run's time in a stack its share counts.
    """
    results = {} if folder is None else folder.results(run.run for run in wanted)
    to_do = [run for run in wanted if run.run not in results]
    took: dict[str, list[float]] = {}
    for run in wanted:
        result = results.get(run.run)
        if result is not None and result["state"] == "COMPLETE":
            share = float(result["seconds"]) / (result.get("stacked") or 1)
            took.setdefault(run.arm, []).append(share)
    if took:
        return _from_runs(to_do, took, slots=slots)
    return _from_pilot(to_do, slots=slots)


def pace(arm: Arm, *, macs: int, device: str) -> Pace:
    """Trains a few batches of the arm and validates one; nothing is kept."""
    split = on_device(arm.data, device)
    check_batches(arm, train=len(split.train), val=len(split.val))
    module = AttentionClassifier(
        in_channels=split.in_channels,
        classes=split.classes,
        backbone=arm.backbone,
        training=arm.training,
        image=split.size,
        **arm.attention.model_dump(),
    ).to(device=device, memory_format=torch.channels_last)
    optimiser = make_optimiser(module.network, arm.training)
    size = arm.training.batch_size

    def step() -> float:
        began = time.perf_counter()
        optimiser.zero_grad()
        module.training_step(next(batches), 0).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        _wait(device)
        return time.perf_counter() - began

    batches = chain.from_iterable(repeat(Batches(split.train, batch_size=size, seed=0)))
    times = [step()]
    while sum(times) < PILOT_SECONDS and len(times) < MOST_STEPS:
        times.append(step())
    # The first step also sets things up; where one step is long, that does not matter.
    training = statistics.median(times[1:] or times)
    module.eval()
    batch = next(iter(Batches(split.val, batch_size=VALIDATION_BATCH)))
    began = time.perf_counter()
    with torch.no_grad():
        module.validation_step(batch, 0)
    _wait(device)
    validating = time.perf_counter() - began
    return Pace(macs=macs, train=training / size, val=validating / len(batch[1]))


def _from_runs(
    to_do: Sequence[PlannedRun], took: dict[str, list[float]], *, slots: int
) -> Estimate:
    known = [seconds for arm in took.values() for seconds in arm]
    mean = sum(known) / len(known)
    each = [sum(took[run.arm]) / len(took[run.arm]) if run.arm in took else mean for run in to_do]
    return _total(each, slots=slots, basis=f"from {len(known)} runs of this study")


def _from_pilot(to_do: Sequence[PlannedRun], *, slots: int) -> Estimate:
    device = "cuda:0" if torch.cuda.is_available() else "cpu"
    arms = {run.arm: (Run(**run.settings).arm, int(run.cost["macs"])) for run in to_do}
    ordered = sorted(arms.values(), key=lambda item: item[1])
    with one_thread():
        ends = [pace(arm, macs=macs, device=device) for arm, macs in (ordered[0], ordered[-1])]
    seconds = {name: _seconds(arm, macs, ends, device) for name, (arm, macs) in arms.items()}
    return _total(
        [seconds[run.arm] for run in to_do],
        slots=slots,
        basis=f"from a few steps of the cheapest and the costliest arm, alone on this machine's {device}",
    )


def _seconds(arm: Arm, macs: int, ends: Sequence[Pace], device: str) -> float:
    """Of one run: the pace lies between those of the cheapest and the costliest arm, as the cost does."""
    low, high = ends
    share = (macs - low.macs) / (high.macs - low.macs) if high.macs > low.macs else 0.5
    train, val = (a + share * (b - a) for a, b in ((low.train, high.train), (low.val, high.val)))
    split = on_device(arm.data, device)
    return arm.training.epochs * (len(split.train) * train + len(split.val) * val)


def _total(each: Sequence[float], *, slots: int, basis: str) -> Estimate:
    return Estimate(
        runs=len(each),
        slots=slots,
        shortest=min(each, default=0.0),
        longest=max(each, default=0.0),
        total=sum(each),
        basis=basis,
    )


def _wait(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize()
