"""How a run ended, as the tables that people and programs write say it."""

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from analysis.errors import TableError

NAMES = ("state", "status")
"""Columns that say how a run ended, in any case."""
WORDS = {
    "COMPLETE": ("complete", "completed", "finished", "success", "succeeded", "done"),
    "PRUNED": ("pruned",),
    "FAILED": ("failed", "fail", "failure", "crashed", "error", "killed"),
    "RUNNING": ("running",),
    "WAITING": ("waiting", "queued", "pending"),
    "DAMAGED": ("damaged",),
}
"""State -> the words for it, in any case."""
_STATE_OF = {word: state for state, words in WORDS.items() for word in words}


def state_column(columns: Iterable[object], *, factors: Sequence[str] = ()) -> str:
    """The column that says how a run ended; `state` where there is none. A factor is none, whatever its name.

    Raises:
        TableError: If two columns say how a run ended.
    """
    found = [str(c) for c in columns if str(c).lower() in NAMES and c not in factors]
    if len(found) > 1:
        raise TableError(
            f"how a run ended must be in one column, but the table has {' and '.join(f'`{c}`' for c in found)}; "
            "keep one, or rename the one that means something else."
        )
    return found[0] if found else "state"


def read_states(column: "pd.Series[Any]", *, name: str) -> "pd.Series[str]":
    """The states of a column; all COMPLETE where it is empty.

    Args:
        column: One word per run, in any case.
        name: What the source calls the column.

    Raises:
        TableError: If a cell is empty beside others, or is no known word; says the column and the row.
    """
    if column.isna().all():
        return pd.Series("COMPLETE", index=column.index, dtype=object)
    states = column.astype(str).str.strip().str.lower().map(_STATE_OF).where(column.notna())
    if states.isna().any():
        row: Any = states.isna().idxmax()
        known = ", ".join(_STATE_OF)
        has = "is empty" if pd.isna(column[row]) else f"has {column[row]!r}"
        raise TableError(
            f"`{name}` must say how a run ended ({known}), but row {row} {has}; "
            "write one of these, or rename the column if it means something else."
        )
    return states
