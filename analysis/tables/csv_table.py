"""Any CSV or DataFrame with a loss, a seed and factors as a runs table."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.errors import TableError
from analysis.tables.checks import check_metric, check_ratios_given, reasons_to_leave_out
from analysis.tables.csv_file import read_file
from analysis.tables.directions import direction_of
from analysis.tables.levels import level_named, with_plain_levels
from analysis.tables.reading import is_place, read_as
from analysis.tables.run_states import read_states, state_column
from analysis.tables.runs_table import COLUMNS, REDUCTION, RunsTable, typed
from analysis.tables.wandb_export import as_runs, is_export

RENAMED = {"r": REDUCTION, "reduction": REDUCTION}
OWN = "factors"
"""The group of a factor whose name is a column's of the contract: `factors.hidden`."""
NO_FACTORS = (
    "study", "run", "attempt", "arm", "label", "seed", "state", "metric", "error", "train_loss", "val_loss",
    "val_accuracy", "seconds",
)  # fmt: skip


def read_csv(
    path: Path,
    *,
    metric: str | None = None,
    baseline: Mapping[str, Any] | None = None,
    factors: Sequence[str] = (),
    direction: str | None = None,
) -> RunsTable:
    """The runs table of any CSV with `val_loss` (or another `metric`), `seed` and the factors.

    A column that the contract does not name and whose values repeat is a factor. A W&B export is
    recognised by its columns. Row numbers are lines of the file.

    Args:
        path: The file.
        metric: The column to estimate from; `val_loss` unless the file's `metric` column says other.
        baseline: Factor -> value that comparisons are made against.
        factors: The columns that vary on purpose; needed for a W&B export of another program.
        direction: `minimize` or `maximize`, where the metric's name does not say it (`direction_of`).

    Raises:
        TableError: If a column is missing, mixes metrics, or holds text where a number must be.
    """
    frame = read_file(path)
    given = tuple(map(str, frame.columns))
    if is_export(frame.columns):
        lines = frame.index
        frame = as_runs(frame, factors=factors)
        baseline = baseline or frame.attrs["baseline"]
        if len(frame) == len(lines):
            frame.index = lines
    table = from_frame(
        frame, metric=metric, baseline=baseline, study=path.stem, factors=factors or None,
        direction=direction,
    )  # fmt: skip
    return replace(table, given=given)


def from_frame(
    frame: pd.DataFrame,
    *,
    metric: str | None = None,
    baseline: Mapping[str, Any] | None = None,
    study: str = "runs",
    factors: Sequence[str] | None = None,
    direction: str | None = None,
) -> RunsTable:
    """The runs table of a DataFrame that a user made; the same rules as `read_csv`.

    None and NaN in a column are empty cells, as they are for pandas; a level that is called None is written so.
    A table without seeds has runs that share none: each is a seed of its own.

    Args:
        frame: One row per run.
        metric: The column to estimate from.
        baseline: Factor -> value that comparisons are made against.
        study: What the table is called.
        factors: The columns that vary on purpose, where that is known.
        direction: `minimize` or `maximize`, where the metric's name does not say it.

    Raises:
        TableError: As `read_csv`.
    """
    metric = check_metric(frame, metric=metric)
    towards = direction_of(metric, direction)
    given = tuple(map(str, frame.columns))
    frame, factors = _own_factors(frame.rename(columns=str), factors)
    state = state_column(frame.columns, factors=factors or ())
    frame = frame.rename(columns={**RENAMED, state: "state"})
    doubled = frame.columns[frame.columns.duplicated()]
    if len(doubled):
        raise TableError(f"the table has the column `{doubled[0]}` twice; keep one.")
    for name in COLUMNS:
        if name not in frame:
            frame[name] = None
    for name in set(frame.columns) - set(COLUMNS):
        frame[name] = with_plain_levels(frame[name])
    frame["study"] = frame["study"].fillna(study)
    frame["metric"] = metric
    frame["state"] = read_states(frame["state"], name=state)
    frame = _with_c2_eff(typed(frame, metric=metric))
    if frame["seed"].isna().all():
        frame["seed"] = np.arange(len(frame), dtype=float)
    found = (
        _factors_of(frame, metric=metric)
        if factors is None
        else [RENAMED.get(name, name) for name in factors]
    )
    table = RunsTable(
        frame=frame,
        factors=found,
        baseline=_named_baseline(frame, found, baseline or _labelled_baseline(frame, found)),
        metric=metric,
        study=study,
        direction=towards,
        given=given,
        read_as=read_as(
            frame, factors=found, metric=metric, direction=towards, said=direction is not None
        ),
    )
    if factors is None:
        others = [name for name in found if name != REDUCTION]
        rows = table.frame[table.reasons == ""]
        check_ratios_given(rows, ratio=REDUCTION, by=["arm", "label", *others])
    return table


