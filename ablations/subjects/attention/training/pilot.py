"""How long runs will take, from a few steps of the cheapest and the costliest arm."""

import statistics
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any

import torch

from ablations.one_thread import one_thread
from ablations.subjects.attention.data.batches import (
    Batches,
    check_batches,
    largest_validation_batch,
    workers_of,
)
from ablations.subjects.attention.data.dataset import on_device
from ablations.subjects.attention.settings.groups import Arm
from ablations.subjects.attention.training.module import AttentionClassifier
from ablations.subjects.attention.training.optimisers import make_optimiser
from ablations.subjects.subject import Pace

PILOT_SECONDS = 1.0
"""The steps of one arm's pilot stop after this long."""
MOST_STEPS = 50


@dataclass(frozen=True, kw_only=True)
class ExamplePace:
    """What an example costs on this machine, in seconds."""

    macs: int
    train: float
    val: float


def pilot(arms: Sequence[Arm], *, macs: Sequence[int]) -> Pace:
    """The seconds of a run of each arm, between those of the cheapest and the costliest as its cost is."""
    device = "cuda:0" if torch.cuda.is_available() else "cpu"
    ordered = sorted(zip(arms, macs, strict=True), key=lambda item: item[1])
    with one_thread():
        ends = [pace(arm, macs=cost, device=device) for arm, cost in (ordered[0], ordered[-1])]
    seconds = [_seconds(arm, cost, ends, device) for arm, cost in zip(arms, macs, strict=True)]
    return Pace(
        seconds=tuple(seconds),
        basis=f"from a few steps of the cheapest and the costliest arm, alone on this machine's {device}",
    )


def pace(arm: Arm, *, macs: int, device: str) -> ExamplePace:
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
        with _precision(arm.training.precision, device):
            loss = module.training_step(next(batches), 0)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        _wait(device)
        return time.perf_counter() - began

    epoch = Batches(split.train, batch_size=size, seed=0, workers=workers_of(arm.data))
    batches = chain.from_iterable(repeat(epoch))
    times = [step()]
    while sum(times) < PILOT_SECONDS and len(times) < MOST_STEPS:
        times.append(step())
    # The first step also sets things up; where one step is long, that does not matter.
    training = statistics.median(times[1:] or times)
    module.eval()
    began = time.perf_counter()
    batch = split.val[slice(largest_validation_batch(split.val.shape))].batch()
    with torch.no_grad(), _precision(arm.training.precision, device):
        module.validation_step(batch, 0)
    _wait(device)
    validating = time.perf_counter() - began
    return ExamplePace(macs=macs, train=training / size, val=validating / len(batch[1]))


def _seconds(arm: Arm, macs: int, ends: Sequence[ExamplePace], device: str) -> float:
    """Of one run: the pace lies between those of the cheapest and the costliest arm, as the cost does."""
    low, high = ends
    share = (macs - low.macs) / (high.macs - low.macs) if high.macs > low.macs else 0.5
    train, val = (a + share * (b - a) for a, b in ((low.train, high.train), (low.val, high.val)))
    split = on_device(arm.data, device)
    return arm.training.epochs * (len(split.train) * train + len(split.val) * val)


def _precision(name: str, device: str) -> AbstractContextManager[Any]:
    """The network's arithmetic as the Trainer has it; what 16 bits add to a step, its scaling, is little."""
    if name == "32":
        return nullcontext()
    kind = torch.bfloat16 if name == "bf16-mixed" else torch.float16
    return torch.autocast(device.partition(":")[0], dtype=kind)


def _wait(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize()
