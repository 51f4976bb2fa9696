"""kappa, the slope of the loss on r^2/2: its estimate, its interval, and what kind of answer that is."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from analysis.contrasts.cr2 import Slope, classical, cr2, hc2
from analysis.tradeoff.ratios import Cluster, RatioRuns

Floats = NDArray[np.float64]
Interval = tuple[float, float]
Status = Literal[
    "ok", "quadratic_rejected", "curves_rejected", "lower_bound_only", "not_identified", "decreasing",
    "too_few_seeds", "single_seed", "no_noise",
]  # fmt: skip
"""What kind of answer a fit is; `quadratic_rejected` and `curves_rejected` are said of whole fits only."""
MIN_SEEDS = 3
ROUNDING = 1e-12
"""Relative to the losses: an error below it is that of adding numbers up."""
NO_INTERVAL = (math.nan, math.nan)


@dataclass(frozen=True)
class Kappa:
    """The slope with its status."""

    value: float
    ci: Interval
    """NaN where there is none."""
    se: float
    df: float
    interval: str
    """What the interval rests on: `CR2 by seed`, `HC2 by run` or `classical`."""
    status: Status


def estimate_kappa(runs: RatioRuns, *, cluster: Cluster, confidence: float) -> Kappa:
    """Least squares on r^2/2 with one intercept per seed."""
    slope, interval = slope_of(runs, cluster=cluster)
    status, ci = _status(runs, slope, interval, confidence=confidence)
    return Kappa(float(slope.value), ci, float(slope.se), slope.df, interval, status)


def slope_of(runs: RatioRuns, *, cluster: Cluster) -> tuple[Slope, str]:
    """The slope on r^2/2, and the name of what its interval rests on."""
    x = runs.r**2 / 2
    if len(runs.levels) == len(x) or (runs.blocked and runs.seeds.max() == 0):
        return classical(x, runs.loss, np.zeros_like(runs.seeds)), "classical"
    if runs.blocked and cluster != "run":
        return cr2(x, runs.loss, runs.seeds), "CR2 by seed"
    return hc2(x, runs.loss, runs.seeds), "HC2 by run"


def leverages(r: Floats, weights: Floats) -> dict[float, float]:
    """Leverage of each ratio's mean on the quadratic: 1 means that it alone decides the curvature."""
    design = np.stack([np.ones_like(r), r**2 / r.max() ** 2], axis=1) * np.sqrt(weights)[:, None]
    q, _ = np.linalg.qr(design)
    return {float(ratio): float(h) for ratio, h in zip(r, np.sum(q**2, axis=1), strict=True)}


def _status(
    runs: RatioRuns, slope: Slope, interval: str, *, confidence: float
) -> tuple[Status, Interval]:
    """What kind of answer this is, and kappa's interval (NaN where there is none)."""
    low, high = map(float, slope.interval(confidence))
    reach = float(np.ptp(runs.r**2 / 2))
    exact = float(slope.se) * reach <= ROUNDING * float(np.abs(runs.loss).max())
    if exact:
        # No spread at all is no measure of one, so there is nothing to hold kappa against.
        if slope.value * reach <= ROUNDING * float(np.abs(runs.loss).max()):
            return "not_identified", NO_INTERVAL
        return ("single_seed" if interval == "classical" else "no_noise"), NO_INTERVAL
    if interval == "classical":
        if math.isnan(low) or low > 0:
            return "single_seed", (low, high)
    elif _replicates(runs) < MIN_SEEDS or math.isnan(low):
        return "too_few_seeds", NO_INTERVAL
    if low > 0:
        return "ok", (low, high)
    if high < 0:
        return "decreasing", (low, high)
    return ("lower_bound_only" if slope.value > 0 else "not_identified"), (low, high)


def _replicates(runs: RatioRuns) -> float:
    if runs.blocked:
        return float(runs.seeds.max() + 1)
    return len(runs.r) / len(runs.levels)
