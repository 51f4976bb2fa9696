"""The interval of the averaged r*: every ratio that is best on a curve which the data do not reject.

Profile likelihood over all eight families, and four more that rise slowly or at once (Hill's curve with
exponents 1 and 4, 1 - exp(-r/h), and a step at h), their fixed p and h and their coefficients together. A curve is
kept where its residual sum of squares S passes the F test against the best curve's, S <= S_0 (1 + t^2/nu), and
also where it passes that test with AICc's penalties on both sides, so that neither the family that fits best
nor the one that AICc prefers decides alone. Coverage is measured in `benchmarks/coverage.py`.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from analysis.tradeoff.curves.families import (
    FAMILIES,
    HILL_POINTS,
    Candidates,
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
MORE = 4
"""Curves beside the eight families."""
SELECTION = 0.5
"""Share of the error that the cut may make: the best of all these curves fits better than the true one does.
Calibrated by `benchmarks/ratio_answer.py`: 1 covers 91.5 to 93.5 % under a curve that saturates, 0.7 still 91 %."""
DIRECTIONS = 48
"""Points on the boundary of a region of two coefficients."""


@dataclass(frozen=True)
class AveragedRatio:
    """The averaged curve and every curve that is not rejected, to be asked at any price."""

    steps: Floats
    """The ratios at which curves are minimised."""
    averaged: Floats
    """The averaged curve there, shape (1, steps)."""
    kept: Floats
    """The curves that are not rejected, shape (curves, steps); none where no curve can be rejected."""
    p: float
    """The largest p of the lack-of-fit test over all curves: small where none follows the means, as where
    the loss rises in one step; NaN where it cannot be tested."""

    def at(self, lam_c2: float) -> tuple[float, tuple[float, float]]:
        """The averaged r* and its interval at a price times C²."""
        r_star = float(minimisers(self.averaged, self.steps, lam_c2=lam_c2)[0])
        if not len(self.kept):
            return r_star, (math.nan, math.nan)
        found = np.append(minimisers(self.kept, self.steps, lam_c2=lam_c2), r_star)
        half_step = math.sqrt(float(self.steps[1] / self.steps[0]))
        low, high = max(float(found.min()) / half_step, 1.0), float(found.max()) * half_step
        return r_star, (low, math.inf if high >= self.steps[-1] * (1 - 1e-9) else high)


def averaged_ratio(grid: Reduced, fits: Fits, *, confidence: float) -> AveragedRatio:
    """What the averaged r* and its interval are read from.

    Args:
        grid: The tested ratios and the data, reduced to them.
        fits: The families' fits, for the averaged curve.
        confidence: 0.95, say.
    """
    steps = ratio_grid(grid.r)
    averaged = averaged_curve(fits, steps, r_max=float(grid.r[-1]))[:1]
    none = np.zeros((0, len(steps)))
    if grid.df < 1:
        return AveragedRatio(steps, averaged, none, math.nan)
    kept, p = _kept(grid, steps, confidence)
    return AveragedRatio(steps, averaged, np.concatenate(kept) if kept else none, p)


def average_interval(
    grid: Reduced, fits: Fits, *, lam_c2: float, confidence: float
) -> tuple[float, float]:
    """The interval at one price; NaN without replicated ratios, or with too few runs to reject any curve.

    It holds the averaged r* itself, too. The upper limit is infinity where it would be the largest tested
    ratio, beyond which nothing is known.
    """
    return averaged_ratio(grid, fits, confidence=confidence).at(lam_c2)[1]


def _kept(grid: Reduced, steps: Floats, confidence: float) -> tuple[list[Floats], float]:
    """The curves on the boundary of what is not rejected, at `steps`, and the largest p of any.

    The curves are arrays of shape (curves, steps).

    A curve with one basis function falls or rises with its coefficient, and so does its best ratio: the
    two ends are enough. Of two coefficients the whole boundary is looked at.
    """
    basis, fine = _curves(grid.r, grid), _curves(steps, grid)
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
    return found, _best_p(grid, rss, basis.family)


def _curves(r: Floats, grid: Reduced) -> Candidates:
    """All families' basis functions at the ratios `r`, and those of the four more."""
    low, r_max = float(grid.r[0]), float(grid.r[-1])
    eight = candidates_at(r, r_max=r_max, finer=FINER)
    h = np.geomspace(1.0, max(256.0, 4 * r_max), FINER * HILL_POINTS)[:, None]
    # A step below the tested ratios or above them would be no curve at all.
    step = np.geomspace(low, r_max, len(h), endpoint=False)[:, None]
    more = [1 / (1 + h / r), 1 / (1 + (h / r) ** 4), -np.expm1(-r / h), (r > step).astype(float)]
    family = np.repeat(len(FAMILIES) + np.arange(MORE), len(h))
    first = np.concatenate([eight.first, *more])
    second = np.concatenate([eight.second, np.zeros((len(family), len(r)))])
    return Candidates(np.concatenate([eight.family, family]), first, second)


def _sizes(grid: Reduced) -> np.ndarray:
    """Parameters that AICc counts of each family; the four more have those of Hill's."""
    k = [parameters(name, grid) for name in FAMILIES]
    return np.array(k + k[-1:] * MORE)


def _best_p(grid: Reduced, rss: Floats, family: np.ndarray) -> float:
    """The largest p with which the free means are held against a curve; NaN where none can be tested."""
    # The level, and the variance that AICc counts, are no part of the shape.
    free = len(grid.root) - (_sizes(grid) - _sizes(grid)[0])[family]
    if grid.rss <= 0 or free.min() < 1:
        return math.nan
    p = stats.f.sf((rss - grid.rss) / free / grid.sigma2, free, grid.df)
    return float(np.max(p))


def _allowed(grid: Reduced, rss: Floats, family: np.ndarray, confidence: float) -> Floats:
    """The largest residual sum of squares with which each candidate is kept."""
    n = residual_runs(grid)
    k = _sizes(grid)
    allowed = np.full(len(rss), -np.inf)
    floor = np.maximum(rss, 1e-300)
    more = np.repeat(penalties(grid)[-1], MORE)
    for penalty in (np.zeros(len(k)), np.append(penalties(grid), more)):
        deviance = n * np.log(floor) + penalty[family]
        best = int(np.argmin(deviance))
        left = n - int(k[family[best]])
        if not np.isfinite(deviance[best]) or left < 1:
            continue
        t = float(stats.t.isf(SELECTION * (1 - confidence) / 2, left))
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
