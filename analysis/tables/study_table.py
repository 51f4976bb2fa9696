"""A study folder as a runs table, and its epochs; imports no user code and unpickles nothing."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.errors import TableError
from analysis.tables.checks import check_table_version
from analysis.tables.directions import direction_of
from analysis.tables.formats.json_files import json_lines, json_object
from analysis.tables.runs_table import COLUMNS, RunsTable, typed

RESULT_COLUMNS = (
    "epochs_run", "train_loss", "val_loss", "val_accuracy", "seconds", "device", "attempt", "state",
)  # fmt: skip
METRICS = ("val_loss", "train_loss", "val_accuracy", "seconds", "latency")
"""The numbers of a result that may be analysed; `latency` where the runs measured it."""


def read_study(folder: Path, *, metric: str | None = None) -> RunsTable:
    """The runs table of a study folder: the plan joined with the committed results.

    Args:
        folder: The study.
        metric: One of `METRICS`, instead of the study's own.

    Raises:
        TableError: If the folder is no study, was written by a newer version, or has no such metric.
    """
    info = _study_file(folder / "study.json")
    check_table_version(info, source=folder / "study.json")
    plan = json_lines(folder / "plan.jsonl")
    baseline = dict(info.get("baseline") or {})
    own = str(info.get("metric", "val_loss"))
    metric = metric or own
    if metric not in (own, *METRICS):
        raise TableError(
            f"`metric` of a study must be one of {', '.join(METRICS)}, but got {metric!r}."
        )
    data = ((info.get("space") or {}).get("baseline") or {}).get("data", {})
    records = [
        _study_row(line, folder / "runs" / str(line["run"]), known=data.get("name"))
        for line in plan
    ]
    factors = [str(f["name"]) for f in (info.get("space") or {}).get("factors", [])]
    named = list(dict.fromkeys([*factors, *baseline]))
    frame = pd.DataFrame.from_records(records, columns=_ordered(named, records))
    if metric not in frame:
        raise TableError(f"no run of {folder} has {metric!r}; it was not measured.")
    frame["study"], frame["metric"] = str(info.get("study", folder.name)), metric
    return RunsTable(
        frame=typed(frame, metric=metric),
        factors=factors or list(baseline),
        baseline=baseline,
        baseline_arm=info.get("baseline_arm"),
        metric=metric,
        study=str(info.get("study", folder.name)),
        question=str((info.get("space") or {}).get("question", "")),
        direction=str(info.get("direction", "minimize")) if metric == own else direction_of(metric),
        planned=info.get("planned"),
        planned_hash=info.get("planned_hash"),
        folder=folder,
        info=info,
    )


def read_epochs(table: RunsTable) -> pd.DataFrame:
    """One row per run and finished epoch: `run, arm, label, seed` and the columns of epochs.jsonl.

    Empty where the source is not a study folder. A run that was resumed has its epochs in several
    attempts; up to the committed one, the later attempt's record of an epoch counts.
    """
    records: list[dict[str, Any]] = []
    for row in table.frame.itertuples() if table.folder else ():
        attempt = getattr(row, "attempt", None)
        if table.folder is None or attempt is None or pd.isna(attempt):
            continue
        head = {"run": row.run, "arm": row.arm, "label": row.label, "seed": row.seed}
        epochs: dict[int, dict[str, Any]] = {}
        for number in range(1, int(attempt) + 1):
            path = table.folder / "runs" / str(row.run) / str(number) / "epochs.jsonl"
            if path.is_file():
                epochs |= {line["epoch"]: line for line in json_lines(path)}
        records += [{**head, **epochs[epoch]} for epoch in sorted(epochs)]
    return pd.DataFrame.from_records(records)


def _study_row(line: dict[str, Any], folder: Path, *, known: str | None) -> dict[str, Any]:
    row = {k: line.get(k) for k in ("run", "arm", "label", "seed", "stage", "epochs_planned")}
    row |= line.get("factors") or {}
    row |= line.get("cost") or {}
    arm = (line.get("settings") or {}).get("arm") or {}
    row["data"] = (arm.get("data") or {}).get("name", known)
    try:
        outcome = json_object(folder / "result.json")
    except FileNotFoundError:
        return row | {"state": "RUNNING" if folder.is_dir() else "WAITING"}
    except TableError as error:
        # One file that the disk spoilt: the others still say what they say, and this one is counted.
        return row | {"state": "DAMAGED", "error": str(error)}
    row |= {k: outcome.get(k) for k in RESULT_COLUMNS}
    row |= {k: outcome[k] for k in METRICS if k in outcome}
    row["error"] = _error_text(outcome.get("error"))
    return row


def _error_text(error: Mapping[str, Any] | None) -> str | None:
    return f"{error.get('type')}: {error.get('message')}" if error else None


def _ordered(factors: list[str], records: list[dict[str, Any]]) -> list[str]:
    extra = dict.fromkeys(key for record in records for key in record)
    head = COLUMNS[: COLUMNS.index("hidden")]
    return list(dict.fromkeys([*head, *factors, *COLUMNS, *extra]))


def _study_file(path: Path) -> dict[str, Any]:
    try:
        return json_object(path)
    except FileNotFoundError:
        raise TableError(f"{path.parent} is no study: it has no {path.name}.") from None
