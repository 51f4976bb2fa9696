"""A study folder as a runs table, and its epochs; imports no user code and unpickles nothing."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.errors import TableError
from analysis.tables.checks import check_table_version
from analysis.tables.directions import direction_of
from analysis.tables.formats.json_files import json_lines, json_object
from analysis.tables.runs_table import COLUMNS, USUAL_METRICS, RunsTable, typed

RESULT_COLUMNS = ("epochs_run", "seconds", "device", "attempt", "state")
ALWAYS = ("seconds", "latency")
"""Numbers of a result that may be analysed in every study; `latency` where the runs measured it."""
USUAL_UNITS = {"train_loss": "nats", "val_loss": "nats"}


def read_study(folder: Path, *, metric: str | None = None) -> RunsTable:
    """The runs table of a study folder: the plan joined with the committed results.

    Args:
        folder: The study.
        metric: One that its runs measure, or of `ALWAYS`, instead of the one that decides.

    Raises:
        TableError: If the folder is no study, was written by a newer version, or has no such metric.
    """
    info = _study_file(folder / "study.json")
    check_table_version(info, source=folder / "study.json")
    plan = json_lines(folder / "plan.jsonl")
    baseline = dict(info.get("baseline") or {})
    own = str(info.get("metric", "val_loss"))
    metric = metric or own
    declared = info.get("metrics") or {}
    measured = tuple(declared) or USUAL_METRICS
    known = list(dict.fromkeys([own, *measured, *ALWAYS]))
    if metric not in known:
        raise TableError(
            f"`metric` of a study must be one of {', '.join(known)}, but got {metric!r}."
        )
    data = _group((info.get("space") or {}).get("baseline"), "data")
    records = [
        _study_row(line, folder / "runs" / str(line["run"]), known=data.get("name"), numbers=known)
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
        unit=str(declared[metric].get("unit", ""))
        if metric in declared
        else USUAL_UNITS.get(metric, ""),
        measured=measured,
        study=str(info.get("study", folder.name)),
        question=str((info.get("space") or {}).get("question", "")),
        direction=_direction(info, declared, metric),
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


def _study_row(
    line: dict[str, Any], folder: Path, *, known: str | None, numbers: list[str]
) -> dict[str, Any]:
    row = {k: line.get(k) for k in ("run", "arm", "label", "seed", "stage", "epochs_planned")}
    row |= line.get("factors") or {}
    row |= line.get("cost") or {}
    row["data"] = _group((line.get("settings") or {}).get("arm"), "data").get("name", known)
    try:
        outcome = json_object(folder / "result.json")
    except FileNotFoundError:
        return row | {"state": "RUNNING" if folder.is_dir() else "WAITING"}
    except TableError as error:
        # One file that the disk spoilt: the others still say what they say, and this one is counted.
        return row | {"state": "DAMAGED", "error": str(error)}
    row |= {k: outcome.get(k) for k in RESULT_COLUMNS}
    # A program that stops early by its own rule has no epoch missing, and says so.
    row["epochs_planned"] = outcome.get("epochs_planned", row["epochs_planned"])
    row |= {k: outcome[k] for k in numbers if k in outcome}
    row["error"] = _error_text(outcome.get("error"))
    return row


def _group(arm: Any, name: str) -> dict[str, Any]:
    """A group of an arm's settings; empty where the subject has no such group."""
    found = arm.get(name) if isinstance(arm, Mapping) else None
    return dict(found) if isinstance(found, Mapping) else {}


def _error_text(error: Mapping[str, Any] | None) -> str | None:
    return f"{error.get('type')}: {error.get('message')}" if error else None


def _ordered(factors: list[str], records: list[dict[str, Any]]) -> list[str]:
    extra = dict.fromkeys(key for record in records for key in record)
    head = COLUMNS[: COLUMNS.index("hidden")]
    return list(dict.fromkeys([*head, *factors, *COLUMNS, *extra]))


def _direction(info: Mapping[str, Any], declared: Mapping[str, Any], metric: str) -> str:
    """Which way a metric of the study is better: as it says, or by the metric's name."""
    if metric in declared:
        return str(declared[metric]["direction"])
    if metric == info.get("metric", "val_loss"):
        return str(info.get("direction", "minimize"))
    return direction_of(metric)


def _study_file(path: Path) -> dict[str, Any]:
    try:
        return json_object(path)
    except FileNotFoundError:
        raise TableError(f"{path.parent} is no study: it has no {path.name}.") from None