def _own_factors(
    frame: pd.DataFrame, factors: Sequence[str] | None
) -> tuple[pd.DataFrame, list[str] | None]:
    """The table with each named factor in a column of its own, where the contract has one of its name.

    Raises:
        TableError: If a factor is no column, or says which run it is or what came of it.
    """
    if factors is None:
        return frame, None
    known = [*frame.columns, *(new for old, new in RENAMED.items() if old in frame)]
    for name in factors:
        if name not in known:
            near = difflib.get_close_matches(name, list(frame.columns), n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            there = ", ".join(frame.columns)
            raise TableError(f"`{name}` is no column of the table; it has {there}.{hint}")
        if name in NO_FACTORS:
            raise TableError(f"`{name}` says which run it is or what came of it; it is no factor.")
    own = {name: f"{OWN}.{name}" for name in factors if name in COLUMNS}
    return frame.rename(columns=own), [own.get(name, name) for name in factors]


def _with_c2_eff(frame: pd.DataFrame) -> pd.DataFrame:
    """`c2_eff` as the sum of C^2 over the channels where only those are given."""
    own = frame["channels"].map(lambda c: float(sum(n * n for n in c)), na_action="ignore")
    return frame.assign(c2_eff=frame["c2_eff"].fillna(own.astype(float)))


def _factors_of(frame: pd.DataFrame, *, metric: str) -> list[str]:
    """Columns the contract does not name, that vary, and whose values repeat (an id does not).

    With one seed a factor's levels need not repeat: there the columns that tell the runs apart are factors.
    """
    own = [c for c in frame.columns if c not in COLUMNS and c not in (metric, "reduction")]
    rest = [c for c in own if not is_place(c)]
    levels = {str(c): frame[c].nunique() for c in rest}
    varied = {c: n for c, n in levels.items() if n > 1 or (n == 1 and frame[c].isna().any())}
    rows = frame[reasons_to_leave_out(frame, metric=metric) == ""]
    per_seed = rows["seed"].value_counts()
    arms = int(per_seed.max()) if len(per_seed) > 1 else 1
    given = {c: len(frame[c].dropna()) for c in varied}
    found = [c for c, n in varied.items() if n <= max(given[c] // 2, arms) or c == REDUCTION]
    if len(per_seed) != 1:
        return found
    for most in (1, 0):
        if not rows.duplicated([*found, "c2_eff"]).any():
            break
        found = [c for c, n in varied.items() if c in found or n <= given[c] - most]
    return found


def _labelled_baseline(frame: pd.DataFrame, factors: list[str]) -> dict[str, Any]:
    """The levels of the arm whose label ends with "(baseline)", as those of a study's own table do."""
    marked = frame[frame["label"].astype(str).str.endswith("(baseline)")]
    if marked.empty or len(marked["label"].unique()) > 1:
        return {}
    first = marked.iloc[0]
    return {name: first[name] for name in factors if pd.notna(first[name])}


def _named_baseline(
    frame: pd.DataFrame, factors: list[str], given: Mapping[str, Any]
) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for name, value in given.items():
        match = [f for f in factors if name in (f, f.rpartition(".")[2])]
        if len(match) > 1:
            raise TableError(f"`{name}` can mean any of {', '.join(match)}; name one of them.")
        if not match:
            raise TableError(f"`{name}` is no factor of the table; its factors are {factors}.")
        column = frame[match[0]].dropna()
        level = level_named(list(column.unique()), value)
        if level is None:
            raise TableError(
                f"`{name}` never is {value!r} in the table; its levels are {sorted(map(str, column.unique()))}."
            )
        named[match[0]] = level
    return named
