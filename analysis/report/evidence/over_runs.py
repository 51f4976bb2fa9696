"""Means over the runs of an arm."""

import numpy as np
import pandas as pd
from scipy import stats

LEVEL = 0.95


def mean_over_runs(
    name: str, values: "pd.Series[float]", *, least: float = 0.0, most: float = 1.0
) -> dict[str, float]:
    """`name`, the mean over runs, and `name_low, name_high`, its 95 % t interval, cut at the ends of what can be.

    Without an interval where all runs agree.
    """
    kept = values.dropna()
    half = np.nan
    if len(kept) > 1 and np.ptp(kept) > 0:
        half = stats.t.ppf((1 + LEVEL) / 2, len(kept) - 1) * kept.std() / np.sqrt(len(kept))
    mean = float(kept.mean()) if len(kept) else np.nan
    ends = {"low": max(mean - half, least), "high": min(mean + half, most)}
    return {name: mean} | {
        f"{name}_{end}": value if np.isfinite(half) else np.nan for end, value in ends.items()
    }
