"""The runs table: one tidy row per run, whatever it was read from.

The columns are those of `docs/study-folder.md`.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.errors import TableError
from analysis.tables.checks import check_duplicates, check_numbers, reasons_to_leave_out
from analysis.tables.equal.repetition import REPEATS, repeats
from analysis.tables.equal.twins import twins
from analysis.tables.reading import doubts
from plain_files.shown import in_html, in_line

REDUCTION = "attention.reduction"
COLUMNS = (
    "study", "run", "attempt", "arm", "label", "seed", "stage", "state", "data", "metric", "hidden",
    "channels", "c2_eff", "params", "attention_params", "macs", "epochs_run", "epochs_planned",
    "train_loss", "val_loss", "val_accuracy", "seconds", "device", "error",
)  # fmt: skip
"""All columns but the factors', and the metrics of a study that measures others."""
USUAL_METRICS = ("train_loss", "val_loss", "val_accuracy")
"""What the runs of a study measure that does not say more."""


@dataclass(frozen=True)
class RunsTable:
    """The runs of one study, and what is needed to read them."""

    frame: pd.DataFrame
    """One row per run; the row numbers are those of the source (for a CSV: lines, header = 1)."""
    factors: list[str]
    """The factors that vary, dotted where the source is a study."""
    baseline: dict[str, Any] = field(default_factory=dict)
    """Factor -> value of the arm that comparisons are made against."""
    baseline_arm: str | None = None
    metric: str = "val_loss"
    unit: str = ""
    """Of the metric, as a reader writes it behind a number; empty where there is none or nobody said it."""
    measured: tuple[str, ...] = USUAL_METRICS
    """The metrics that runs have, that one among them."""
    study: str = "runs"
    question: str = ""
    direction: str = "minimize"
    planned: dict[str, Any] | None = None
    """The comparisons that were written before the runs, if the study has any."""
    planned_hash: str | None = None
    folder: Path | None = None
    """The study folder, where the epochs lie."""
    info: dict[str, Any] = field(default_factory=dict)
    """`study.json` as it is; empty for other sources."""
    given: tuple[str, ...] = ()
    """The source's own columns, where it is a table that a user made."""
    read_as: str = ""
    """What the reader decided of such a table, in one sentence: the metric's direction, the factors."""
    remarks: tuple[str, ...] = ()
    """What is wrong with a study's records and was left out, a sentence each."""

    def __repr__(self) -> str:
        """In a line; the rows are `frame`."""
        return in_line("RunsTable", self.study, *self._counts())

    def _repr_html_(self) -> str:
        wanted = ["label", "seed", "stage", "state", *self.factors, self.metric]
        there = [name for name in dict.fromkeys(wanted) if name in self.frame]
        rows = self.frame[there].itertuples(index=False)
        lines = [self.question, ", ".join(self._counts()), *self.doubts]
        return in_html(self.study, [line for line in lines if line], head=there, rows=rows)

    def _counts(self) -> list[str]:
        entered = int((self.reasons == "").sum())
        arms = self.frame["label"].nunique() if "label" in self.frame else 0
        return [f"{len(self.frame)} runs", f"{entered} may enter", f"{arms} arms", self.metric]

    @property
    def beside(self) -> tuple[str, ...]:
        """The metrics that are shown beside the one that is analysed: those of validation or test."""
        if self.measured == USUAL_METRICS:
            return ("val_accuracy",)
        return tuple(name for name in self.measured if name not in (self.metric, "train_loss"))

    @cached_property
    def reasons(self) -> "pd.Series[str]":
        """Per row: why it may not enter an estimate; an empty string where it may."""
        reasons = reasons_to_leave_out(self.frame, metric=self.metric)
        rows = self.frame[reasons == ""]
        again = repeats(rows, metric=self.metric, by=self.arm_columns)
        reasons[again.index[again]] = REPEATS
        return reasons

    @cached_property
    def excluded(self) -> dict[str, int]:
        """Reason -> number of runs that may not enter an estimate, most frequent first."""
        given = self.reasons[self.reasons != ""]
        return {str(reason): int(count) for reason, count in given.value_counts().items()}

    @cached_property
    def doubts(self) -> list[str]:
        """What makes errors that are estimated from these runs too small, and arms that may be one, a sentence each."""
        rows = self.frame[self.reasons == ""]
        repeated, by = self.excluded.get(REPEATS, 0), self.arm_columns
        return [
            *doubts(rows, metric=self.metric, by=by, repeated=repeated),
            *twins(rows, metric=self.metric, measured=self.measured, by=by),
        ]

    @property
    def selected(self) -> bool:
        """Whether only a search's own runs are there: chosen by their results."""
        stages = self.frame.loc[self.reasons == "", "stage"]
        return len(stages) > 0 and bool((stages == "search").all())

    @cached_property
    def added_seeds(self) -> list[float]:
        """The seeds of this table that a study was given after its start, with no rule declared for it; ascending."""
        notes = self.info.get("extensions", [])
        listed = [x for note in notes for x in note["added"] if x.startswith("seeds: [")]
        added = {float(seed) for line in listed for seed in re.findall(r"-?\d+", line)}
        return sorted(added & set(self.frame.loc[self.reasons == "", "seed"].dropna()))

    def complete(self) -> pd.DataFrame:
        """The rows that may enter an estimate: COMPLETE, with all planned epochs and a finite metric.

        A search's runs enter only where there are no others (`selected` is then true).

        Raises:
            TableError: If one arm has two such rows with one seed, or if there are none at all.
        """
        return self._complete.copy()

    @cached_property
    def _complete(self) -> pd.DataFrame:
        rows = self.frame[self.reasons == ""]
        if rows.empty:
            left_out = ", ".join(f"{reason}: {n}" for reason, n in self.excluded.items())
            raise TableError(
                f"study {self.study!r} has no run that may enter an estimate "
                f"({left_out or 'it has no runs'})."
            )
        if not self.selected:
            check_duplicates(self.frame[self.reasons.isin(("", REPEATS))], by=self.identity)
        return rows

    def column(self, name: str) -> str:
        """The column that a name means: itself, or the only one whose last part it is.

        Raises:
            TableError: If there is none, or more than one.
        """
        if name in self.frame.columns:
            return name
        last = name.rpartition(".")[2]
        near = [c for c in self.frame.columns if str(c).rpartition(".")[2] == last]
        if len(near) == 1:
            return str(near[0])
        if near:
            raise TableError(f"`{name}` can mean any of {', '.join(near)}; name one of them.")
        there = ", ".join(self.given or map(str, self.frame.columns))
        # A user's own table need not have the dotted names of a study.
        raise TableError(
            f"the table lacks the column `{last if self.given else name}`; it has {there}."
        )

    def has(self, name: str) -> bool:
        """Whether `column(name)` finds a column that is not empty."""
        try:
            return bool(self.frame[self.column(name)].notna().any())
        except TableError:
            return False

    @property
    def identity(self) -> list[str]:
        """The columns that say which arm a run is of."""
        by_arm = self.frame["arm"].notna().all()
        return ["arm"] if by_arm else list(dict.fromkeys([*self.factors, *self.baseline]))

    @property
    def arm_columns(self) -> list[str]:
        """The columns in which runs of two arms differ: a table may tell them apart by a label or a width."""
        named = dict.fromkeys([*self.identity, "label", "c2_eff"])
        return [name for name in named if name in self.frame]


