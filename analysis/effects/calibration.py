"""The framework tests itself: what its verdicts say where nothing is there.

The levels of every factor are relabelled at random within each seed, each factor as a whole over all its
backgrounds, and the same tests are made. Every *matters* is then false. What varies from seed to seed stays, so the
check sees an error model that forgets it; relabelling makes all levels equally noisy, so it cannot see one that
forgets unequal noise.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from analysis.contrasts.estimation import Estimates, by_reference, of_many_tables, seed_values
from analysis.contrasts.seed_blocks import two_sided

Floats = NDArray[np.float64]
WAYS = 20
"""Relabellings behind each false verdict that is expected."""
MOST_ROWS = 4000
"""Contrasts that one check may test."""


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


def calibrate(
    y: Floats, units: Sequence[Floats], *, alpha: float, draws: int, seed: int
) -> Calibration | None:
    """The A/A check of the contrasts that were tested on a complete seed x cell matrix.

    None where a factor's levels cannot be relabelled in enough ways for a rate near alpha to be seen: with two levels,
    below 10 seeds.
    """
    weights = np.stack([unit.mean(axis=0) for unit in units])
    groups = by_reference(weights, np.ones(len(units), dtype=bool))
    ways = min(math.factorial(len(rows) + 1) ** (len(y) - 1) for rows in groups)
    if len(y) < 2 or ways < WAYS / alpha:
        return None
    apart = np.column_stack([seed_values(y, unit) for unit in units])
    apart = apart - apart.mean(axis=0)
    random = np.random.default_rng(seed)
    draws = min(draws, max(MOST_ROWS // len(units), 20))
    dealt = np.stack([_relabelled(apart, groups, random) for _ in range(draws)])
    false = sum(_any_matters(of_many_tables(dealt, weights), alpha))
    rate = false / draws
    return Calibration(draws, rate, math.sqrt(max(rate * (1 - rate), 1e-4) / draws), alpha)


def _relabelled(
    apart: Floats, groups: Sequence[NDArray[np.intp]], random: np.random.Generator
) -> Floats:
    """Contrasts in each seed, the levels of each factor (its reference is 0) dealt out anew there."""
    dealt = np.empty_like(apart)
    for rows in groups:
        levels = np.column_stack([np.zeros(len(apart)), apart[:, rows]])
        levels = random.permuted(levels, axis=1)
        dealt[:, rows] = levels[:, 1:] - levels[:, :1]
    return dealt


def _any_matters(made: Sequence[Estimates], alpha: float) -> Iterator[bool]:
    """Of each table, whether any of its contrasts would be said to matter."""
    estimate, se, df = (
        np.stack([getattr(one, x) for one in made]) for x in ("estimate", "se", "df")
    )
    smallest = np.where(np.isnan(se), 1.0, two_sided(estimate, se, df)).min(axis=1)
    for one, least in zip(made, smallest, strict=True):
        # The level lies between Bonferroni's and alpha; it is drawn only where those disagree.
        between = alpha / len(one.se) <= least < alpha
        yield bool(least < (one.law(np.arange(len(one.se))).level(alpha) if between else alpha))


def varying_by_seed(y: Floats, weights: dict[str, Floats]) -> dict[str, float]:
    """Factor -> p of the test that its effect varies from seed to seed by more than the runs' own noise.

    On a complete seed x cell matrix; empty where the factors' contrasts leave nothing to compare with.

    Args:
        y: Losses.
        weights: Factor -> its contrasts, shape (levels but the baseline's, cells).
    """
    if np.isnan(y).any() or len(y) < 2 or not weights:
        return {}
    rest = y - y.mean(axis=0) - y.mean(axis=1, keepdims=True) + y.mean()
    all_rows = _basis(np.vstack(list(weights.values())))
    df_noise = (len(y) - 1) * (y.shape[1] - 1 - len(all_rows))
    noise = float(np.sum(rest**2) - np.sum((rest @ all_rows.T) ** 2))
    if df_noise < 1 or noise <= 1e-20 * float(np.sum(y**2)):
        return {}
    found = {}
    for factor, rows in weights.items():
        basis = _basis(rows)
        df = (len(y) - 1) * len(basis)
        square = float(np.sum((rest @ basis.T) ** 2)) / df
        found[factor] = float(stats.f.sf(square / (noise / df_noise), df, df_noise))
    return found


def _basis(rows: Floats) -> Floats:
    """Orthonormal rows that span the same space."""
    _, size, found = np.linalg.svd(rows, full_matrices=False)
    return np.asarray(found[size > 1e-9 * size[0]])
