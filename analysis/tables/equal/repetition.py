"""Repetition is not replication: runs of an arm that all have one value are one result.

A deterministic program, or a seed that was never applied, gives the same number again. Its spread is 0, and a test
against it would call any difference certain.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

REPEATS = "with the value of another run of its arm"
LATTICE = 0.01
"""How near to a whole number a multiple is."""
COARSE = 0.25
"""Step between values, in standard deviations within arms, from which ties are no chance."""
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


def is_coarse(rows: pd.DataFrame, *, metric: str, by: Sequence[str]) -> bool:
    """Whether the values are rounded so much that runs of one arm tie: their spread is then that of rounding.

    That is where an arm has fewer distinct values than runs, all differences are whole multiples of the smallest,
    and that step is not small beside the spread within arms.
    """
    groups = rows[metric].astype(float).groupby(arms_of(rows, by))
    size = groups.size()
    if not (groups.nunique() < size).any():
        return False
    values = np.unique(rows[metric].to_numpy(float))
    steps = np.diff(values)[np.diff(values) > ROUNDING * np.abs(values).max()]
    within = float((groups.var() * (size - 1)).sum()) / max(int((size - 1).sum()), 1)
    if not len(steps):
        return False
    multiples = steps / steps.min()
    on_steps = bool((np.abs(multiples - np.round(multiples)) < LATTICE).all())
    return on_steps and float(steps.min()) > COARSE * within**0.5


def arms_of(rows: pd.DataFrame, by: Sequence[str]) -> "pd.Series[int]":
    """A number for each row's arm; an unused factor is a level of its own."""
    if not by:
        return pd.Series(0, index=rows.index)
    keys = rows[list(by)].astype(object)
    return keys.where(keys.notna(), "").groupby(list(by), sort=False).ngroup()
