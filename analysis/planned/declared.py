"""What was declared of each comparison before the runs: its margin, and whether its verdict is exploratory.

Only the planned comparisons' own report (`analysis.planned.planned`) is planned. Where a study has a plan, every
other verdict is exploratory, and a planned margin holds for the comparison that it was declared for alone.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.planned.comparisons import covers
from analysis.tables.runs_table import RunsTable
from plain_files.numbers import as_given

Floats = NDArray[np.float64]
LATE = "the margin was given after the runs, not declared before them"
UNPLANNED = "not planned"
MOST_NAMED = 8
"""Seeds that are named one by one."""


def late_margin(table: RunsTable, margin: float | None) -> str:
    """Why verdicts by a margin that was asked for are exploratory; empty where it was declared."""
    declared = [entry.get("margin") for entry in _entries(table)]
    return LATE if margin is not None and margin not in declared else ""


def declared_of(
    rows: pd.DataFrame, table: RunsTable, *, margin: float | None, seeds: int
) -> tuple[Floats, list[str]]:
    """Each row's margin (NaN where it has none), and why its verdict is exploratory (or an empty string).

    Args:
        rows: Comparisons: `factor, level, against`.
        table: The runs, with their plan.
        margin: One that was asked for: it holds for every row.
        seeds: How many seeds the rows' verdicts rest on.
    """
    planned = [_entries_of(row, table) for row in rows.to_dict("records")]
    own = [
        min((e["margin"] for e in found if e["margin"] is not None), default=np.nan)
        for found in planned
    ]
    margins = np.array(own if margin is None else [margin] * len(rows), dtype=float)
    if not table.planned:
        return margins, [""] * len(rows)
    runs = f"all {seeds} seeds" if seeds > 1 else "one seed"
    beside = f"from {runs}; the planned comparison decides"
    return margins, [beside if found else UNPLANNED for found in planned]


def added_late(table: RunsTable) -> str:
    """That seeds were added after the start with no rule for it, so that they may have been added for what was seen.

    Empty where none were, or where the plan has looks that allow for them.
    """
    added = table.added_seeds
    if not added or (table.planned or {}).get("adding_seeds", {}).get("plan") == "alpha_spending":
        return ""
    notes = [n for n in table.info["extensions"] if any(x.startswith("seeds:") for x in n["added"])]
    days = dict.fromkeys(str(note.get("at", ""))[:10] for note in notes)
    when = " and ".join(day for day in days if day)
    numbers = ", ".join(as_given(seed) for seed in added)
    what = (
        f"seed {numbers} was" if len(added) == 1
        else f"seeds {numbers} were" if len(added) <= MOST_NAMED
        else f"{len(added)} seeds were"
    )  # fmt: skip
    return f"{what} added{f' on {when},' if when else ''} after the start, by no declared rule"


def _entries_of(row: dict[Any, Any], table: RunsTable) -> list[dict[str, Any]]:
    return [e for e in _entries(table) if covers(e, row["factor"], row["level"], row["against"])]


def _entries(table: RunsTable) -> list[dict[str, Any]]:
    """The planned comparisons of the metric that is analysed."""
    found = (table.planned or {}).get("comparisons", [])
    return [entry for entry in found if entry["metric"] == table.metric]
