"""What attaching attention by a hook costs beside the same block called inline, as a ratio of times with an interval.

    python benchmarks/attach_cost.py [--rounds 60]

One network is made three ways with equal tensors: attention called inline in its `forward`, attached by `attach`, and
inline again. Each round times one training step (forward and backward) of each, in a random order, in CPU time on one
thread. Printed is the median over rounds of log(time / time of the first inline), as a ratio, with a 95 % bootstrap
interval of the median. The second inline is what no difference looks like.
"""

import argparse
import itertools
import platform
import time

import numpy as np
import torch
from torch import Tensor, nn

from ablations.streams import initialise
from ablations.subjects.attention.attach.attach import attach
from ablations.subjects.attention.blocks.block import SqueezeExcite
from ablations.subjects.attention.settings.groups import Attention

SHAPES = {"16 images of 32x32": (16, 3, 32, 32), "1 image of 8x8": (1, 3, 8, 8)}
WIDTH, DEPTH, REDUCTION = 32, 6, 4


class Plain(nn.Module):
    """Convolutions with ReLU, and a head."""

    def __init__(self) -> None:
        super().__init__()
        widths = [3, *[WIDTH] * DEPTH]
        self.convs = nn.ModuleList(
            nn.Conv2d(a, b, 3, padding=1) for a, b in itertools.pairwise(widths)
        )
        self.head = nn.Linear(WIDTH, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Logits."""
        for conv in self.convs:
            x = torch.relu(conv(x))
        logits: Tensor = self.head(x.mean((2, 3)))
        return logits


class Inline(Plain):
    """The same, with attention after each convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(SqueezeExcite(WIDTH, reduction=REDUCTION) for _ in range(DEPTH))

    def forward(self, x: Tensor) -> Tensor:
        """Logits."""
        for conv, block in zip(self.convs, self.blocks, strict=True):
            x = torch.relu(block(conv(x)))
        logits: Tensor = self.head(x.mean((2, 3)))
        return logits


def attended(example: Tensor) -> nn.Module:
    """The plain network with attention attached, and the tensors of the inline one."""
    network = Plain()
    attach(network, at="convs.*", attention=Attention(reduction=REDUCTION), example=example, seed=0)
    return network


def same_tensors(network: nn.Module, inline: nn.Module) -> None:
    """Copy the inline network's tensors."""
    names = {f"blocks.{k}.": f"convs.{k}.channel_attention." for k in range(DEPTH)}
    state = inline.state_dict()
    for ours, theirs in names.items():
        state = {k.replace(ours, theirs) if k.startswith(ours) else k: v for k, v in state.items()}
    network.load_state_dict(state)


def seconds(network: nn.Module, x: Tensor, steps: int) -> float:
    """CPU time of some training steps."""
    begun = time.process_time()
    for _ in range(steps):
        network.zero_grad()
        network(x).sum().backward()
    return time.process_time() - begun


def interval(logs: np.ndarray, draw: np.random.Generator) -> tuple[float, float, float]:
    """The median ratio and its interval."""
    medians = np.median(draw.choice(logs, (4000, len(logs))), axis=1)
    low, high = np.quantile(medians, (0.025, 0.975))
    return float(np.exp(np.median(logs))), float(np.exp(low)), float(np.exp(high))


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=60)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    draw = np.random.default_rng(0)
    for title, shape in SHAPES.items():
        x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
        inline, again = Inline(), Inline()
        initialise(inline, seed=0)
        again.load_state_dict(inline.state_dict())
        hooked = attended(x)
        same_tensors(hooked, inline)
        assert torch.equal(hooked(x), inline(x))
        networks = {"inline": inline, "attached": hooked, "inline again": again}
        steps = max(1, min(10, 60_000 // x.numel()))
        for network in networks.values():
            seconds(network, x, steps)
        times: dict[str, list[float]] = {name: [] for name in networks}
        for _ in range(asked.rounds):
            for name in draw.permutation(list(networks)):
                times[name].append(seconds(networks[name], x, steps) / steps)
        base = np.log(times["inline"])
        print(
            f"{title}: {np.exp(np.median(base)) * 1e3:.2f} ms a step inline, {asked.rounds} rounds"
        )
        for name in ("attached", "inline again"):
            ratio, low, high = interval(np.log(times[name]) - base, draw)
            print(f"  {name:<13} {ratio:.4f} [{low:.4f}, {high:.4f}]", flush=True)
    print(f"torch {torch.__version__}, {platform.processor() or platform.machine()}, 1 thread")


if __name__ == "__main__":
    main()
