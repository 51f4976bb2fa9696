"""Squeezes: from a feature map to a summary of each channel.

x_ncs is a feature map (N, C, ...) with any number of position dimensions; z_nc is its summary (N, C).
Squeezes with two statistics give (N, 2C), first all of the one, then all of the other. mask_ns, where
given, is True at the positions that count (N, ...): padding of a sequence changes nothing.
"""

import math
from collections.abc import Callable
from functools import wraps
from typing import Protocol

import torch
from torch import Tensor, nn

from ablations.errors import SettingError
from ablations.subjects.attention.blocks.layers import Linear
from ablations.subjects.attention.blocks.layout import mean_over_positions
from ablations.subjects.attention.blocks.own import SQUEEZE, load_function

EPSILON = 1e-6
"""Keeps the roots' gradients finite on maps that are zero."""


class Squeeze(Protocol):
    """What a squeeze is called with; a mask is passed only where there is one."""

    def __call__(self, x_ncs: Tensor, mask_ns: Tensor | None = None, /) -> Tensor:
        """(N, C, ...) to (N, C)."""


def in_single(compute: Squeeze) -> Squeeze:
    """Of a map in half precision the same squeeze computed in single, cut at the largest number that half holds.

    Sums, squares and powers of a few hundred are infinite in half precision, and epsilon to the third is 0.
    """

    @wraps(compute)
    def squeeze(x_ncs: Tensor, mask_ns: Tensor | None = None) -> Tensor:
        if x_ncs.dtype not in (torch.float16, torch.bfloat16):
            return compute(x_ncs, mask_ns)
        largest = torch.finfo(x_ncs.dtype).max
        return compute(x_ncs.float(), mask_ns).clamp(-largest, largest).to(x_ncs.dtype)

    return squeeze


def avg(x_ncs: Tensor, mask_ns: Tensor | None = None) -> Tensor:
    """The mean over all positions (SENet, eq. 2)."""
    # torch's own mean adds half precision up in single.
    return mean_over_positions(x_ncs) if mask_ns is None else _masked_mean(x_ncs, mask_ns)


@in_single
def _masked_mean(x_ncs: Tensor, mask_ns: Tensor | None = None) -> Tensor:
    assert mask_ns is not None
    m_n1s = mask_ns.unsqueeze(1).to(x_ncs.dtype)
    return (x_ncs * m_n1s).sum(dim=_positions(x_ncs)) / m_n1s.sum(dim=_positions(x_ncs))


def largest(x_ncs: Tensor, mask_ns: Tensor | None = None) -> Tensor:
    """The largest value over all positions. On ties `amax` splits the gradient evenly."""
    return _fill(x_ncs, mask_ns, -math.inf).amax(dim=_positions(x_ncs))


def avg_max(x_ncs: Tensor, mask_ns: Tensor | None = None) -> Tensor:
    """Half the mean plus half the largest value (timm's `add_maxpool`)."""
    return 0.5 * avg(x_ncs, mask_ns) + 0.5 * largest(x_ncs, mask_ns)


def avg_then_max(x_ncs: Tensor, mask_ns: Tensor | None = None) -> Tensor:
    """Mean and largest value as two rows (N, 2, C), for CBAM's shared excitation."""
    return torch.stack((avg(x_ncs, mask_ns), largest(x_ncs, mask_ns)), dim=1)


def concat(x_ncs: Tensor, mask_ns: Tensor | None = None) -> Tensor:
    """Mean and largest value, (N, 2C)."""
    return torch.cat((avg(x_ncs, mask_ns), largest(x_ncs, mask_ns)), dim=1)


@in_single
def l2(x_ncs: Tensor, mask_ns: Tensor | None = None) -> Tensor:
    """The square root of the sum of squares (GCT); grows with the number of positions."""
    squares = _fill(x_ncs, mask_ns, 0).square().sum(dim=_positions(x_ncs))
    return (squares + EPSILON).sqrt()


@in_single
def std(x_ncs: Tensor, mask_ns: Tensor | None = None) -> Tensor:
    """The standard deviation over positions, of the positions themselves (divided by their number).

    Raises:
        SettingError: If there is one position.
    """
    if x_ncs.shape[2:].numel() == 1:
        raise SettingError(
            "a standard deviation needs more than one position, but the map is "
            f"{_size(x_ncs)}. Use another `squeeze`, or leave this stage out (`stages`)."
        )
    mean_nc = avg(x_ncs, mask_ns)
    centred = x_ncs - mean_nc.reshape(mean_nc.shape + (1,) * (x_ncs.dim() - 2))
    return (avg(centred.square(), mask_ns) + EPSILON).sqrt()


def avg_std(x_ncs: Tensor, mask_ns: Tensor | None = None) -> Tensor:
    """Mean and standard deviation, (N, 2C) (SRM, arXiv 1903.10829)."""
    return torch.cat((avg(x_ncs, mask_ns), std(x_ncs, mask_ns)), dim=1)


def no_squeeze(x_ncs: Tensor, _: Tensor | None = None) -> Tensor:
    """Every position keeps its own vector (N, ..., C): a gate per position (SENet, section 7.1)."""
    return x_ncs.movedim(1, -1)


