"""Layers of the excitation, whose `reset_parameters` leaves the start that the settings ask for.

A `Shift` is the value of the first biases at the start and how many they are: where the gate also shifts
the map, only the logits' biases, not the shifts', open the gate.
"""

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn


class Shift(NamedTuple):
    """What the last bias starts with."""

    value: float = 0.0
    outputs: int = 0

    def set(self, bias: Tensor | None) -> None:
        """Write it into a bias, if there is one."""
        if bias is not None:
            nn.init.zeros_(bias)
            nn.init.constant_(bias[: self.outputs], self.value)


NO_SHIFT = Shift()


def he_normal(
    weight: Tensor, *, std: float | None = None, fan: Literal["fan_in", "fan_out"] = "fan_in"
) -> None:
    """Draw He's normal start from torch's global generator, or one of a given deviation.

    Nothing is drawn on the meta device, where networks are built to know their cost: it would import all of
    torch's compiler, which takes longer than everything else that a study's planning does.
    """
    if weight.is_meta:
        return
    if std is None:
        nn.init.kaiming_normal_(weight, mode=fan, nonlinearity="relu")
    else:
        nn.init.normal_(weight, std=std)


def draw_start(weight: Tensor, bias: Tensor | None, *, zero: bool, shift: Shift) -> None:
    """He's normal start (fan in), or zero, and the bias that is given."""
    if zero:
        nn.init.zeros_(weight)
    else:
        he_normal(weight)
    shift.set(bias)


class Linear(nn.Linear):
    """A linear layer whose start is He's (normal, fan in, zero bias), or zero, with a given bias."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        bias: bool = False,
        zero: bool = False,
        shift: Shift = NO_SHIFT,
    ) -> None:
        self.zero, self.shift = zero, shift
        super().__init__(inputs, outputs, bias=bias)

    def reset_parameters(self) -> None:
        """Draw the weights from torch's global generator."""
        draw_start(self.weight, self.bias, zero=self.zero, shift=self.shift)


class Diagonal(nn.Module):
    """A weight for each statistic of each channel: (N, k C) to (N, C) (SRM; ECA's SE-Var2)."""

    def __init__(
        self, channels: int, *, statistics: int, bias: bool, zero: bool, shift: Shift
    ) -> None:
        super().__init__()
        self.zero, self.shift = zero, shift
        self.weight = nn.Parameter(torch.empty(statistics, channels))
        self.bias = nn.Parameter(torch.empty(channels)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """He's normal with one input per statistic, or zero."""
        if self.zero:
            nn.init.zeros_(self.weight)
        else:
            he_normal(self.weight, std=(2 / self.weight.shape[0]) ** 0.5)
        self.shift.set(self.bias)

    def forward(self, z: Tensor) -> Tensor:
        """(..., k C) to (..., C)."""
        k, channels = self.weight.shape
        v: Tensor = (z.reshape(*z.shape[:-1], k, channels) * self.weight).sum(dim=-2)
        return v if self.bias is None else v + self.bias


class ChannelBatchNorm(nn.BatchNorm1d):
    """Batch norm of vectors whose channels come last, (..., C)."""

    def forward(self, v: Tensor) -> Tensor:
        """The same shape, normalised over everything but the channels."""
        flat: Tensor = super().forward(v.reshape(-1, v.shape[-1]))
        return flat.reshape(v.shape)
