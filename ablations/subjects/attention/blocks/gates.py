"""Gates: from a logit v to the factor g that a channel is multiplied by.

Logits have their channels last, (N, C) or (N, ..., C); every gate keeps the shape. What a gate does at
the start of training is g(0), and how fast it moves is g'(0); `docs/attention.md` has the table.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ablations.errors import SettingError
from ablations.subjects.attention.blocks.own import GATE, load_function
from ablations.subjects.attention.settings.groups import Attention
from ablations.subjects.attention.settings.rules import starts_open

Function = Callable[[Tensor], Tensor]


@dataclass(frozen=True, kw_only=True)
class Gate:
    """A gate and what is known of it."""

    function: Function
    at_zero: float
    """g(0), its factor before anything is learnt."""
    low: float
    high: float
    inverse: Callable[[float], float] | None = None


def one_plus_tanh(v: Tensor) -> Tensor:
    """1 + tanh(v), in (0, 2); the same function as 2 sigmoid(2 v)."""
    return 1 + torch.tanh(v)


def two_sigmoid(v: Tensor) -> Tensor:
    """2 sigmoid(v), in (0, 2): the sigmoid, scaled to start at 1."""
    return 2 * torch.sigmoid(v)


def one_plus_sigmoid(v: Tensor) -> Tensor:
    """1 + sigmoid(v), in (1, 2)."""
    return 1 + torch.sigmoid(v)


def channel_softmax(v: Tensor) -> Tensor:
    """C softmax(v) over the channels: they compete, which the SENet paper advises against."""
    return v.shape[-1] * torch.softmax(v, dim=-1)


def identity(v: Tensor) -> Tensor:
    """The logit itself."""
    return v


def _logit(g: float) -> float:
    return math.log(g / (1 - g))


GATES: dict[str, Gate] = {
    "sigmoid": Gate(function=torch.sigmoid, at_zero=0.5, low=0, high=1, inverse=_logit),
    "hard_sigmoid": Gate(
        function=F.hardsigmoid, at_zero=0.5, low=0, high=1, inverse=lambda g: 6 * g - 3
    ),
    "tanh": Gate(function=torch.tanh, at_zero=0, low=-1, high=1, inverse=math.atanh),
    "one_plus_tanh": Gate(
        function=one_plus_tanh, at_zero=1, low=0, high=2, inverse=lambda g: math.atanh(g - 1)
    ),
    "two_sigmoid": Gate(
        function=two_sigmoid, at_zero=1, low=0, high=2, inverse=lambda g: _logit(g / 2)
    ),
    "one_plus_sigmoid": Gate(
        function=one_plus_sigmoid, at_zero=1.5, low=1, high=2, inverse=lambda g: _logit(g - 1)
    ),
    "relu": Gate(function=torch.relu, at_zero=0, low=0, high=math.inf, inverse=lambda g: g),
    "softplus": Gate(
        function=F.softplus,
        at_zero=math.log(2),
        low=0,
        high=math.inf,
        inverse=lambda g: math.log(math.expm1(g)),
    ),
    "softmax": Gate(function=channel_softmax, at_zero=1, low=0, high=math.inf),
    "identity": Gate(
        function=identity, at_zero=0, low=-math.inf, high=math.inf, inverse=lambda g: g
    ),
}


class AdjustedGate(nn.Module):
    """scale g(v / temperature), and one more where the gate is residual."""

    def __init__(self, function: Function, *, temperature: float, scale: float, offset: float):
        super().__init__()
        self.function = function
        self.temperature, self.scale, self.offset = temperature, scale, offset

    def forward(self, v: Tensor) -> Tensor:
        """Logits to factors, of the same shape."""
        return self.scale * self.function(v / self.temperature) + self.offset


def make_gate(attention: Attention, *, channels: int) -> Function:
    """The gate that the settings name, with its temperature, gain and residual part."""
    known = GATES.get(attention.gate)
    function = (
        known.function if known else load_function(attention.gate, role=GATE, channels=channels)
    )
    if attention.temperature == 1 and attention.gain == "own" and not attention.residual:
        return function
    return AdjustedGate(
        function,
        temperature=attention.temperature,
        scale=_scale(attention, channels=channels),
        offset=1.0 if attention.residual else 0.0,
    )


def start(attention: Attention, *, channels: int) -> float:
    """The factor before anything is learnt: the opening, or that at v = 0, with its residual part.

    Raises:
        SettingError: If the gate does not reach the opening.
    """
    if starts_open(attention):
        opening_logit(attention, channels=channels)
        factor = attention.opening
    else:
        at_zero = _at_zero(attention, channels=channels)
        factor = _scale(attention, channels=channels) * at_zero
    return factor + (1 if attention.residual else 0)


def start_logit(attention: Attention, *, channels: int) -> float:
    """The logit before anything is learnt: that of the opening, or 0.

    Raises:
        SettingError: If the gate does not reach the opening.
    """
    return opening_logit(attention, channels=channels) if starts_open(attention) else 0.0


def opening_logit(attention: Attention, *, channels: int) -> float:
    """The logit at which the gate is `opening`, before a residual part adds its 1.

    Raises:
        SettingError: If the gate does not reach it.
    """
    gate = GATES[attention.gate]
    assert gate.inverse is not None
    scale = _scale(attention, channels=channels)
    low, high = scale * gate.low, scale * gate.high
    if not low < attention.opening < high:
        raise SettingError(
            f"`{low:g} < opening < {high:g}` must hold with `gate={attention.gate!r}`, "
            f"but got {attention.opening:g}. Use a value between them"
            f"{_reaching(attention)}."
        )
    return attention.temperature * gate.inverse(attention.opening / scale)


def _reaching(a: Attention) -> str:
    """The gates that can start at the opening, as part of a way out."""
    found = [
        repr(name)
        for name, gate in GATES.items()
        if gate.inverse is not None and _reaches(gate, a.opening, matched=a.gain == "unit")
    ]
    return f", or a gate that reaches it: {', '.join(found)}" if found else ""


def _reaches(gate: Gate, opening: float, *, matched: bool) -> bool:
    if matched and not gate.at_zero:
        return False
    scale = 1 / gate.at_zero if matched else 1
    return scale * gate.low < opening < scale * gate.high


def _at_zero(attention: Attention, *, channels: int) -> float:
    if attention.gate in GATES:
        return GATES[attention.gate].at_zero
    own = load_function(attention.gate, role=GATE, channels=channels)
    # Also under `torch.device("meta")` this one number is needed.
    return float(own(torch.zeros(1, channels, device="cpu")).mean())


def _scale(attention: Attention, *, channels: int) -> float:
    if attention.gain == "own":
        return 1.0
    at_zero = _at_zero(attention, channels=channels)
    if at_zero == 0:
        raise SettingError(f"`gain='unit'` divides by g(0), which is 0 for {attention.gate!r}.")
    return 1 / at_zero
