"""The interval of the averaged r*: every ratio that is best on a curve which the data do not reject.

Profile likelihood over all eight families, their fixed p and h and their coefficients together. A curve is
kept where its residual sum of squares S passes the F test against the best curve's, S <= S_0 (1 + t^2/nu), and
also where it passes that test with AICc's penalties on both sides, so that neither the family that fits best
nor the one that AICc prefers decides alone. Coverage is measured in `benchmarks/coverage.py`.
"""

import math

import numpy as np
from scipy import stats

from analysis.tradeoff.curves.families import (
    FAMILIES,
    Fits,
    Floats,
    averaged_curve,
    candidates_at,
    minimisers,
    orthogonal,
    parameters,
    penalties,
    ratio_grid,
    residual_runs,
)
from analysis.tradeoff.curves.reduced import Reduced

FINER = 4
"""Steps of p and h for one of the fit's: with ten seeds hardly two of those are kept."""
DIRECTIONS = 48
"""Points on the boundary of a region of two coefficients."""


def average_interval(
    grid: Reduced, fits: Fits, *, lam_c2: float, confidence: float
) -> tuple[float, float]:
    """The interval; NaN without replicated ratios, or with too few runs to reject any curve.

    It holds the averaged r* itself, too. The upper limit is infinity where it would be the largest tested
    ratio, beyond which nothing is known.

    Args:
        grid: The tested ratios and the data, reduced to them.
        fits: The families' fits, for the averaged curve.
        lam_c2: The price times C².
        confidence: 0.95, say.
    """
    if grid.df < 1:
        return math.nan, math.nan
    r_max, steps = float(grid.r[-1]), ratio_grid(grid.r)
    averaged = minimisers(averaged_curve(fits, steps, r_max=r_max), steps, lam_c2=lam_c2)
    kept = [minimisers(c, steps, lam_c2=lam_c2) for c in _kept(grid, steps, confidence)]
    if not kept:
        return math.nan, math.nan
    found = np.concatenate([averaged, *kept])
    half_step = math.sqrt(float(steps[1] / steps[0]))
    low, high = max(float(found.min()) / half_step, 1.0), float(found.max()) * half_step
    return low, (math.inf if high >= r_max * (1 - 1e-9) else high)


def _kept(grid: Reduced, steps: Floats, confidence: float) -> list[Floats]:
    """The curves on the boundary of what is not rejected, at `steps`: arrays of shape (curves, steps).

    A curve with one basis function falls or rises with its coefficient, and so does its best ratio: the
    two ends are enough. Of two coefficients the whole boundary is looked at.
    """
    r_max = float(grid.r[-1])
    basis = candidates_at(grid.r, r_max=r_max, finer=FINER)
    fine = candidates_at(steps, r_max=r_max, finer=FINER)
    q1, q2, n1, n2, overlap = orthogonal(grid, basis)
    u1, u2 = q1 @ grid.z, q2 @ grid.z
    rss = grid.rss + np.maximum(grid.z @ grid.z - u1**2 - u2**2, 0.0)
    spare = _allowed(grid, rss, basis.family, confidence) - rss
    found = []
    for i in np.flatnonzero(spare >= 0):
        around = _directions(int(i), q1, q2)
        p1 = u1[i] + math.sqrt(spare[i]) * around[:, 0]
        p2 = u2[i] + math.sqrt(spare[i]) * around[:, 1]
        second = p2 * n2[i]
        first = p1 * n1[i] - second * overlap[i]
        found.append(first[:, None] * fine.first[i] + second[:, None] * fine.second[i])
    return found


def _allowed(grid: Reduced, rss: Floats, family: np.ndarray, confidence: float) -> Floats:
    """The largest residual sum of squares with which each candidate is kept."""
    n = residual_runs(grid)
    k = np.array([parameters(name, grid) for name in FAMILIES])
    allowed = np.full(len(rss), -np.inf)
    floor = np.maximum(rss, 1e-300)
    for penalty in (np.zeros(len(FAMILIES)), penalties(grid)):
        deviance = n * np.log(floor) + penalty[family]
        best = int(np.argmin(deviance))
        left = n - int(k[family[best]])
        if not np.isfinite(deviance[best]) or left < 1:
            continue
        t = float(stats.t.ppf(0.5 + confidence / 2, left))
        cut = deviance[best] + n * math.log1p(t**2 / left)
        allowed = np.maximum(allowed, np.exp((cut - penalty[family]) / n))
    return allowed


def _directions(candidate: int, q1: Floats, q2: Floats) -> Floats:
    """Unit vectors in the plane of a candidate's coefficients: none, two or many."""
    if not q1[candidate].any():
        return np.zeros((1, 2))
    if not q2[candidate].any():
        return np.array([[-1.0, 0.0], [1.0, 0.0]])
    angle = np.linspace(0.0, 2 * np.pi, DIRECTIONS, endpoint=False)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)
