"""The errors of comparisons with a baseline in many complete tables at once, for simulations.

The rule is that of `contrasts.estimation`, whose words are used here; y has the shape (tables, seeds, arms), and
arm 0 is the baseline.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from analysis.contrasts.estimation import BASELINE_GATE, NOISE_GATE, ErrorModel
from analysis.contrasts.seed_blocks import affordable_draws, largest_share, two_sided

Floats = NDArray[np.float64]
GATE_DRAWS = 4000


@dataclass(frozen=True)
class Errors:
    """Each of shape (tables, arms - 1)."""

    size: Floats
    """Mean of the arm less mean of the baseline."""
    se: Floats
    df: Floats

    def p(self) -> Floats:
        """Two-sided p, not adjusted."""
        return two_sided(self.size, self.se, self.df)


def errors_of(y: Floats, *, error: ErrorModel = "auto") -> Errors:
    """Sizes, standard errors and degrees of freedom of all comparisons.

    Args:
        y: Losses.
        error: As for `analysis.effects.effects.effects`.
    """
    _, s, k = y.shape
    apart = y[:, :, 1:] - y[:, :, :1]
    size = apart.mean(axis=1)
    paired_se = apart.std(axis=1, ddof=1) / np.sqrt(s)
    pooled_df = (s - 1) * (k - 1)
    pooled_se = np.sqrt(2 * _residual_squares(y) / pooled_df / s)[:, None] * np.ones_like(size)
    if error == "paired":
        return Errors(size, paired_se, np.full_like(size, s - 1))
    pooled = Errors(size, pooled_se, np.full_like(size, pooled_df))
    # Two arms have one difference: pooled and paired are the same, and nothing is left to compare noise by.
    if error == "pooled" or k < 3:
        return pooled
    noisy = (largest_share(y) > noise_gate(s, k))[:, None]
    se, df = np.where(noisy, paired_se, pooled_se), np.where(noisy, s - 1.0, float(pooled_df))
    split_se, split_df, ratio = _split(y)
    tail = 0.05 / 2 / (k - 1)
    wider = split_se * stats.t.isf(tail, split_df) > se * stats.t.isf(tail, df)
    split = wider & (noisy | (ratio > BASELINE_GATE))
    return Errors(size, np.where(split, split_se, se), np.where(split, split_df, df))


@lru_cache(maxsize=256)
def noise_gate(seeds: int, arms: int) -> float:
    """The share of the noise that the noisiest of equal arms reaches in `NOISE_GATE` of all tables.

    Infinity with fewer than three seeds, where the noise is not tested.
    """
    if seeds < 3:
        return float("inf")
    draws = affordable_draws(GATE_DRAWS, 4 * seeds * arms)
    noise = np.random.default_rng(0).standard_normal((draws, seeds, arms))
    return float(np.quantile(largest_share(noise), 1 - NOISE_GATE))


def _residual_squares(y: Floats) -> Floats:
    residual = y - y.mean(axis=1, keepdims=True) - y.mean(axis=2, keepdims=True)
    residual += y.mean(axis=(1, 2), keepdims=True)
    return np.asarray(np.sum(residual**2, axis=(1, 2)))


def _split(y: Floats) -> tuple[Floats, Floats, Floats]:
    """`analysis.contrasts.baseline_noise` of every table: standard error, df and ratio, each of shape (tables, 1)."""
    _, s, k = y.shape
    others = k - 1
    apart = (y[:, :, 0] - y[:, :, 1:].mean(axis=2)).var(axis=1, ddof=1)
    df_rest = (s - 1) * (others - 1)
    rest = _residual_squares(y[:, :, 1:]) / df_rest
    share = rest * (others - 1) / others
    df = (apart + share) ** 2 / (apart**2 / (s - 1) + share**2 / df_rest)
    ratio = apart / (rest * (1 + 1 / others))
    return np.sqrt((apart + share) / s)[:, None], df[:, None], ratio[:, None]
