"""Squeezes: from a feature map to one number per channel.

x_ncs is a feature map (N, C, ...) with any number of positions; z_nc is its summary (N, C).
"""

from collections.abc import Callable

from torch import Tensor

Squeeze = Callable[[Tensor], Tensor]


def avg(x_ncs: Tensor) -> Tensor:
    """The mean over all positions (SENet, eq. 2)."""
    return x_ncs.mean(dim=tuple(range(2, x_ncs.dim())))


def largest(x_ncs: Tensor) -> Tensor:
    """The largest value over all positions. On ties the gradient is split evenly (`amax`)."""
    return x_ncs.amax(dim=tuple(range(2, x_ncs.dim())))


SQUEEZES: dict[str, Squeeze] = {"avg": avg, "max": largest}
