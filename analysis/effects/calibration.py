"""The framework tests itself: what its verdicts say where nothing is there.

The noise of the study (losses less their arm's and seed's mean) is dealt out at random to the arms
within each seed, and the same tests are made. Every *matters* is then false, so the share of tables
with one must not be above alpha.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from analysis.contrasts.seed_blocks import affordable_draws

Floats = NDArray[np.float64]


WAYS = 20
"""Relabellings behind each false verdict that is expected."""


@dataclass(frozen=True)
class Calibration:
    """The A/A check."""

    draws: int
    false_positive_rate: float
    """Share of relabelled tables with any `matters`."""
    error: float
    """Monte-Carlo standard error of that share."""
    alpha: float

    @property
    def holds(self) -> bool:
        """Whether the share is at most alpha, two Monte-Carlo errors allowed."""
        return self.false_positive_rate <= self.alpha + 2 * max(self.error, 1e-3)


def can_calibrate(y: Floats, *, alpha: float) -> bool:
    """Whether a table can be relabelled in enough ways for a rate near alpha to be seen.

    Two arms on two seeds can be relabelled in two ways, of which one is false or both are.
    """
    seeds, cells = y.shape
    return seeds > 1 and bool(math.factorial(cells) ** (seeds - 1) >= WAYS / alpha)


def calibrate(
    y: Floats, weights: Floats, *, alpha: float, error: str, draws: int, seed: int
) -> Calibration:
    """The A/A check of a complete seed x cell matrix and the contrasts that were tested on it.

    `auto` is checked as `pooled`: relabelling gives every arm the same noise.
    """
    draws = affordable_draws(draws, y.size)
    noise = y - y.mean(axis=0) - y.mean(axis=1, keepdims=True) + y.mean()
    random = np.random.default_rng(seed)
    dealt = random.permuted(np.broadcast_to(noise, (draws, *noise.shape)), axis=2)
    p = contrast_p(dealt, weights, paired=error == "paired")
    rate = float(np.mean(p.min(axis=1) * p.shape[1] < alpha))
    return Calibration(draws, rate, float(np.sqrt(rate * (1 - rate) / draws)), alpha)


def contrast_p(y: Floats, weights: Floats, *, paired: bool) -> Any:
    """Two-sided p of each contrast in each of B complete tables; y (B, seeds, cells) -> (B, contrasts)."""
    _, s, k = y.shape
    if paired:
        per_seed = y @ weights.T
        se = per_seed.std(axis=1, ddof=1) / np.sqrt(s)
        estimate, df = per_seed.mean(axis=1), s - 1
    else:
        cell = y.mean(axis=1)
        rest = (
            y - cell[:, None, :] - y.mean(axis=2, keepdims=True) + cell.mean(axis=1)[:, None, None]
        )
        df = (s - 1) * (k - 1)
        sigma2 = np.sum(rest**2, axis=(1, 2)) / df
        estimate = cell @ weights.T
        se = np.sqrt(sigma2[:, None] * np.sum(weights**2, axis=1) / s)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(estimate == 0, 0.0, np.abs(estimate) / se)
    return 2 * stats.t.sf(t, df)
