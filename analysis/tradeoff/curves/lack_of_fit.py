"""Does the quadratic hold? The pure-error F test with seed blocks, and the power that it had."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from analysis.tradeoff.curves.reduced import Reduced

Floats = NDArray[np.float64]
ALTERNATIVES = {"linear": 1.0, "r^1.5": 1.5, "r^3": 3.0, "log": 0.0}
"""Rival curves: exponent of r, 0 for the logarithm."""


@dataclass(frozen=True)
class LackOfFit:
    """Free means at every ratio against the quadratic. NaN where it cannot be tested."""

    F: float
    p: float
    df: tuple[int, int]
    power: dict[str, float]
    """Rival curve with the fitted rise -> chance that this test would have rejected the quadratic."""

    @property
    def testable(self) -> bool:
        """Whether there were replicates and at least three ratios."""
        return bool(np.isfinite(self.p))


def lack_of_fit(grid: Reduced, *, rise: float, alpha: float = 0.05) -> LackOfFit:
    """The F test of the quadratic; `rise` (loss at r_max less loss at r_min) sets the rivals' size."""
    top, bottom = len(grid.r) - 2, grid.df
    if top < 1 or bottom < 1 or grid.rss <= 0:
        return LackOfFit(float("nan"), float("nan"), (max(top, 0), max(bottom, 0)), {})
    ratio = float(lof_ratio(grid, grid.z, np.array(grid.rss)))
    power = {
        name: lof_power(grid, shape=shape(grid.r, p) * rise, sigma2=grid.sigma2, alpha=alpha)
        for name, p in ALTERNATIVES.items()
    }
    return LackOfFit(ratio, float(stats.f.sf(ratio, top, bottom)), (top, bottom), power)


def lof_ratio(grid: Reduced, z: Floats, rss: Floats) -> Floats:
    """The F ratio of one or many data sets on a grid: z of shape (..., rank), rss of shape (...)."""
    return np.asarray(missed_by_quadratic(grid, z) / (len(grid.r) - 2) / (rss / grid.df))


def missed_by_quadratic(grid: Reduced, z: Floats) -> Floats:
    """Sum of squares of curves (L f, shape (..., rank)) that no quadratic a + b r^2 follows."""
    x = grid.root @ grid.r**2
    missed = np.sum(z**2, axis=-1) - (z @ x) ** 2 / (x @ x)
    return np.asarray(np.maximum(missed, 0.0))


def lof_power(grid: Reduced, *, shape: Floats, sigma2: float, alpha: float) -> float:
    """Chance that the test rejects the quadratic if `shape` is the truth (noncentral F)."""
    top, bottom = len(grid.r) - 2, grid.df
    critical = stats.f.ppf(1 - alpha, top, bottom)
    noncentrality = float(missed_by_quadratic(grid, grid.root @ shape)) / sigma2
    return float(stats.ncf.sf(critical, top, bottom, noncentrality))


def shape(r: Floats, p: float) -> Floats:
    """r^p (or ln r for p = 0), scaled to rise by 1 from the smallest to the largest ratio."""
    raw = r**p if p else np.log(r)
    return np.asarray((raw - raw[0]) / (raw[-1] - raw[0]))


def power_table(result: LackOfFit) -> pd.DataFrame:
    """The power per rival curve, as a table."""
    return pd.DataFrame({"rival": list(result.power), "power": list(result.power.values())})
