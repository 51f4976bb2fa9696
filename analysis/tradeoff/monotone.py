"""Where r* can lie if all that is known of the loss is that it does not fall as r grows.

From a tested ratio a up to the next one such a loss is at least L(a), so J(r) >= L(a) + lam C2 / r there. The best
ratio can be such an r only where that bound is not above J at any tested ratio.
"""

import math

import numpy as np
from scipy import stats

from analysis.tradeoff.kappa import Interval
from analysis.tradeoff.tested import Pairs


def monotone_interval(pairs: Pairs, *, lam_c2: float, confidence: float) -> Interval:
    """The lowest and the highest ratio that may be the best.

    One-sided t tests with Bonferroni over the other ratios. The lower end is 1 where the smallest tested
    ratio may be the best, the upper one infinity where the largest may be: the loss beyond the tested ratios
    is not known. NaN without replicates.
    """
    r, m = pairs.r, len(pairs.r)
    if m < 2 or np.isnan(pairs.se[0, 1]):
        return math.nan, math.nan
    t = stats.t.ppf(1 - (1 - confidence) / (m - 1), pairs.df)
    # From r_j up, r costs no more than r_k as long as lam C2 / r is at most this.
    most = np.nan_to_num(lam_c2 / r[None, :] - pairs.difference + t * pairs.se, nan=math.inf)
    np.fill_diagonal(most, math.inf)
    at_most = most.min(axis=1)
    starts = np.where(at_most > 0, lam_c2 / np.maximum(at_most, 1e-300), math.inf)
    starts, ends = np.maximum(starts, r), np.append(r[1:], math.inf)
    kept = np.flatnonzero(np.isfinite(starts) & (starts <= ends * (1 - 1e-12)))
    low = float(starts[kept[0]])
    return 1.0 if low <= r[0] else low, float(ends[kept[-1]])
