"""The gates of a network as it computes them, their gradients, and their variance by class.

Notation: g_nc, gates of shape (examples, channels).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ablations.subjects.attention.data.examples import Examples
from ablations.subjects.attention.recording.sample import parts
from ablations.subjects.attention.recording.watching import (
    Gated,
    Network,
    evaluating,
    gated_blocks,
    per_channel,
    watched,
)


@dataclass(frozen=True, kw_only=True)
class Look:
    """The gates of one block."""

    name: str
    block: Gated
    g_nc: Tensor
    """Mean over positions where there is a gate per position."""
    gradient_nc: Tensor
    """Of each example's own loss, in nats per unit of the gate; the sum over positions."""
    gradient_norm: float
    """Of the mean loss's gradient, all gates together."""


def gates_of(network: Network, examples: Examples) -> list[Look]:
    """The gates of each block, and the gradient of the loss with respect to them.

    The network is left as it was: mode, gradients and hooks.
    """
    blocks = gated_blocks(network)
    if not blocks:
        return []
    gates: dict[str, list[Tensor]] = {name: [] for name in blocks}
    gradients: dict[str, list[Tensor]] = {name: [] for name in blocks}
    with evaluating(network), torch.enable_grad():
        for _, some in parts(examples):
            with watched(blocks, gradients=True) as seen:
                x, y, *mask = some.batch()
                loss = F.cross_entropy(network(x, *mask), y, reduction="sum")
                found = torch.autograd.grad(loss, list(seen.values()))
            for (name, g), d in zip(seen.items(), found, strict=True):
                gates[name].append(per_channel(g.detach()))
                gradients[name].append(d)
    return [
        Look(
            name=name,
            block=block,
            g_nc=torch.cat(gates[name]),
            gradient_nc=torch.cat([d.flatten(1, -2).sum(1) if d.dim() > 2 else d for d in ds]),
            gradient_norm=math.hypot(*(float(d.norm()) for d in ds)) / len(examples),
        )
        for (name, block), ds in zip(blocks.items(), gradients.values(), strict=True)
        if ds
    ]


def variances(g_nc: Tensor, y_n: Tensor) -> tuple[float, float]:
    """Variance of a channel's gate between and within classes, means over channels; they sum to the whole."""
    mean_c = g_nc.mean(dim=0)
    classes = [g_nc[y_n == label] for label in set(y_n.tolist())]
    between = sum(len(g) * (g.mean(dim=0) - mean_c) ** 2 for g in classes) / len(g_nc)
    within = sum(((g - g.mean(dim=0)) ** 2).sum(dim=0) for g in classes) / len(g_nc)
    return float(torch.as_tensor(between).mean()), float(torch.as_tensor(within).mean())
