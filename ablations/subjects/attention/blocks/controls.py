"""Controls: what tells apart why a block helps. Each changes one thing that the block has.

`constant` keeps the gate's start and nothing else; `static` learns a gate that sees no image; `shuffled`
and `batch_mean` give an image a gate that is not its own; `frozen` computes a gate that learns nothing.
"""

from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor, nn

from ablations.errors import SettingError
from ablations.subjects.attention.blocks.gates import Function


class ConstantGate(nn.Module):
    """Multiplies the map by one number."""

    passes = 1

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x_ncs: Tensor, mask_ns: Tensor | None = None) -> Tensor:
        """The scaled map, of the same shape."""
        return x_ncs * self.factor


class StaticGate(nn.Module):
    """Multiplies each channel by a learnt gate that is the same for all images.

    Args:
        channels: C.
        gate: From logits to factors.
        start: The logit that training starts at.
    """

    passes = 1

    def __init__(self, channels: int, gate: Function, *, start: float = 0.0) -> None:
        super().__init__()
        self.start = start
        self.gate = gate
        self.logit = nn.Parameter(torch.empty(channels))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """All logits at the start."""
        nn.init.constant_(self.logit, self.start)

    def forward(self, x_ncs: Tensor, mask_ns: Tensor | None = None) -> Tensor:
        """The gated map, of the same shape."""
        g_1c, _ = self.gates(x_ncs)
        return x_ncs * g_1c.reshape(g_1c.shape + (1,) * (x_ncs.dim() - 2))

    def gates(self, x_ncs: Tensor, mask_ns: Tensor | None = None) -> tuple[Tensor, None]:
        """The factors (1, C), and no shift."""
        return self.gate(self.logit.unsqueeze(0)), None


def shuffled(g_nc: Tensor) -> Tensor:
    """Each image gets the gate of another image of its batch, in training and validation alike.

    Who gets whose is one fixed random cycle for each batch size: no image keeps its own, sorted batches
    are mixed, and no random state is touched.

    Raises:
        SettingError: If the batch has one image.
    """
    n = g_nc.shape[0]
    if n < 2:
        raise SettingError(
            "a shuffled gate needs another image in the batch, but the batch has 1. "
            "Choose a batch size that leaves no single image over."
        )
    return g_nc[_cycle(n).to(g_nc.device)]


def batch_mean(g_nc: Tensor) -> Tensor:
    """Every image gets the mean gate of its batch, in training and validation alike."""
    return g_nc.mean(dim=0, keepdim=True).expand_as(g_nc)


ON_GATES: dict[str, Callable[[Tensor], Tensor]] = {"shuffled": shuffled, "batch_mean": batch_mean}


@lru_cache(maxsize=64)
def _cycle(n: int) -> Tensor:
    order = torch.randperm(n, generator=torch.Generator("cpu").manual_seed(n), device="cpu")
    donor = torch.empty_like(order)
    donor[order] = order.roll(1)
    return donor
