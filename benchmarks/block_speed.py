"""How long the plain block takes, forward and backward, against the usual forms of it, as ratios.

    python benchmarks/block_speed.py [--compile] [--channels-last] [--repeats 40] [--json FILE]

All forms are timed in turns in one process, on one thread, in CPU time, with biases in both layers; a cell is the
lower quintile of the repeats. "textbook" is the layer of many introductions (adaptive pool, two linear layers,
expand), "torchvision" and "timm" are those libraries' forms, written from their definition with 1x1
convolutions (neither library can be imported beside a CPU build of torch). Above 1: faster than the
fastest of the three.
"""

import argparse
import json
import platform
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from ablations.subjects.attention.blocks.block import SqueezeExcite

SHAPES = ((128, 16, 8, 8), (128, 64, 2, 2), (128, 16, 32, 32), (32, 256, 14, 14), (16, 64, 56, 56))
REDUCTION = 4
USUAL = ("textbook", "torchvision", "timm")


class Textbook(nn.Module):
    """Adaptive pool, linear layers, expand."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Sequential(
            nn.Linear(channels, hidden),
            nn.ReLU(inplace=True),
            nn.Linear(hidden, channels),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """The gated map."""
        n, c, _, _ = x.shape
        gate = self.fc(self.pool(x).view(n, c)).view(n, c, 1, 1)
        return x * gate.expand_as(x)


class Torchvision(nn.Module):
    """Adaptive pool, 1x1 convolutions."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc1, self.fc2 = nn.Conv2d(channels, hidden, 1), nn.Conv2d(hidden, channels, 1)
        self.act, self.gate = nn.ReLU(), nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        """The gated map."""
        scale: Tensor = self.gate(self.fc2(self.act(self.fc1(self.pool(x)))))
        return scale * x


class Timm(nn.Module):
    """Mean, 1x1 convolutions."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Conv2d(channels, hidden, 1), nn.Conv2d(hidden, channels, 1)
        self.act, self.gate = nn.ReLU(inplace=True), nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        """The gated map."""
        scale: Tensor = self.gate(self.fc2(self.act(self.fc1(x.mean((2, 3), keepdim=True)))))
        return x * scale


def ours(channels: int, hidden: int) -> nn.Module:
    """The project's block, at the same width and with the same biases."""
    return SqueezeExcite(channels, hidden=hidden, bias=True)


def steps(channels: int, hidden: int) -> nn.Module:
    """The same, step by step."""
    block = SqueezeExcite(channels, hidden=hidden, bias=True)
    block.fused = False
    return block


FORMS: dict[str, Callable[[int, int], nn.Module]] = {
    "textbook": Textbook,
    "torchvision": Torchvision,
    "timm": Timm,
    "ours": ours,
    "ours, step by step": steps,
}


def quintiles(
    blocks: dict[str, nn.Module], shape: tuple[int, ...], *, repeats: int, channels_last: bool
) -> dict[str, float]:
    """Seconds of one forward and backward pass of each block: the lower quintile."""
    layout = torch.channels_last if channels_last else torch.contiguous_format
    x = torch.randn(shape).to(memory_format=layout).requires_grad_()
    d = torch.randn(shape).to(memory_format=layout)
    # Enough at a time that no form pays for the cold caches that the one before it leaves.
    inner = max(1, 4_000_000 // x.numel())
    for block in blocks.values():
        block(x).backward(d)
    times: dict[str, list[float]] = {name: [] for name in blocks}
    for _ in range(repeats):
        for name, block in blocks.items():
            begun = time.process_time()
            for _ in range(inner):
                x.grad = None
                block(x).backward(d)
            times[name].append((time.process_time() - begun) / inner)
    return {name: sorted(found)[len(found) // 5] for name, found in times.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--compile", action="store_true", help="also what torch.compile makes")
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--json", type=Path, default=None)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    rows = []
    for shape in SHAPES:
        blocks = {name: make(shape[1], shape[1] // REDUCTION) for name, make in FORMS.items()}
        if asked.compile:
            blocks["compiled"] = torch.compile(steps(shape[1], shape[1] // REDUCTION))
        found = quintiles(blocks, shape, repeats=asked.repeats, channels_last=asked.channels_last)
        best = min(found[name] for name in USUAL)
        ratios = {name: best / seconds for name, seconds in found.items()}
        rows.append({"shape": shape, "best_usual_seconds": best, "speed": ratios})
        cells = "  ".join(f"{name} {ratio:.2f}" for name, ratio in ratios.items())
        print(f"{'x'.join(map(str, shape)):<14} {best * 1e6:9.0f} us   {cells}", flush=True)
    print(f"torch {torch.__version__}, {platform.processor() or platform.machine()}, 1 thread")
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
