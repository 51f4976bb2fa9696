"""Forward and backward pass of K networks together against one after the other, as ratios.

    python benchmarks/stacked_step.py [--batch-size 32] [--networks 2 4 8] [--repeats 9]

SE-ResNet-8 on 8x8 images (`--size` for others), in training's layout, on one thread or on the GPU where there is one.
Both ways are timed in turns in one process; a cell is the median ratio of the repeats: above 1, together is faster.
"mixed" is a stack of arms with four reductions, whose blocks are computed one by one.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ablations.engine.executors.process import MALLOC
from ablations.streams import initialise
from ablations.subjects.attention.placing.build import build_network
from ablations.subjects.attention.settings.groups import Attention, Backbone
from ablations.subjects.attention.stacking.step import Stack

CLASSES = 10
STEPS = 10
ARMS: dict[str, Callable[[int], Attention]] = {
    "no attention": lambda _: Attention(placement="none"),
    "r = 4": lambda _: Attention(reduction=4),
    "r = 4, max": lambda _: Attention(reduction=4, squeeze="max"),
    "ECA": lambda _: Attention(excitation="eca"),
    "mixed": lambda k: Attention(reduction=2 ** (k % 4)),
}


def network(attention: Attention, *, seed: int, size: int, device: str) -> nn.Module:
    """One arm's network with one seed's weights."""
    made = build_network(Backbone(), attention, in_channels=1, classes=CLASSES, image=size)
    initialise(made, seed=seed)
    return made.to(device, memory_format=torch.channels_last)


def one_by_one(networks: Sequence[nn.Module], xs: Sequence[Tensor], ys: Sequence[Tensor]) -> None:
    """The step of each network by itself."""
    for net, x, y in zip(networks, xs, ys, strict=True):
        net.zero_grad()
        F.cross_entropy(net(x), y).backward()


def seconds(act: Callable[[], object], *, device: str) -> float:
    """Wall seconds on a GPU, the process's own on a CPU."""
    clock = time.process_time if device == "cpu" else time.perf_counter
    act()
    _wait(device)
    began = clock()
    for _ in range(STEPS):
        act()
    _wait(device)
    return clock() - began


def ratio(
    arm: Callable[[int], Attention], *, k: int, batch: int, size: int, repeats: int, device: str
) -> float:
    """How many times faster K networks take a step together."""
    apart = [network(arm(i), seed=i, size=size, device=device) for i in range(k)]
    stack = Stack([network(arm(i), seed=i, size=size, device=device) for i in range(k)])
    xs = [torch.randn(batch, 1, size, size, device=device) for _ in range(k)]
    ys = [torch.randint(CLASSES, (batch,), device=device) for _ in range(k)]
    ratios = []
    for _ in range(repeats):
        alone = seconds(lambda: one_by_one(apart, xs, ys), device=device)
        together = seconds(lambda: stack.step(xs, ys, label_smoothing=0.0), device=device)
        ratios.append(alone / together)
    return statistics.median(ratios)


def _wait(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize()


def main() -> None:
    """Print a table: arms by sizes of the stack."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--batch-size", type=int, default=32)
    options.add_argument("--networks", type=int, nargs="+", default=[2, 4, 8])
    options.add_argument("--size", type=int, default=8)
    options.add_argument("--repeats", type=int, default=9)
    given = options.parse_args()
    device = "cuda:0" if torch.cuda.is_available() else "cpu"
    if device == "cpu" and not MALLOC.items() <= os.environ.items():
        # A worker's allocator, which is set before a process starts.
        sys.exit(subprocess.call([sys.executable, *sys.argv], env={**os.environ, **MALLOC}))
    torch.set_num_threads(1)
    name = torch.cuda.get_device_name() if device != "cpu" else f"{platform.machine()}, 1 thread"
    print(f"{name}, torch {torch.__version__}, batch {given.batch_size}, {given.size}x{given.size}")
    print(f"{'':<14}" + "".join(f"{k:>6}" for k in given.networks))
    for arm, attention in ARMS.items():
        ratios = [
            ratio(
                attention, k=k, batch=given.batch_size, size=given.size, repeats=given.repeats,
                device=device,
            )
            for k in given.networks
        ]  # fmt: skip
        print(f"{arm:<14}" + "".join(f"{each:6.2f}" for each in ratios), flush=True)


if __name__ == "__main__":
    main()