class LpNorm(nn.Module):
    """(mean |x|^p)^(1/p)."""

    def __init__(self, channels: int, power: float) -> None:
        super().__init__()
        self.power = power

    def forward(self, x_ncs: Tensor, mask_ns: Tensor | None = None) -> Tensor:
        """(N, C, ...) to (N, C)."""
        return in_single(self._of)(x_ncs, mask_ns)

    def _of(self, x_ncs: Tensor, mask_ns: Tensor | None = None) -> Tensor:
        if self.power == 1:
            # No root, no epsilon: on a map that is nowhere negative it is the average to the last bit.
            return avg(x_ncs.abs(), mask_ns)
        return (avg(x_ncs.abs() ** self.power, mask_ns) + EPSILON) ** (1 / self.power)


class LogSumExp(nn.Module):
    """log(mean exp(p x)) / p: between the mean (small p) and the largest value (large p)."""

    def __init__(self, channels: int, power: float) -> None:
        super().__init__()
        self.power = power

    def forward(self, x_ncs: Tensor, mask_ns: Tensor | None = None) -> Tensor:
        """(N, C, ...) to (N, C)."""
        return in_single(self._of)(x_ncs, mask_ns)

    def _of(self, x_ncs: Tensor, mask_ns: Tensor | None = None) -> Tensor:
        total = torch.logsumexp(
            self.power * _fill(x_ncs, mask_ns, -math.inf), dim=_positions(x_ncs)
        )
        if mask_ns is None:
            return (total - math.log(x_ncs.shape[2:].numel())) / self.power
        # The logarithm of whole numbers would be in single precision.
        count_n1 = mask_ns.flatten(1).sum(dim=1, keepdim=True).to(x_ncs.dtype)
        return (total - count_n1.log()) / self.power


class GeneralisedMean(nn.Module):
    """(mean x^p)^(1/p) with a learnt p, for maps that are nowhere negative (arXiv 1711.02512)."""

    def __init__(self, channels: int, power: float) -> None:
        super().__init__()
        self.start = power
        self.power = nn.Parameter(torch.empty(1))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Learning starts at the given power."""
        nn.init.constant_(self.power, self.start)

    def forward(self, x_ncs: Tensor, mask_ns: Tensor | None = None) -> Tensor:
        """(N, C, ...) to (N, C)."""
        return in_single(self._of)(x_ncs, mask_ns)

    def _of(self, x_ncs: Tensor, mask_ns: Tensor | None = None) -> Tensor:
        positive = x_ncs.clamp(min=EPSILON)
        return avg(positive**self.power, mask_ns) ** (1 / self.power)


class AttentionPool(nn.Module):
    """The mean with learnt weights: a softmax over positions of one linear map (arXiv 1904.11492)."""

    def __init__(self, channels: int, power: float) -> None:
        super().__init__()
        self.score = Linear(channels, 1)

    def forward(self, x_ncs: Tensor, mask_ns: Tensor | None = None) -> Tensor:
        """(N, C, ...) to (N, C)."""
        x_npc = x_ncs.flatten(2).transpose(1, 2)
        score_np1 = self.score(x_npc)
        if mask_ns is not None:
            score_np1 = score_np1.masked_fill(~mask_ns.flatten(1).unsqueeze(2), -math.inf)
        weight_n1p = torch.softmax(score_np1, dim=1).transpose(1, 2)
        return (weight_n1p @ x_npc).squeeze(1)

    def products(self, shape: torch.Size) -> int:
        """Multiply-adds of the weighted mean; the score is a layer of its own."""
        return shape[1:].numel()


FUNCTIONS: dict[str, Squeeze] = {
    "avg": avg,
    "max": largest,
    "avg_max": avg_max,
    "avg_max_mlp": avg_then_max,
    "concat": concat,
    "l2": l2,
    "std": std,
    "avg_std": avg_std,
    "none": no_squeeze,
}
MODULES: dict[str, Callable[[int, float], Squeeze]] = {
    "gem": GeneralisedMean,
    "lp": LpNorm,
    "lse": LogSumExp,
    "attention": AttentionPool,
}
STATISTICS = {"concat": 2, "avg_std": 2}
"""Statistics per channel, where there are more than one."""
POOLED = {
    "avg_max": 2,
    "avg_max_mlp": 2,
    "concat": 2,
    "std": 2,  # the mean, then the squares about it
    "avg_std": 3,
    "attention": 0,  # a matrix product, whose multiply-adds are counted
    "none": 0,
}
"""How often a squeeze pools each element of the map, where it is not once."""


def make_squeeze(name: str, *, channels: int, power: float) -> Squeeze:
    """The squeeze that the settings name: a built-in one, or the user's own."""
    if name in FUNCTIONS:
        return FUNCTIONS[name]
    if name in MODULES:
        return MODULES[name](channels, power)
    return load_function(name, role=SQUEEZE, channels=channels)


def _positions(x_ncs: Tensor) -> tuple[int, ...]:
    return tuple(range(2, x_ncs.dim()))


def _fill(x_ncs: Tensor, mask_ns: Tensor | None, value: float) -> Tensor:
    return x_ncs if mask_ns is None else x_ncs.masked_fill(~mask_ns.unsqueeze(1), value)


def _size(x_ncs: Tensor) -> str:
    return "x".join(map(str, x_ncs.shape[2:]))
