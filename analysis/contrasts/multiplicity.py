"""Many comparisons at once: Holm's and Benjamini and Hochberg's adjusted p."""

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]


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
