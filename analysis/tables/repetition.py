"""Repetition is not replication: runs of an arm that all have one value are one result, and two arms may be one.

A deterministic program, or a seed that was never applied, gives the same number again. Its spread is 0, and a test
against it would call any difference certain.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

REPEATS = "with the value of another run of its arm"
LATTICE = 0.01
"""How near to a whole number a multiple is."""
COARSE = 0.25
"""Step between values, in standard deviations within arms, from which ties are no chance."""
ROUNDING = 1e-12
"""Relative to the values: sums in another order differ by less."""
MOST_NAMED = 3
"""Pairs of arms that may be one ..."""
LEAST_SEEDS = 2
"""... which takes so many equal results."""


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


def twins(
    rows: pd.DataFrame, *, metric: str, measured: Sequence[str], by: Sequence[str]
) -> list[str]:
    """A sentence for each arm whose every measured number is another one's, on each seed that both have.

    Args:
        rows: Complete runs.
        metric: Their value.
        measured: What else they measured, under columns of the rows; an empty cell says nothing.
        by: The columns that tell arms apart.
    """
    seeded = rows[rows["seed"].notna() & ~rows.duplicated([*by, "seed"], keep=False)]
    tied = seeded.duplicated(["seed", metric], keep=False)
    if not tied.any() or is_coarse(rows, metric=metric, by=by):
        return []
    arm = arms_of(seeded, by)
    names = [metric, *(name for name in measured if name in rows and name != metric)]
    found: dict[tuple[int, int], str] = {}
    for _, alike in seeded[tied].groupby(["seed", metric], sort=False):
        first, *others = arm[alike.index]
        for other in others:
            pair = (int(first), int(other))
            if pair not in found:
                found[pair] = _said(seeded[arm == first], seeded[arm == other], names, by)
    said = [one for one in found.values() if one]
    more = len(said) - MOST_NAMED
    return said[:MOST_NAMED] + ([f"So do {more} more pair{'s' * (more > 1)} of arms."] * (more > 0))


def arms_of(rows: pd.DataFrame, by: Sequence[str]) -> "pd.Series[int]":
    """A number for each row's arm; an unused factor is a level of its own."""
    if not by:
        return pd.Series(0, index=rows.index)
    keys = rows[list(by)].astype(object)
    return keys.where(keys.notna(), "").groupby(list(by), sort=False).ngroup()


def _said(one: pd.DataFrame, other: pd.DataFrame, names: list[str], by: Sequence[str]) -> str:
    """The sentence on two arms; empty where they differ in any number."""
    a, b = one.set_index("seed")[names], other.set_index("seed")[names]
    shared = a.index.intersection(b.index)
    a, b = a.loc[shared], b.loc[shared]
    told = a.notna() & b.notna()
    if len(shared) < LEAST_SEEDS or not (a.where(told) == b.where(told)).eq(told).all(axis=None):
        return ""
    return (
        f"{_name(one, by)} and {_name(other, by)} measured the same {names[0]} on each of {len(shared)} seeds: one of "
        "them may change nothing."
    )


def _name(rows: pd.DataFrame, by: Sequence[str]) -> str:
    row: Any = rows.iloc[0]
    if isinstance(label := row.get("label"), str):
        return repr(label)
    used = [name for name in by if pd.notna(row[name])]
    return repr(", ".join(f"{name.rpartition('.')[2]}={row[name]}" for name in used))
