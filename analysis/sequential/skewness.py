"""Whether *negligible* may err more often than it says, because the noise is skewed: as far as the data can tell."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from analysis.sequential.looks import Values
from plain_files.numbers import p_words

SKEWED = 0.01
FEWEST = 8
"""Of pairs, for d'Agostino's test."""
ERRS = (
    "negligible errs in up to 10 % of studies instead of 5 where the noise is strongly skewed and the two "
    "sides do not share it (log-normal, and the baseline's twice the arms')"
)


def skewness_p(rule: Mapping[str, Any], values: Values) -> float:
    """How likely so skewed differences are without skewness, as the p of its test; NaN below `FEWEST` pairs.

    Of their mean over the arms, which share the baseline's noise.

    Args:
        rule: As declared: `baseline` and `comparisons`.
        values: Of the baseline and of all arms, as far as their seeds are in.
    """
    base, rows = values[rule["baseline"]], []
    for entry in rule["comparisons"]:
        arm = values.get(entry["arm"], [])
        seeds = min(len(arm), len(base))
        # None, of a run that gave no number, becomes NaN.
        apart = np.array(arm[:seeds], dtype=float) - np.array(base[:seeds], dtype=float)
        if np.sum(~np.isnan(apart)) > 1:
            rows.append(pd.Series(apart - np.nanmean(apart)))
    if not rows:
        return float("nan")
    together = pd.concat(rows, axis=1).mean(axis=1).dropna().to_numpy()
    if len(together) < FEWEST or not together.std() > 0:
        return float("nan")
    return float(stats.skewtest(together).pvalue)


def said_of_skewness(frame: pd.DataFrame, skewed: float) -> list[str]:
    """That *negligible* may err more often than it says, where that is seen or cannot be; nothing where it need not.

    Args:
        frame: A row per comparison, with `verdict` and `pairs`.
        skewed: What `skewness_p` says.
    """
    if skewed < SKEWED:
        return [f"The differences are skewed ({p_words(skewed)}): {ERRS}."]
    if ((frame["verdict"] == "negligible") & (frame["pairs"] < FEWEST)).any():
        return [f"Skewness cannot be seen in fewer than {FEWEST} pairs: with so few {ERRS}."]
    return []
