"""Gates: from a logit v to the factor that a channel is multiplied by.

Notation: v is the logit, g the gate. Every gate takes logits (N, C, ...) and keeps the shape.
"""

from collections.abc import Callable

import torch
from torch import Tensor

Gate = Callable[[Tensor], Tensor]


def one_plus_tanh(v: Tensor) -> Tensor:
    """1 + tanh(v), in (0, 2); the same function as 2 sigmoid(2 v)."""
    return 1 + torch.tanh(v)


def two_sigmoid(v: Tensor) -> Tensor:
    """2 sigmoid(v), in (0, 2): the sigmoid, scaled to start at 1."""
    return 2 * torch.sigmoid(v)


GATES: dict[str, Gate] = {
    "sigmoid": torch.sigmoid,
    "one_plus_tanh": one_plus_tanh,
    "two_sigmoid": two_sigmoid,
}
