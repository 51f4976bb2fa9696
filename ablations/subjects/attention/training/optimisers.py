"""Optimisers of the recipe, and which parameters each treats alike."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.optim import SGD, AdamW, Optimizer, RMSprop

from ablations.subjects.attention.settings.groups import Training

Group = dict[str, Any]
"""A parameter group: `params`, `lr`, `weight_decay`."""


def make_optimiser(module: nn.Module, recipe: Training, *, fused: bool = True) -> Optimizer:
    """The recipe's optimiser over the module.

    Attention has its own rate and decay, and norms and biases their own decay, where the recipe says so.

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


def rmsprop(groups: list[Group], recipe: Training, fused: bool) -> Optimizer:
    """RMSprop as the mobile networks take it: squares averaged with 0.9, epsilon 0.001; torch has no fused form."""
    del fused
    return RMSprop(groups, lr=recipe.learning_rate, alpha=0.9, eps=1e-3, momentum=recipe.momentum)


def lamb(groups: list[Group], recipe: Training, fused: bool) -> Optimizer:
    """LAMB (arXiv 1904.00962), its decay inside the trust ratio as in the paper."""
    del fused
    from pytorch_optimizer import Lamb

    # Without `adam_debias` it divides the step by 1 - beta1^t after the trust ratio: the first by a tenth, which
    # moves each weight by its own length at a rate of 0.1.
    optimiser: Optimizer = Lamb(
        groups, lr=recipe.learning_rate, weight_decouple=False, adam_debias=True
    )
    return optimiser


def muon(groups: list[Group], recipe: Training, fused: bool) -> Optimizer:
    """Muon for what lies between the first and the last matrix, AdamW for the rest.

    Its steps are scaled to the size of AdamW's (arXiv 2502.16982), so that one rate and one decay serve both.
    """
    del fused
    from pytorch_optimizer import Muon

    optimiser: Optimizer = Muon(
        groups, lr=recipe.learning_rate, momentum=recipe.momentum, use_adjusted_lr=True
    )
    return optimiser


OPTIMISERS: dict[str, Callable[[list[Group], Training, bool], Optimizer]] = {
    "sgd": sgd,
    "adamw": adamw,
    "rmsprop": rmsprop,
    "lamb": lamb,
    "muon": muon,
}


def _groups(module: nn.Module, recipe: Training) -> list[Group]:
    """One group for each pair of rate and decay that the recipe tells apart; the host's first.

    Of Muon, what it moves and what AdamW moves are apart too.
    """
    groups: dict[tuple[float, float, bool], Group] = {}
    moved = _inner_matrices(module) if recipe.optimizer == "muon" else frozenset()
    for name, parameter in module.named_parameters():
        own = "attention" in name.split(".")
        rate = recipe.learning_rate * (recipe.attention_learning_rate if own else 1)
        decay = recipe.weight_decay * (recipe.attention_weight_decay if own else 1)
        if parameter.ndim < 2:
            decay *= recipe.norm_weight_decay
        known = {"use_muon": name in moved} if recipe.optimizer == "muon" else {}
        groups.setdefault(
            (rate, decay, name in moved), {"params": [], "lr": rate, "weight_decay": decay, **known}
        )["params"].append(parameter)
    return list(groups.values())


def _inner_matrices(module: nn.Module) -> frozenset[str]:
    """Convolutions and linear layers, but those that take the image and that give the classes."""
    return frozenset([name for name, x in module.named_parameters() if x.ndim >= 2][1:-1])
