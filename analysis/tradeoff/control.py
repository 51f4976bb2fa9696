"""Arms without a ratio (no attention, controls) beside the best tested ratio."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from analysis.tradeoff.kappa import ROUNDING
from analysis.tradeoff.ratios import RatioRuns
from analysis.tradeoff.tested import Tested

Floats = NDArray[np.float64]
COLUMNS = ["label", "n", "loss", "loss_low", "loss_high", "difference", "low", "high"]


def compare_control(
    runs: RatioRuns, *, metric: str, tested: Tested, confidence: float
) -> pd.DataFrame:
    """Per arm without a ratio: its mean loss, and how far above the best ratio it lies.

    `difference` is its loss less that of the best tested ratio by `metric` alone or at the price; paired
    by seed where seeds are shared, otherwise between independent runs (Welch). The best was chosen by its
    losses, which makes it look better than it is: the lower limit is Bonferroni's over the ratios that may be
    the best. Intervals are NaN with fewer than two runs.
    """
    control = runs.control
    if control.empty:
        return pd.DataFrame(columns=COLUMNS)
    at_best, rivals = runs.r == tested.best, len(tested.argmin_set)
    reference = pd.Series(runs.loss[at_best], index=runs.seed_labels[at_best])
    rows = []
    for label, part in control.groupby(control["label"].fillna("no ratio"), sort=False):
        losses = pd.Series(part[metric].to_numpy(float), index=part["seed"].to_numpy())
        low, high = t_interval(losses.to_numpy(), confidence)
        if runs.blocked:
            gaps = (losses - reference).dropna().to_numpy(float)
            gap, (gap_low, gap_high) = gaps.mean(), t_interval(gaps, confidence, rivals)
        else:
            gap = losses.mean() - reference.mean()
            gap_low, gap_high = _welch(losses.to_numpy(), reference.to_numpy(), confidence, rivals)
        rows.append([label, len(losses), losses.mean(), low, high, gap, gap_low, gap_high])
    return pd.DataFrame(rows, columns=COLUMNS)


def _welch(one: Floats, other: Floats, confidence: float, rivals: int) -> tuple[float, float]:
    """As `t_interval`, of the difference of two independent means."""
    if min(len(one), len(other)) < 2:
        return float("nan"), float("nan")
    parts = np.array([x.var(ddof=1) / len(x) for x in (one, other)])
    df = (
        parts.sum() ** 2 / float(np.sum(parts**2 / (len(one) - 1, len(other) - 1)))
        if parts.any()
        else 1.0
    )
    largest = max(np.abs(one).max(), np.abs(other).max())
    return _ends(one.mean() - other.mean(), np.sqrt(parts.sum()), df, largest, confidence, rivals)


def t_interval(values: Floats, confidence: float, rivals: int = 1) -> tuple[float, float]:
    """The t interval of a mean; NaN with fewer than two values.

    Args:
        values: One per run or pair.
        confidence: 0.95, say.
        rivals: The lower tail's chance of a miss is divided by so many.
    """
    n = len(values)
    if n < 2:
        return float("nan"), float("nan")
    se = values.std(ddof=1) / np.sqrt(n)
    return _ends(values.mean(), se, n - 1.0, np.abs(values).max(), confidence, rivals)


def _ends(
    mean: float, se: float, df: float, largest: float, confidence: float, rivals: int
) -> tuple[float, float]:
    """NaN where the values differ by no more than rounding."""
    if se <= ROUNDING * largest:
        return float("nan"), float("nan")
    tail = (1 - confidence) / 2
    return float(mean - stats.t.isf(tail / rivals, df) * se), float(
        mean + stats.t.isf(tail, df) * se
    )
