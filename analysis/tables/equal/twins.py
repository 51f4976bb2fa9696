"""Two arms with one result: equal numbers on every seed that both have are no chance, unless the numbers are coarse."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from analysis.tables.equal.repetition import arms_of, is_coarse

MOST_NAMED = 3
LEAST_SEEDS = 2


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
