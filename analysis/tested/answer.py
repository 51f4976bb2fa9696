"""What the test set says: of the baseline, of the arm that validation calls best, and of what it decided.

Nothing else of the test set is shown, because what is seen can be chosen by. The answer is computed once and kept
in the study (`test.json`): asking again gives the same, and says when it was first asked for.
"""

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from analysis.contrasts.cells import Cells, cells_of
from analysis.contrasts.contrasts import Contrast
from analysis.contrasts.estimation import Estimates, estimate
from analysis.contrasts.multiplicity import holm
from analysis.effects.effects import Effects, estimate_effects
from analysis.effects.interactions import simple_effects
from analysis.errors import TableError
from analysis.plain import plain, records
from analysis.sequential.overruling import rows_of
from analysis.tables.runs_table import RunsTable
from analysis.tested.values import has_test_set, read_values, tested_metrics
from plain_files import study_records
from plain_files.study_records import RecordError

FILE = "test.json"
"""In the study's folder; a run's own has the same name in its attempt's."""
DECIDED = ("matters", "differs", "negligible")
LEVEL = 0.95


def stored_answer(folder: Path) -> dict[str, Any] | None:
    """The answer of the study, if the test set was looked at.

    Raises:
        TableError: If the file is damaged.
    """
    path = folder / FILE
    try:
        return study_records.read_tested(path)
    except (RecordError, OSError) as error:
        raise TableError(
            f"{path} is damaged: {error}. Restore it from a copy: what was seen first is the answer."
        ) from None


def look(table: RunsTable, *, at: str) -> dict[str, Any]:
    """The answer, as plain values.

    Args:
        table: A study that has ended.
        at: When it is asked for, UTC in ISO 8601.

    Raises:
        TableError: If no test set was declared, the study has not ended, or a search concluded nothing yet.
    """
    _check_over(table)
    values = read_values(table)
    chosen = table.complete()
    rows = chosen.loc[chosen.index.isin(values.index)]
    found = None
    with suppress(TableError):  # of one arm alone: then there is nothing to compare
        found = estimate_effects(table, calibration_draws=0)
    best = _best(table, chosen)
    why = _concluded(found, best)
    comparisons: list[dict[str, Any]] = []
    for name, told in tested_metrics(table).items():
        if name in values and found is not None:
            comparisons += _comparisons(table, values[name], str(told["direction"]), found, why)
    return {
        "version": 1,
        "looked": at,
        "metric": table.metric,
        "direction": table.direction,
        "runs": len(rows),
        "values": _hash(values),
        "metrics": tested_metrics(table),
        "arms": records(_arms(rows, values, [table.baseline_arm, best, *_compared(found, why)])),
        "comparisons": comparisons,
    }


def _check_over(table: RunsTable) -> None:
    if not tested_metrics(table) or not has_test_set(table):
        raise TableError(
            f"study {table.study!r} has no test set: it must be declared before the runs. A new study takes one with "
            "`--set data.test=0.2` (a share) or `data.test=own`; a program of yours with a metric that is read "
            "`at: test`."
        )
    waiting = int(table.frame["state"].isin(["RUNNING", "WAITING"]).sum())
    if waiting:
        raise TableError(
            f"a test set is looked at once, at the end, but {waiting} of {len(table.frame)} runs of {table.study!r} "
            "have not ended. Let them end first (`ablate run`)."
        )
    if table.selected:
        raise TableError(
            f"{table.study!r} is a search, which proposes and concludes nothing. Let fresh seeds conclude first: "
            f"`ablate confirm {table.study}`."
        )


def _best(table: RunsTable, chosen: pd.DataFrame) -> str:
    """The arm that validation calls best; where fresh seeds confirm a search, of those that they confirm."""
    fresh = chosen[chosen["stage"] == "confirm"]
    means = (chosen if fresh.empty else fresh).groupby("arm", sort=False)[table.metric].mean()
    return str(means.idxmin() if table.direction == "minimize" else means.idxmax())


def _concluded(found: Effects | None, best: str) -> dict[tuple[str, str], str]:
    """Role and label of each comparison that is shown -> what validation says of it."""
    if found is None:
        return {}
    return {
        (str(row["role"]), str(row["label"])): str(row["verdict"])
        for row in found.frame.to_dict("records")
        if (row["verdict"] in DECIDED and row["role"] != "cell") or row["arm"] == best
    }


def _compared(found: Effects | None, why: dict[tuple[str, str], str]) -> Iterable[str]:
    if found is None:
        return []
    rows = found.frame
    return [str(x) for x in rows["arm"][[key in why for key in _keys(rows)]] if x]


def _keys(rows: pd.DataFrame) -> list[tuple[str, str]]:
    return list(zip(rows["role"].astype(str), rows["label"].astype(str), strict=True))


def _comparisons(
    table: RunsTable,
    values: "pd.Series[float]",
    direction: str,
    found: Effects,
    why: dict[tuple[str, str], str],
) -> list[dict[str, Any]]:
    """The shown comparisons in a metric of the test set, each by its own differences within seeds."""
    name = str(values.name)
    frame = table.frame.assign(metric=name)
    frame[name] = values.reindex(frame.index)
    of_test = replace(
        table,
        frame=frame,
        metric=name,
        direction=direction,
        measured=(name,),
    )
    cells = cells_of(of_test)
    rows = [row for row in _all_rows(cells, of_test, found) if (row.role, row.label) in why]
    if not rows:
        return []
    made = estimate(cells.y, [row.units for row in rows], alone=True)
    low, high = _interval(made)
    seen = dict(zip(_keys(found.frame), found.frame.to_dict("records"), strict=True))
    return [
        {
            "metric": name,
            "label": row.label,
            "arm": row.arm,
            "validation": why[row.role, row.label],
            "validation_estimate": plain(seen[row.role, row.label]["estimate"]),
            "estimate": plain(made.estimate[i]),
            "low": plain(low[i]),
            "high": plain(high[i]),
            "p_holm": plain(holm(made.p)[i]),
            "n_pairs": int(made.pairs[i]),
            "paired": made.error[i] != "welch",
        }
        for i, row in enumerate(rows)
    ]


def _all_rows(cells: Cells, table: RunsTable, found: Effects) -> list[Contrast]:
    return [*rows_of(cells, table), *simple_effects(cells, found.interactions.partners)]


def _interval(made: Estimates) -> tuple[np.ndarray, np.ndarray]:
    half = stats.t.ppf((1 + LEVEL) / 2, np.maximum(made.df, 1)) * made.se
    return made.estimate - half, made.estimate + half


def _arms(rows: pd.DataFrame, values: pd.DataFrame, shown: list[Any]) -> pd.DataFrame:
    """`arm, label, n` and the mean of each metric, of the arms that are shown."""
    joined = rows[["arm", "label"]].join(values)
    grouped = joined[joined["arm"].isin(shown)].groupby(["arm", "label"], sort=False)
    means = grouped[list(values)].mean()
    return means.assign(n=grouped.size()).reset_index()


def _hash(values: pd.DataFrame) -> str:
    text = values.sort_index().to_json(double_precision=15)
    return hashlib.sha256(str(text).encode()).hexdigest()[:16]
