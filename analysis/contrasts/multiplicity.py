"""Many comparisons at once: Holm's and Benjamini and Hochberg's adjusted p, simultaneous intervals."""

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
DRAWS = 20_000
MAX_JOINT = 100
"""Above so many contrasts the simultaneous interval uses Sidak's bound instead of the joint law."""


def holm(p: Floats) -> Floats:
    """Holm's adjusted p values: the family-wise error is at most alpha whatever the dependence.

    NaN stays NaN and is not counted.
    """
    p = np.asarray(p, dtype=float)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    steps = np.arange(len(order), 0, -1)
    adjusted = np.full_like(p, np.nan)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * steps), 1.0)
    return adjusted


def benjamini_hochberg(p: Floats) -> Floats:
    """Benjamini and Hochberg's adjusted p values (false discovery rate); shown, never decisive."""
    p = np.asarray(p, dtype=float)
    known = np.flatnonzero(~np.isnan(p))
    adjusted = np.full_like(p, np.nan)
    adjusted[known] = stats.false_discovery_control(p[known]) if len(known) else []
    return adjusted


def simultaneous_t(covariance: Floats, df: float, *, confidence: float, seed: int = 0) -> float:
    """The critical t that all contrasts stay below at once with probability `confidence`.

    The quantile of max |T| of the multivariate t with this covariance (Dunnett's, for comparisons with
    one baseline), by simulation with a fixed seed (error about 0.5 %).
    """
    m = len(covariance)
    sd = np.sqrt(np.diag(covariance))
    if m == 1 or not np.all(sd > 0):
        return float(stats.t.ppf(0.5 + confidence / 2, df))
    if m > MAX_JOINT:
        return float(stats.t.ppf(0.5 + confidence ** (1 / m) / 2, df))
    values, vectors = np.linalg.eigh(covariance / np.outer(sd, sd))
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    random = np.random.default_rng(seed)
    z = np.abs(random.standard_normal((DRAWS, m)) @ root.T).max(axis=1)
    scale = np.sqrt(random.chisquare(df, DRAWS) / df)
    return float(np.quantile(z / scale, confidence))
