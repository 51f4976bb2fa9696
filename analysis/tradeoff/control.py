"""Arms without a ratio (no attention, controls) beside the best tested ratio."""

import numpy as np
import pandas as pd
from scipy import stats

from analysis.tradeoff.kappa import ROUNDING
from analysis.tradeoff.ratios import RatioRuns
from analysis.tradeoff.tested import Tested

COLUMNS = ["label", "n", "loss", "loss_low", "loss_high", "difference", "low", "high"]


def compare_control(
    runs: RatioRuns, *, metric: str, tested: Tested, confidence: float
) -> pd.DataFrame:
    """Per arm without a ratio: its mean loss, and how far above the best ratio it lies.

    `difference` is its loss less that of the best tested ratio by `metric` alone or at the price; paired
    by seed where seeds are shared. The best was chosen by its losses, which makes it look better than it is:
    the lower limit is Bonferroni's over the ratios that may be the best. Intervals are NaN with fewer than two
    runs.
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
        gap = (losses - reference).dropna() if runs.blocked else losses - reference.mean()
        gap_low, gap_high = (
            t_interval(gap.to_numpy(float), confidence, rivals)
            if runs.blocked
            else (np.nan, np.nan)
        )
        rows.append([label, len(losses), losses.mean(), low, high, gap.mean(), gap_low, gap_high])
    return pd.DataFrame(rows, columns=COLUMNS)


def t_interval(
    values: "np.ndarray[tuple[int], np.dtype[np.float64]]", confidence: float, rivals: int = 1
) -> tuple[float, float]:
    """The t interval of a mean; NaN with fewer than two values.

    Args:
        values: One per run or pair.
        confidence: 0.95, say.
        rivals: The lower tail's chance of a miss is divided by so many.
    """
    n = len(values)
    if n < 2:
        return float("nan"), float("nan")
    tail, se = (1 - confidence) / 2, values.std(ddof=1) / np.sqrt(n)
    if se <= ROUNDING * np.abs(values).max():
        return float("nan"), float("nan")
    down, up = float(stats.t.isf(tail / rivals, n - 1)), float(stats.t.isf(tail, n - 1))
    return float(values.mean() - down * se), float(values.mean() + up * se)
