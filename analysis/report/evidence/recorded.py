"""Which runs of a study have recorded their gates, and which arm of them is meant."""

from pathlib import Path

import pandas as pd

from analysis.errors import TableError
from analysis.tables.runs_table import RunsTable

UNREADABLE = (
    OSError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    OverflowError,
    RecursionError,
)
"""What reading a file raises that is damaged, or of another form."""


def recorded_runs(table: RunsTable, file: str) -> pd.DataFrame:
    """The complete runs whose attempt has that file.

    Raises:
        TableError: If there is none.
    """
    rows = table.frame[table.frame["state"] == "COMPLETE"]
    has = [
        table.folder is not None and attempt_file(table, run, attempt, file).is_file()
        for run, attempt in zip(rows["run"], rows["attempt"], strict=True)
    ]
    if not any(has):
        raise TableError(
            "no run has recorded its gates; switch the recording on when a study starts: "
            "`ablate run SPACE --study NAME --set training.record_gates=true` (`attach: {at: ..., record_gates: "
            "true}` with a module of your own). Where it was on, the log of a run says why there are none: attention "
            "that adds (global_context), or that has one factor for all channels (constant), has no gates to record."
        )
    return rows[has]


def attempt_file(table: RunsTable, run: str, attempt: float, file: str) -> Path:
    """A file of the attempt that counts."""
    assert table.folder is not None
    return table.folder / "runs" / str(run) / str(int(attempt)) / file


def chosen_arm(table: RunsTable, rows: pd.DataFrame, arm: str | None) -> pd.DataFrame:
    """The rows of the arm with that label; of the baseline without, or of the first arm there is.

    Raises:
        TableError: If none of these rows is of that arm.
    """
    if arm is None:
        mine = rows[rows["arm"] == table.baseline_arm]
        return mine if len(mine) else rows[rows["arm"] == rows["arm"].iloc[0]]
    mine = rows[rows["label"].astype(str) == arm]
    if mine.empty:
        labels = list(dict.fromkeys(map(str, rows["label"])))
        raise TableError(
            f"no complete run of an arm called {arm!r} has recorded its gates; these have: {', '.join(labels)}. "
            "Name one of them."
        )
    return mine
