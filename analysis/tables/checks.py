"""The rules that a runs table must keep, each with the sentence that names the column and the row."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.errors import TableError

TABLE_VERSION = 1
LARGEST = 1e75
"""The run diverged; the square of a sum of squares would be infinite."""
FLAGGED = ("early_stopped", "diverged")
"""Columns of other tools' tables: a run where one is true never enters an estimate."""

TRUTH = {
    **dict.fromkeys(("true", "yes", "y", "t", "on", "1", "1.0"), True),
    **dict.fromkeys(("", "false", "no", "n", "f", "off", "0", "0.0", "none", "nan", "null"), False),
}
"""Words for a truth value, in lower case."""
MISSING = frozenset(("nan", "-nan", "na", "n/a", "#n/a", "<na>", "none", "null"))
"""Words for a missing value where a number must be; in lower case."""


def check_table_version(info: Mapping[str, Any], *, source: Path) -> None:
    """Raises if the study was written by a version whose columns this one does not know."""
    layout = info.get("layout", 1)
    version = (info.get("runs_table") or {}).get("version", 1)
    if layout != 1 or version != TABLE_VERSION:
        raise TableError(
            f"{source} has layout {layout} and runs table {version}; this version reads layout 1 and "
            f"runs table {TABLE_VERSION}. Install the version that wrote it."
        )


def check_metric(frame: pd.DataFrame, *, metric: str | None) -> str:
    """The metric's column.

    Raises:
        TableError: If the `metric` column names several, or the metric's column is missing.
    """
    if metric is None:
        metric = "val_loss"
        if "metric" in frame:
            named = frame["metric"].dropna()
            if len(named.unique()) > 1:
                row = named.index[named != named.iloc[0]][0]
                raise TableError(
                    f"`metric` must be one and the same, but row {named.index[0]} has "
                    f"{named.iloc[0]!r} and row {row} has {named[row]!r}; read one metric at a time."
                )
            metric = str(named.iloc[0]) if len(named) else metric
    if metric not in frame:
        there = ", ".join(map(str, frame.columns))
        raise TableError(
            f"the table lacks the column `{metric}`; it has {there}. Rename it or name another metric."
        )
    return metric


def check_numbers(column: "pd.Series[Any]") -> "pd.Series[float]":
    """The column as numbers; empty cells and words for a missing value as NaN.

    Raises:
        TableError: If a cell holds text; says the column and the row.
    """
    if column.dtype.kind in "iuf":
        return column.astype(float)
    numbers = pd.to_numeric(column, errors="coerce")
    words = column.astype(str).str.strip().str.lower()
    text = column.notna() & numbers.isna() & ~words.isin(MISSING)
    if text.any():
        row: Any = text.idxmax()
        raise TableError(f"`{column.name}` must be a number, but row {row} has {column[row]!r}.")
    return numbers.astype(float)


def reasons_to_leave_out(frame: pd.DataFrame, *, metric: str) -> "pd.Series[str]":
    """Per row: why it may not enter an estimate; an empty string where it may."""
    state = frame["state"].astype(str)
    run, planned = frame["epochs_run"], frame["epochs_planned"]
    flagged = {name: _truth(frame[name]) for name in FLAGGED if name in frame}
    rules = [
        (state != "COMPLETE", "state " + state),
        *((mask, name) for name, mask in flagged.items()),
        (~(frame[metric].abs() < LARGEST), f"no finite {metric}"),
        (run.notna() & planned.notna() & (run < planned), "fewer epochs than planned"),
    ]
    reason: Any = np.full(len(frame), "", dtype=object)
    for mask, text in rules:
        says: Any = text.to_numpy(dtype=object) if isinstance(text, pd.Series) else text
        reason = np.where(np.asarray(mask, dtype=bool) & (reason == ""), says, reason)
    fine, searched = reason == "", (frame["stage"] == "search").to_numpy()
    if (fine & searched).any() and (fine & ~searched).any():
        reason = np.where(fine & searched, "from a search (selected by its result)", reason)
    return pd.Series(reason, index=frame.index, dtype=object)


def _truth(column: "pd.Series[Any]") -> "pd.Series[bool]":
    """The column as truth values; an empty cell is false.

    Raises:
        TableError: If a word is none for a truth value; says the column and the row.
    """
    words = column.astype(str).str.strip().str.lower().where(column.notna(), "")
    known = words.map(TRUTH)
    if known.isna().any():
        row: Any = known.isna().idxmax()
        raise TableError(
            f"`{column.name}` must say yes or no (true, false, 1, 0), but row {row} has {column[row]!r}."
        )
    return known.astype(bool)


def check_ratios_given(rows: pd.DataFrame, *, ratio: str, by: Sequence[str]) -> None:
    """Raises if a row lacks the ratio that others have, and is no control; says the row.

    A control says so: in one of the columns `by` it has a value that no row with a ratio has.
    """
    if ratio not in rows or rows[ratio].isna().all():
        return
    known, without = rows[rows[ratio].notna()], rows[rows[ratio].isna()]
    control = pd.Series(False, index=without.index)
    for name in by:
        control |= without[name].notna() & ~without[name].isin(known[name])
    if not control.all():
        last = ratio.rpartition(".")[2]
        raise TableError(
            f"`{last}` must be given for every run, but row {control.idxmin()} has none. Fill it in; a control "
            "without a ratio says so in another column, such as `placement` (none) or `label` (no attention)."
        )


def check_duplicates(rows: pd.DataFrame, *, by: list[str]) -> None:
    """Raises if an arm has two rows with one seed, or networks of several widths; names the rows."""
    seeded = rows[rows["seed"].notna()]
    keys = [*by, "seed"]
    double = seeded.duplicated(keys, keep=False)
    if not double.any():
        return
    first = seeded[double].iloc[0]
    twins = seeded[double & (seeded[keys].fillna("") == first[keys].fillna("")).all(axis=1)]
    sizes = twins["c2_eff"].dropna()
    if len(sizes.unique()) > 1:
        numbers = ", ".join(f"{size:.0f}" for size in sizes[:3])
        raise TableError(
            f"`c2_eff` must be one value within an arm, but rows {', '.join(map(str, sizes.index[:3]))} have "
            f"{numbers} (several network widths); use `ablate width`, or keep one width."
        )
    what = ", ".join(f"{name}={first[name]}" for name in keys)
    raise TableError(
        f"`seed` must be unique within an arm, but rows {', '.join(map(str, twins.index[:3]))} are all "
        f"{what}. Keep one of them, or give repeated runs seeds of their own."
    )
