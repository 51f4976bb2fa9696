"""The noise of a comparison with a baseline that may be noisier than the arms.

Every comparison shares the baseline, so where pooling takes its noise for too small all of them err together.
Here the baseline's own noise is estimated apart: with d the baseline less the mean of the other k - 1
arms in each seed, Var(d) = var_b + var_o/(k-1), and var_o comes from the two-way residuals of the others. A
difference between the baseline and one arm has the variance var_b + var_o = Var(d) + var_o (k-2)/(k-1): two
independent estimates, whose degrees of freedom are Satterthwaite's.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class BaselineNoise:
    """What a baseline's own noise makes of a comparison with it."""

    variance: float
    """Of the difference between one run of the baseline and one of an arm, in the same seed."""
    df: float
    ratio: float
    """Var(d) over what it would be if the baseline were as noisy as the rest."""


def baseline_noise(y: Floats, baseline: int) -> BaselineNoise | None:
    """From the seeds that have all arms; None with fewer than two of them, or fewer than two other arms.

    Args:
        y: Losses, shape (seeds, arms), NaN where a run is missing.
        baseline: Column of the baseline.
    """
    whole = y[~np.isnan(y).any(axis=1)]
    s, others = len(whole), y.shape[1] - 1
    if s < 2 or others < 2:
        return None
    rest = np.delete(whole, baseline, axis=1)
    apart = float((whole[:, baseline] - rest.mean(axis=1)).var(ddof=1))
    residual = rest - rest.mean(axis=0) - rest.mean(axis=1, keepdims=True) + rest.mean()
    df_rest = (s - 1) * (others - 1)
    pooled = float(np.sum(residual**2)) / df_rest
    share = pooled * (others - 1) / others
    if apart + share == 0:
        return None
    df = (apart + share) ** 2 / (apart**2 / (s - 1) + share**2 / df_rest)
    equal = pooled * (1 + 1 / others)
    return BaselineNoise(apart + share, df, apart / equal if equal > 0 else math.inf)
