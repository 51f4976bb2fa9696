"""What the gates of a network do on validation examples: distribution by class, variance, saturation, gradients.

The questions are those of the SENet paper, section 7.2 (arXiv 1709.01507): are the gates specific to the
class, and do they saturate? Notation: g_nc, gates of shape (examples, channels).
"""

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ablations.attention.block import SqueezeExcite
from ablations.attention.gates import GATES
from ablations.examples import Examples

BINS = 20
BUDGET = 0.02
"""Of the examples a run trains on; `benchmarks/gate_recorder.py` measures what that costs."""
MOST_EXAMPLES = 512
MOST_RECORDS = 10
UNBOUNDED = 4.0
"""The end of the histogram of a gate that has none; gates beyond it are in the last bin."""
SATURATED = 0.05
"""Of the gate's range, from either end."""


class GateRecorder:
    """Appends lines to `gates.jsonl` at a few epochs, the last among them, within the budget.

    Args:
        path: The file, in the attempt's folder.
        gate: Name of the gate (`settings.Attention.gate`).
        val: The validation examples; a stratified sample is used where the budget asks for it.
        epochs: Epochs of the run.
        train_examples: Examples in an epoch.
    """

    def __init__(
        self, path: Path, *, gate: str, val: Examples, epochs: int, train_examples: int
    ) -> None:
        budget = BUDGET * epochs * train_examples
        count = max(1, min(len(val), MOST_EXAMPLES, int(budget)))
        records = max(1, min(MOST_RECORDS, epochs, int(budget / count)))
        self.epochs = frozenset(epochs * (i + 1) // records for i in range(records))
        self.path = path
        # Every k-th example of the order by class: each class keeps its share.
        order = torch.argsort(val.y, stable=True)
        chosen = order[torch.linspace(0, len(order) - 1, count, device=order.device).long()]
        self.sample = val[chosen]
        known = GATES.get(gate)
        self.low = known.low if known is not None else 0.0
        self.high = known.high if known is not None and math.isfinite(known.high) else UNBOUNDED

    def record(self, network: nn.Module, epoch: int) -> None:
        """Look at the gates after an epoch, if it is one of those chosen."""
        if epoch not in self.epochs:
            return
        lines = [
            {"epoch": epoch, **self._line(name, g_nc, gradient)}
            for name, g_nc, gradient in gates_of(network, self.sample)
        ]
        with self.path.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)

    def _line(self, name: str, g_nc: Tensor, gradient: Tensor) -> dict[str, Any]:
        between, within = variances(g_nc, self.sample.y)
        edge = SATURATED * (self.high - self.low)
        return {
            "block": name,
            "stage": f"{g_nc.shape[1]} channels",
            "low": self.low,
            "high": self.high,
            "counts": {
                str(c): self._counts(g_nc[self.sample.y == c])
                for c in sorted(set(self.sample.y.tolist()))
            },
            "mean": float(g_nc.mean()),
            "between": between,
            "within": within,
            "saturated_low": float((g_nc < self.low + edge).float().mean()),
            "saturated_high": float((g_nc > self.high - edge).float().mean()),
            "above_one": float((g_nc > 1).float().mean()) if self.high > 1 else None,
            "gradient_norm": float(gradient.norm()),
        }

    def _counts(self, g: Tensor) -> list[int]:
        inside = g.clamp(self.low, self.high).float().cpu()
        return [int(n) for n in torch.histc(inside, BINS, self.low, self.high)]


def variances(g_nc: Tensor, y_n: Tensor) -> tuple[float, float]:
    """Variance of a channel's gate between and within classes, means over channels; they sum to the whole."""
    mean_c = g_nc.mean(dim=0)
    classes = [g_nc[y_n == label] for label in set(y_n.tolist())]
    between = sum(len(g) * (g.mean(dim=0) - mean_c) ** 2 for g in classes) / len(g_nc)
    within = sum(((g - g.mean(dim=0)) ** 2).sum(dim=0) for g in classes) / len(g_nc)
    return float(torch.as_tensor(between).mean()), float(torch.as_tensor(within).mean())


def gates_of(network: nn.Module, examples: Examples) -> list[tuple[str, Tensor, Tensor]]:
    """Name, gates (examples, channels) and the gradient of the mean loss with respect to them, by block.

    The network is left as it was: mode, gradients and hooks. A gate per position is averaged over
    the positions.
    """
    blocks = {n: m for n, m in network.named_modules() if isinstance(m, SqueezeExcite)}
    if not blocks:
        return []
    was_training = network.training
    network.eval()
    try:
        with torch.enable_grad(), _captured(blocks) as seen:
            x, y, *mask = examples.batch()
            loss = F.cross_entropy(network(x, *mask), y)
            gradients = torch.autograd.grad(loss, list(seen.values()))
    finally:
        network.train(was_training)
    return [
        (name.removesuffix(".attention"), _per_channel(g.detach()), gradient)
        for (name, g), gradient in zip(seen.items(), gradients, strict=True)
    ]


@contextmanager
def _captured(blocks: dict[str, SqueezeExcite]) -> Iterator[dict[str, Tensor]]:
    """The factors of each block as it computes them, in a form that gradients reach."""
    seen: dict[str, Tensor] = {}
    fused = {name: block.fused for name, block in blocks.items()}

    def watch(name: str, block: SqueezeExcite) -> None:
        compute = type(block).gates

        def gates(x: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
            factor, shift = compute(block, x, mask)
            # A frozen or constant gate has no gradient of its own; make it a leaf that has.
            factor = factor if factor.requires_grad else factor.detach().requires_grad_()
            seen[name] = factor
            return factor, shift

        block.fused = False
        block.gates = gates  # type: ignore[method-assign, assignment]

    for name, block in blocks.items():
        watch(name, block)
    try:
        yield seen
    finally:
        for name, block in blocks.items():
            block.fused = fused[name]
            del block.gates


def _per_channel(g: Tensor) -> Tensor:
    return g.flatten(1, -2).mean(dim=1) if g.dim() > 2 else g
