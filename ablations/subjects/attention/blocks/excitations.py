"""Excitations: from the summary z to the logits v of the gates, both with channels last.

Notation: C channels, k statistics per channel, h hidden units. z is (..., k C), v is (..., C), or
(..., 2C) where the gate also shifts.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ablations.errors import SettingError
from ablations.streams import generator
from ablations.subjects.attention.blocks.layers import (
    NO_SHIFT,
    ChannelBatchNorm,
    Diagonal,
    Linear,
    Shift,
    draw_start,
)
from ablations.subjects.attention.settings.groups import Attention


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What an excitation has to fit."""

    channels: int
    statistics: int
    hidden: int | None
    shift: Shift
    """The last bias at the start."""

    @property
    def inputs(self) -> int:
        """All of z: k C."""
        return self.statistics * self.channels


class Bottleneck(nn.Module):
    """W2 act(norm(W1 z)) (SENet, eq. 3); linear where `act` is the identity."""

    def __init__(self, attention: Attention, shape: Shape) -> None:
        super().__init__()
        assert shape.hidden is not None
        outputs = shape.channels * (2 if attention.affine else 1)
        # Batch norm takes away any bias before it.
        first_bias = attention.bias is True and attention.norm != "batch"
        self.reduce = Linear(shape.inputs, shape.hidden, bias=first_bias)
        self.norm = make_norm(attention.norm, shape.hidden)
        linear = attention.excitation == "linear_bottleneck"
        self.act = _identity if linear else ACTIVATIONS[attention.activation]
        self.expand = Linear(
            shape.hidden,
            outputs,
            bias=attention.bias is not False,
            zero=attention.init == "zero",
            shift=shape.shift,
        )

    def forward(self, z: Tensor) -> Tensor:
        """Summary to logits."""
        hidden = self.reduce(z)
        if self.norm is not None:
            hidden = self.norm(hidden)
        v: Tensor = self.expand(self.act(hidden))
        return v


class OneLayer(nn.Module):
    """A single layer and, if asked for, a norm: its bias is then the norm's."""

    def __init__(self, attention: Attention, shape: Shape) -> None:
        super().__init__()
        bias = attention.bias is not False and attention.norm == "none"
        self.layer = LAYERS[attention.excitation](attention, shape, bias)
        outputs = shape.channels * (2 if attention.affine else 1)
        self.norm = make_norm(attention.norm, outputs, shift=shape.shift)

    def forward(self, z: Tensor) -> Tensor:
        """Summary to logits."""
        v: Tensor = self.layer(z)
        return v if self.norm is None else self.norm(v)


