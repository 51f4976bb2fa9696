"""What the learning rate does: its factor at each step, or its answer to a loss that does not fall."""

import math
from collections.abc import Callable

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, ReduceLROnPlateau

from ablations.subjects.attention.settings.groups import Training

Factor = Callable[[int], float]
"""Of the learning rate at a step, from 0."""
FIRST, LAST = 1 / 25, 1 / 250_000
"""Where `one_cycle` begins and ends (torch's `OneCycleLR`)."""


def make_schedule(
    optimiser: Optimizer, recipe: Training, *, steps: int
) -> LRScheduler | ReduceLROnPlateau:
    """The recipe's schedule over so many steps; one that follows `val_loss` is stepped once an epoch."""
    if recipe.schedule == "plateau":
        return ReduceLROnPlateau(optimiser, factor=recipe.decay_factor, patience=recipe.patience)
    warmup = steps * recipe.warmup_epochs // recipe.epochs
    return LambdaLR(optimiser, FACTORS[recipe.schedule](recipe, steps, warmup))


def warmup_cosine(*, steps: int, warmup: int) -> Factor:
    """(step + 1)/warmup at first, then a cosine from 1 to 0."""
    return _after(warmup, lambda step: _cosine(_share(step, warmup, steps), 1.0, 0.0))


def _linear(recipe: Training, steps: int, warmup: int) -> Factor:
    return _after(warmup, lambda step: 1 - _share(step, warmup, steps))


def _constant(recipe: Training, steps: int, warmup: int) -> Factor:
    return _after(warmup, lambda step: 1.0)


def _step(recipe: Training, steps: int, warmup: int) -> Factor:
    ends = [int(epoch) * steps // recipe.epochs for epoch in recipe.decay_at.split(",")]
    return _after(warmup, lambda step: recipe.decay_factor ** sum(step >= end for end in ends))


def _one_cycle(recipe: Training, steps: int, warmup: int) -> Factor:
    def factor(step: int) -> float:
        if step < warmup:
            return _cosine(step / warmup, FIRST, 1.0)
        return _cosine(_share(step, warmup, steps), 1.0, LAST)

    return factor


FACTORS: dict[str, Callable[[Training, int, int], Factor]] = {
    "cosine": lambda recipe, steps, warmup: warmup_cosine(steps=steps, warmup=warmup),
    "linear": _linear,
    "step": _step,
    "one_cycle": _one_cycle,
    "constant": _constant,
}


def _after(warmup: int, factor: Factor) -> Factor:
    return lambda step: (step + 1) / warmup if step < warmup else factor(step)


def _share(step: int, warmup: int, steps: int) -> float:
    """Of the steps after the warm-up, from 0 to 1."""
    return min(1.0, (step - warmup) / max(1, steps - warmup))


def _cosine(share: float, begin: float, end: float) -> float:
    return end + (begin - end) * 0.5 * (1 + math.cos(math.pi * share))
