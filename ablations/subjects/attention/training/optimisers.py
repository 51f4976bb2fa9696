"""Optimisers and the learning-rate schedule of the recipe."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.optim import SGD, AdamW, Optimizer

from ablations.subjects.attention.settings.groups import Training

Group = dict[str, Any]
"""A parameter group: `params`, `lr`, `weight_decay`."""


def make_optimiser(module: nn.Module, recipe: Training, *, fused: bool = True) -> Optimizer:
    """The recipe's optimiser over the module; attention has its own rate and decay where the recipe says so.

    Args:
        module: Whose parameters.
        recipe: What the optimiser is.
        fused: Whether torch's fused form may be used, which is 1.01 to 1.10 times faster per step. Where gradients are
            scaled it unscales them itself, after they would be clipped. It is not used where it is not right either
            (`_is_fusible`).
    """
    fused = fused and all(map(_is_fusible, module.parameters()))
    return OPTIMISERS[recipe.optimizer](_groups(module, recipe), recipe, fused)


def _is_fusible(parameter: nn.Parameter) -> bool:
    # torch 2.13: the fused SGD of half precision does not learn on a CPU, and other devices have none.
    whole = parameter.dtype in (torch.float32, torch.float64)
    return whole and parameter.device.type in ("cpu", "cuda")


def sgd(groups: list[Group], recipe: Training, fused: bool) -> Optimizer:
    """SGD with Nesterov momentum."""
    return SGD(
        groups,
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        nesterov=recipe.momentum > 0,
        fused=fused or None,  # None is torch's own choice among the others
    )


def adamw(groups: list[Group], recipe: Training, fused: bool) -> Optimizer:
    """AdamW with torch's betas."""
    return AdamW(groups, lr=recipe.learning_rate, fused=fused or None)


OPTIMISERS: dict[str, Callable[[list[Group], Training, bool], Optimizer]] = {
    "sgd": sgd,
    "adamw": adamw,
}


def _groups(module: nn.Module, recipe: Training) -> list[Group]:
    """One group where attention is trained as the rest is, else the host's and the attention's."""
    rate, decay = recipe.attention_learning_rate, recipe.attention_weight_decay
    named = list(module.named_parameters())
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
