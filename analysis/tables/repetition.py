"""Repetition is not replication: runs of an arm that all have one value are one result.

A deterministic program, or a seed that was never applied, gives the same number again. Its spread is 0, and a test
against it would call any difference certain.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

REPEATS = "repeats another run of its arm"
ROUNDING = 1e-12
"""Relative to the values: sums in another order differ by less."""


def repeats(rows: pd.DataFrame, *, metric: str, by: Sequence[str]) -> "pd.Series[bool]":
    """Which rows repeat an earlier one: all but the first of an arm whose runs all have one value.

    Args:
        rows: Complete runs.
        metric: Their value.
        by: The columns that tell arms apart.
    """
    if rows.empty:
        return pd.Series(False, index=rows.index)
    arm = arms_of(rows, by)
    values = rows[metric].astype(float).groupby(arm)
    low, high = values.transform("min"), values.transform("max")
    same = (high - low) <= ROUNDING * np.maximum(low.abs(), high.abs())
    return same & arm.duplicated()


def tied_arms(rows: pd.DataFrame, *, metric: str, by: Sequence[str]) -> tuple[int, int]:
    """Arms of several runs, and how many of them have fewer distinct values than runs."""
    groups = rows[metric].groupby(arms_of(rows, by))
    several = groups.size() > 1
    return int(several.sum()), int((several & (groups.nunique() < groups.size())).sum())


def arms_of(rows: pd.DataFrame, by: Sequence[str]) -> "pd.Series[int]":
    """A number for each row's arm; an unused factor is a level of its own."""
    if not by:
        return pd.Series(0, index=rows.index)
    keys = rows[list(by)].astype(object)
    return keys.where(keys.notna(), "").groupby(list(by), sort=False).ngroup()
