"""Names for the arms of a table that gives them none: what differs from the baseline, as a study's plan says it."""

from dataclasses import replace
from typing import Any

import pandas as pd

from analysis.contrasts.cells import assigned
from analysis.tables.runs_table import RunsTable


def labelled(table: RunsTable) -> RunsTable:
    """The table with a label, an arm and a name for every run; what it says itself stays."""
    frame, names = table.frame, [name for name in table.factors if name in table.frame]
    first = {name: frame[name].dropna().iloc[0] for name in names if frame[name].notna().any()}
    base = {name: table.baseline.get(name, level) for name, level in first.items()}
    texts = [_label(row, base) for row in frame[list(base)].to_dict("records")]
    made = pd.Series(texts, index=frame.index, dtype=object)
    label = frame["label"].where(frame["label"].notna(), made)
    named = {
        "label": label,
        "arm": frame["arm"].where(frame["arm"].notna(), label),
        "run": frame["run"].where(frame["run"].notna(), frame.index.astype(str)),
    }
    return replace(table, frame=frame.assign(**named))


def _label(row: dict[Any, Any], base: dict[str, Any]) -> str:
    changed = [assigned(f, row[f]) for f in base if row[f] == row[f] and row[f] != base[f]]
    return ", ".join(changed) or f"{', '.join(assigned(f, x) for f, x in base.items())} (baseline)"
