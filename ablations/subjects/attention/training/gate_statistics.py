"""The gates of a network as it computes them, their gradients, and their variance by class.

Notation: g_nc, gates of shape (examples, channels).
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ablations.subjects.attention.blocks.block import SqueezeExcite
from ablations.subjects.attention.data.examples import Examples


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

    def watch(name: str, block: SqueezeExcite) -> None:
        compute = type(block).gates

        def gates(x: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
            factor, shift = compute(block, x, mask)
            # A frozen or constant gate has no gradient of its own; make it a leaf that has.
            factor = factor if factor.requires_grad else factor.detach().requires_grad_()
            seen[name] = factor
            return factor, shift

        block.gates = gates  # type: ignore[method-assign, assignment]

    for name, block in blocks.items():
        watch(name, block)
    try:
        yield seen
    finally:
        for block in blocks.values():
            del block.gates


def _per_channel(g: Tensor) -> Tensor:
    return g.flatten(1, -2).mean(dim=1) if g.dim() > 2 else g