class NeighbourConv(nn.Module):
    """ECA's convolution along the channels, which have no order (arXiv 1910.03151).

    Args:
        statistics: Rows of z.
        kernel: Channels that it sees.
        circular: Whether the last channel is the first one's neighbour.
        order: A permutation of the channels to see them in; None leaves them as they are.
        bias: Whether there is one.
        zero: Whether its weights start at zero.
        shift: The bias at the start.
    """

    order: Tensor | None

    def __init__(
        self,
        *,
        statistics: int,
        kernel: int,
        circular: bool,
        order: Tensor | None = None,
        bias: bool,
        zero: bool,
        shift: Shift,
    ) -> None:
        super().__init__()
        # Follows from the number of channels, so no checkpoint holds it.
        self.register_buffer("order", order, persistent=False)
        self.statistics, self.circular, self.zero, self.shift = statistics, circular, zero, shift
        self.weight = nn.Parameter(torch.empty(1, statistics, kernel))
        self.bias = nn.Parameter(torch.empty(1)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """He's normal (fan in), or zero."""
        draw_start(self.weight, self.bias, zero=self.zero, shift=self.shift)

    def forward(self, z: Tensor) -> Tensor:
        """(..., k C) to (..., C)."""
        rows = z.reshape(-1, self.statistics, z.shape[-1] // self.statistics)
        if self.order is not None:
            rows = rows[..., self.order]
        side = self.weight.shape[2] // 2
        if self.circular:
            rows, side = F.pad(rows, (side, side), mode="circular"), 0
        v = F.conv1d(rows, self.weight, self.bias, padding=side)
        if self.order is not None:
            v = v[..., self.order.argsort()]
        return v.reshape(*z.shape[:-1], v.shape[-1])

    def products(self, shape: torch.Size) -> int:
        """Multiply-adds for one image of z."""
        return shape[1:].numel() * self.weight.shape[2]


class NoExcitation(nn.Module):
    """The summary itself is the logit (ECA's SE-Var1): no parameters."""

    def __init__(self, attention: Attention, shape: Shape) -> None:
        super().__init__()

    def forward(self, z: Tensor) -> Tensor:
        """The same."""
        return z


def adaptive_kernel(channels: int) -> int:
    """ECA's odd kernel for a width: |log2(C) / 2 + 1/2|, made odd upwards, at least 3 (timm's)."""
    kernel = int(abs(math.log2(channels) + 1) / 2)
    return max(kernel if kernel % 2 else kernel + 1, 3)


def channel_order(channels: int) -> Tensor:
    """A random order of the channels, the same in every run; shape (channels,)."""
    source = generator(0, f"eca/{channels}")
    return torch.randperm(channels, generator=source, device="cpu")


def make_norm(name: str, features: int, *, shift: Shift = NO_SHIFT) -> nn.Module | None:
    """A norm over the last dimension, or None.

    Raises:
        SettingError: If a layer norm would have a single value to normalise, which gives 0.
    """
    if name == "layer" and features == 1:
        raise SettingError(
            "`norm='layer'` needs more than one hidden unit, but got 1: it would always be 0. "
            "Use a smaller reduction, or `norm='batch'`."
        )
    return NORMS[name](features, shift)


def make_excitation(attention: Attention, shape: Shape) -> nn.Module:
    """The excitation that the settings name."""
    return EXCITATIONS[attention.excitation](attention, shape)


class _LayerNorm(nn.LayerNorm):
    def __init__(self, features: int, shift: Shift) -> None:
        self.shift = shift
        super().__init__(features)

    def reset_parameters(self) -> None:
        super().reset_parameters()
        self.shift.set(self.bias)


class _BatchNorm(ChannelBatchNorm):
    def __init__(self, features: int, shift: Shift) -> None:
        self.shift = shift
        super().__init__(features)

    def reset_parameters(self) -> None:
        super().reset_parameters()
        self.shift.set(self.bias)


def _identity(x: Tensor) -> Tensor:
    return x


def _full(attention: Attention, shape: Shape, bias: bool) -> nn.Module:
    outputs = shape.channels * (2 if attention.affine else 1)
    zero = attention.init == "zero"
    return Linear(shape.inputs, outputs, bias=bias, zero=zero, shift=shape.shift)


def _diagonal(attention: Attention, shape: Shape, bias: bool) -> nn.Module:
    return Diagonal(
        shape.channels,
        statistics=shape.statistics,
        bias=bias,
        zero=attention.init == "zero",
        shift=shape.shift,
    )


def _eca(attention: Attention, shape: Shape, bias: bool) -> nn.Module:
    kernel = attention.eca_kernel or adaptive_kernel(shape.channels)
    if kernel > shape.channels:
        raise SettingError(
            f"`eca_kernel <= channels` must hold, but got {kernel} at {shape.channels} channels. "
            f"Use at most {shape.channels - 1 + shape.channels % 2}."
        )
    return NeighbourConv(
        statistics=shape.statistics,
        kernel=kernel,
        circular=attention.eca_circular,
        order=channel_order(shape.channels) if attention.eca_permuted else None,
        bias=bias,
        zero=attention.init == "zero",
        shift=shape.shift,
    )


NORMS: dict[str, Callable[[int, Shift], nn.Module | None]] = {
    "none": lambda features, shift: None,
    "batch": _BatchNorm,
    "layer": _LayerNorm,
}
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "silu": F.silu,
    "gelu": F.gelu,
    "leaky_relu": F.leaky_relu,
    "hard_swish": F.hardswish,
}
LAYERS: dict[str, Callable[[Attention, Shape, bool], nn.Module]] = {
    "full": _full,
    "diagonal": _diagonal,
    "eca": _eca,
}
EXCITATIONS: dict[str, Callable[[Attention, Shape], nn.Module]] = {
    "bottleneck": Bottleneck,
    "linear_bottleneck": Bottleneck,
    "full": OneLayer,
    "diagonal": OneLayer,
    "eca": OneLayer,
    "none": NoExcitation,
}