def typed(frame: pd.DataFrame, *, metric: str) -> pd.DataFrame:
    """The table with numbers as numbers.

    Raises:
        TableError: If a numeric column holds text; says the column and the row.
    """
    frame = frame.copy()
    numeric = ("seed", "c2_eff", "params", "attention_params", "macs", "epochs_run", "epochs_planned",
               "train_loss", "val_loss", "val_accuracy", "seconds", "attempt", metric)  # fmt: skip
    for name in dict.fromkeys((*numeric, REDUCTION)):
        if name in frame:
            frame[name] = check_numbers(frame[name])
    frame["state"] = frame["state"].fillna("COMPLETE").replace({"FAIL": "FAILED"})
    for name in ("hidden", "channels"):
        frame[name] = pd.Series(_lists(frame[name]), index=frame.index, dtype=object)
    _check_blocks(frame)
    return frame


def _check_blocks(frame: pd.DataFrame) -> None:
    given = frame[["hidden", "channels"]].dropna()
    for row, hidden, channels in given.itertuples():
        if len(hidden) != len(channels):
            raise TableError(
                f"`hidden` must have one width for each of `channels`, but row {row} has {len(hidden)} for "
                f"{len(channels)}."
            )


def _lists(column: "pd.Series[Any]") -> list[list[int | None] | None]:
    """The cells as lists; equal ones are checked once, because all runs of an arm have the same."""
    known: dict[str, list[int | None] | None] = {}
    found = []
    for row, value in column.items():
        cell = repr(value)
        if cell not in known:
            known[cell] = _as_list(value, row=row, column=str(column.name))
        found.append(known[cell])
    return found


def _as_list(value: Any, *, row: Any, column: str) -> list[int | None] | None:
    if isinstance(value, str):
        try:
            value = json.loads(value.replace("None", "null"))
        except json.JSONDecodeError:
            raise TableError(
                f"`{column}` must be a list like [64, 128], but row {row} has {value!r}."
            ) from None
    if value is None or (not isinstance(value, Iterable) and pd.isna(value)):
        return None
    items = list(value) if isinstance(value, Iterable) else [value]
    # A block without a bottleneck has no hidden units.
    given = [item for item in items if item is not None or column != "hidden"]
    wrong = [item for item in given if not _is_count(item)]
    if wrong:
        raise TableError(
            f"`{column}` must be whole numbers of at least 1, but row {row} has {wrong[0]!r}."
        )
    return [None if item is None else int(item) for item in items]


def _is_count(item: object) -> bool:
    return isinstance(item, int | float | np.integer) and bool(item >= 1 and item % 1 == 0)
