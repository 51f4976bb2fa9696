"""Verdicts of comparisons that are decided together: intervals, adjusted p values and the seeds still needed."""

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from analysis.contrasts.equivalence import seeds_between, seeds_needed, tost, verdicts
from analysis.contrasts.estimation import Estimates, t_bounds
from analysis.contrasts.multiplicity import benjamini_hochberg, holm

Floats = NDArray[np.float64]


def decide(
    frame: pd.DataFrame, made: Estimates, decided: NDArray[np.bool_], *, alpha: float
) -> pd.DataFrame:
    """The frame with intervals, adjusted p values and verdicts; rows beside the family depend on other factors.

    A verdict *matters* and a simultaneous interval that leaves 0 out are one and the same: both are the joint law of
    the family's tests.

    Args:
        frame: A row per contrast, with its `margin`.
        made: Their estimates.
        decided: The rows that are decided, all together.
        alpha: Family-wise error.
    """
    size, se, df, p = made.estimate, made.se, made.df, made.p
    margin = frame["margin"].to_numpy(float)
    law = made.law(np.flatnonzero(decided))
    level = law.level(alpha)
    half = np.where(decided, stats.t.isf(level / 2, df) * se, np.nan)
    p_equal = np.where(decided, tost(size, se, df, margin=margin), np.nan)
    adjusted, adjusted_equal = np.where(decided, law.adjusted(p), np.nan), holm(p_equal)
    verdict = verdicts(size, adjusted, adjusted_equal, margin=margin, alpha=alpha)
    verdict = [
        v if is_decided else "depends" for v, is_decided in zip(verdict, decided, strict=True)
    ]
    more = np.array([
        _more(size[i], se[i], df=df[i], seeds=int(made.pairs[i]), alpha=level, margin=margin[i])
        if verdict[i] == "undecided" else (0.0,) * 3 if verdict[i] != "untested" else (math.nan,) * 3
        for i in range(len(frame))
    ])  # fmt: skip
    return frame.assign(
        **made.columns(),
        **t_bounds(size, se, df, 0.95, "ci95"),
        **t_bounds(size, se, df, 0.90, "ci90"),
        sim_low=size - half,
        sim_high=size + half,
        p=p,
        p_adjusted=adjusted,
        p_bh=benjamini_hochberg(np.where(decided, p, np.nan)),
        p_equivalence=p_equal,
        p_equivalence_adjusted=adjusted_equal,
        verdict=verdict,
        seeds_needed=more[:, 0],
        seeds_needed_low=more[:, 1],
        seeds_needed_high=more[:, 2],
    )


def _more(
    size: float, se: float, *, df: float, seeds: int, alpha: float, margin: float
) -> tuple[float, float, float]:
    """Seeds to add for a verdict, if the effect is as estimated, and between which numbers they lie with 80 %."""
    bound = None if math.isnan(margin) else margin
    best = seeds_needed(size, se, df=df, seeds=seeds, alpha=alpha, margin=bound)
    low, high = seeds_between(size, se, df=df, seeds=seeds, alpha=alpha, margin=bound)
    return best, min(low, best), max(high, best)
