"""Looking more than once at a declared plan: how much of alpha each look may spend.

Lan and DeMets (1983): a spending function of the share of seeds that is in; the bound of each look is
found by integrating the joint law of the looks' statistics (Armitage, McPherson and Rowe 1969).
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from analysis.errors import TableError

Floats = NDArray[np.float64]
Spending = Literal["obrien_fleming", "pocock"]
HALF_WIDTH = 8.0
POINTS = 1601


def spent(share: Floats, *, alpha: float, spending: Spending) -> Floats:
    """Cumulative alpha that may be spent when `share` (0 .. 1) of the seeds is in; two-sided."""
    if spending == "pocock":
        return np.asarray(alpha * np.log1p((np.e - 1) * share))
    # Each side spends alpha/2, with the one-sided function of that alpha.
    return np.asarray(4 * stats.norm.sf(stats.norm.isf(alpha / 4) / np.sqrt(share)))


def nominal_levels(looks: Sequence[int], *, alpha: float, spending: Spending) -> list[float]:
    """The two-sided p that each look's test must fall below, so that all looks together err at alpha.

    Args:
        looks: Seeds at each look, ascending; the last is the final one.
        alpha: Two-sided error of the whole plan.
        spending: How early error may be spent; O'Brien and Fleming's keeps nearly all for the end.

    Raises:
        TableError: If the looks are not ascending.
    """
    if len(looks) < 1 or any(b <= a for a, b in pairwise(looks)) or looks[0] < 2:
        raise TableError(
            f"`looks` must be ascending numbers of seeds from 2, but got {list(looks)}."
        )
    share = np.asarray(looks, dtype=float) / looks[-1]
    new = np.diff(spent(share, alpha=alpha, spending=spending), prepend=0.0)
    # The score at a look is Brownian motion at time `share`; `density` is its law without a crossing.
    grid = np.linspace(-HALF_WIDTH, HALF_WIDTH, POINTS)
    step = float(grid[1] - grid[0])
    density = stats.norm.pdf(grid, scale=np.sqrt(share[0]))
    levels = []
    for k, time in enumerate(share):
        if k:
            spread = np.sqrt(time - share[k - 1])
            density = np.convolve(density, stats.norm.pdf(grid, scale=spread), mode="same") * step
        bound = _bound(grid, density, step, new[k], top=HALF_WIDTH * 0.99)
        levels.append(float(2 * stats.norm.sf(bound / np.sqrt(time))))
        density = np.where(np.abs(grid) < bound, density, 0.0)
    return levels


def repeated_p(
    p: Floats, *, look: int, looks: Sequence[int], spending: Spending, sides: Literal[1, 2] = 2
) -> Floats:
    """P values that may be read at any declared look: the smallest alpha whose plan would reject now.

    They can be adjusted like any others (Holm), which nominal levels cannot.

    Args:
        p: P values of the look's data alone.
        look: Which look it is, from 1.
        looks: Seeds at each declared look.
        spending: The declared spending function.
        sides: Whether `p` and alpha are of a test in both directions or in one.
    """
    if len(looks) == 1:
        return np.asarray(p, dtype=float)
    if sides == 1:
        # One side of the plan that spends twice as much on both.
        both = repeated_p(np.minimum(2 * p, 1.0), look=look, looks=looks, spending=spending)
        return np.where(p < 0.5, both / 2, p)
    alphas = np.geomspace(1e-7, 0.9999, 24)
    levels = [nominal_levels(looks, alpha=float(a), spending=spending)[look - 1] for a in alphas]
    at = np.log(np.maximum(levels, 1e-300))
    found = np.exp(np.interp(np.log(np.maximum(p, 1e-300)), at, np.log(alphas), right=0.0))
    # Interpolation must never make a p smaller than it is.
    return np.where(np.isnan(p), np.nan, np.maximum(found, p))


def _bound(grid: Floats, density: Floats, step: float, wanted: float, *, top: float) -> float:
    """The score beyond which `wanted` of the density lies, both sides together."""
    positive = grid >= 0
    x, tail = grid[positive], density[positive] * step
    beyond = 2 * (np.cumsum(tail[::-1])[::-1] - tail / 2)

    def gap(value: float) -> float:
        return float(np.interp(value, x, beyond)) - wanted

    if gap(0.0) <= 0:
        return 0.0
    return float(optimize.brentq(gap, 0.0, top)) if gap(top) < 0 else top
