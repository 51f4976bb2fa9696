"""A study folder as a runs table, and its epochs; imports no user code and unpickles nothing."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.errors import TableError
from analysis.tables.checks import check_table_version
from analysis.tables.directions import direction_of
from analysis.tables.formats.json_files import json_object
from analysis.tables.runs_table import COLUMNS, USUAL_METRICS, RunsTable, typed
from analysis.tables.starts import read_starts, share_nothing
from plain_files import study_records
from plain_files.study_records import PlanFile, RecordError

RESULT_COLUMNS = ("epochs_run", "seconds", "device", "attempt", "state")
ALWAYS = ("seconds", "latency")
"""Numbers of a result that may be analysed in every study; `latency` where the runs measured it."""
USUAL_UNITS = {"train_loss": "nats", "val_loss": "nats", "seconds": "s", "latency": "ms"}


def read_study(folder: str | Path, *, metric: str | None = None) -> RunsTable:
    """The runs table of a study folder: the plan joined with the committed results.

    Args:
        folder: The study.
        metric: One that its runs measure, or of `ALWAYS`, instead of the one that decides.

    What breaks a rule of its form is left out and said (`RunsTable.remarks`): a line of the plan, and a result,
    whose run then has the state DAMAGED.

    Raises:
        TableError: If the folder is no study, was written by a newer version, or has no such metric.
    """
    folder = Path(folder)
    info = _study_file(folder / "study.json")
    check_table_version(info, source=folder / "study.json")
    plan = _plan(folder)
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
        _study_row(line, f"{folder}/runs/{line['run']}", known=data.get("name"), numbers=known)
        for line in plan.lines
    ]
    factors = [str(f["name"]) for f in (info.get("space") or {}).get("factors", [])]
    named = list(dict.fromkeys([*factors, *baseline]))
    frame = pd.DataFrame.from_records(records, columns=_ordered(named, records))
    if metric not in frame:
        raise TableError(f"no run of {folder} has {metric!r}; it was not measured.")
    # An arm has one name, that of its first run, whatever version planned the others.
    frame["label"] = frame.groupby("arm", sort=False)["label"].transform("first")
    frame["study"], frame["metric"] = str(info.get("study", folder.name)), metric
    measures = "program" in (info.get("space") or {})  # other subjects measure no starts
    if measures and share_nothing(read_starts(frame, folder, info.get("baseline_arm"))):
        frame["seed"] = np.arange(len(frame), dtype=float)  # runs of a seed have nothing in common
    damaged = {row["run"]: row["error"] for row in records if row.get("state") == "DAMAGED"}
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
        remarks=tuple(_remarks(folder, plan, damaged)),
    )


@dataclass(frozen=True)
class Curves:
    """The epochs of a study's runs."""

    frame: pd.DataFrame
    """One row per run and finished epoch: `run, arm, label, seed` and the columns of epochs.jsonl."""
    damaged: dict[str, str]
    """Run to what is wrong with its epochs; those that can be read are in the frame."""

    @property
    def remarks(self) -> list[str]:
        """That some cannot be read, in a sentence, and what does not rest on them."""
        if not self.damaged:
            return []
        reasons = [f"{run}: {why}" for run, why in self.damaged.items()]
        runs = "1 run" if len(reasons) == 1 else f"{len(reasons):,} runs"
        return [
            f"The epochs of {runs} cannot be read whole ({study_records.named(reasons)}). Curves are drawn from what "
            "is left of them; results and effects do not rest on epochs."
        ]


def read_epochs(table: RunsTable) -> pd.DataFrame:
    """One row per run and finished epoch (`read_curves`)."""
    return read_curves(table).frame


def read_curves(table: RunsTable) -> Curves:
    """The epochs of the runs of a study folder; none where the source is another one.

    A run that was resumed has its epochs in several attempts; up to the committed one, the later attempt's
    record of an epoch counts.
    """
    records: list[dict[str, Any]] = []
    damaged: dict[str, str] = {}
    for row in table.frame.itertuples() if table.folder else ():
        attempt = getattr(row, "attempt", None)
        if table.folder is None or attempt is None or pd.isna(attempt):
            continue
        head = {"run": row.run, "arm": row.arm, "label": row.label, "seed": row.seed}
        epochs: dict[int, dict[str, Any]] = {}
        folder = f"{table.folder}/runs/{row.run}"
        for number in _attempts(folder, up_to=int(attempt)):
            path = f"{folder}/{number}/epochs.jsonl"
            found, wrong = study_records.read_epochs(path, numbers=table.measured)
            epochs |= {record["epoch"]: record for record in found}
            if wrong:
                damaged[str(row.run)] = f"attempt {number}, {study_records.named(wrong)}"
        records += [{**head, **epochs[epoch]} for epoch in sorted(epochs)]
    return Curves(pd.DataFrame.from_records(records), damaged)


def _attempts(folder: str, *, up_to: int) -> list[int]:
    """The attempts that there are: of a number in a record it is not known whether it is true."""
    if up_to == 1:
        return [1]
    try:
        names = [entry.name for entry in os.scandir(folder)]
    except OSError:
        return []
    return sorted(number for name in names if name.isdecimal() and (number := int(name)) <= up_to)


def _plan(folder: Path) -> PlanFile:
    path = folder / "plan.jsonl"
    try:
        plan = study_records.read_plan(path)
    except OSError as error:
        raise TableError(f"{path} cannot be read: {error.strerror}.") from None
    if not plan.lines and not path.is_file():
        raise TableError(f"{folder} is no study: it has no plan.jsonl.")
    return plan


def _remarks(folder: Path, plan: PlanFile, damaged: Mapping[str, str]) -> list[str]:
    planned = {line["run"] for line in plan.lines}
    begun = study_records.begun(folder / "runs")
    lost = study_records.unplanned(folder / "runs", planned, begun=begun)
    return study_records.remarks(plan, unplanned=lost, damaged=damaged)


def _study_row(
    line: dict[str, Any], folder: str, *, known: str | None, numbers: list[str]
) -> dict[str, Any]:
    row = {k: line.get(k) for k in ("run", "arm", "label", "seed", "stage", "epochs_planned")}
    row |= line.get("factors") or {}
    row |= line.get("cost") or {}
    row["data"] = _group((line.get("settings") or {}).get("arm"), "data").get("name", known)
    try:
        outcome = study_records.read_result(
            f"{folder}/result.json", run=line["run"], numbers=numbers
        )
    except RecordError as error:
        # One file that the disk spoilt: the others still say what they say, and this one is counted.
        return row | {"state": "DAMAGED", "error": str(error)}
    if outcome is None:
        return row | {"state": "RUNNING" if Path(folder).is_dir() else "WAITING"}
    row |= {k: outcome.get(k) for k in RESULT_COLUMNS}
    # A program that stops early by its own rule has no epoch missing, and says so.
    row["epochs_planned"] = outcome.get("epochs_planned", row["epochs_planned"])
    row |= {k: outcome[k] for k in numbers if k in outcome}
    row["error"] = study_records.error_text(outcome.get("error"))
    return row


def _group(arm: Any, name: str) -> dict[str, Any]:
    """A group of an arm's settings; empty where the subject has no such group."""
    found = arm.get(name) if isinstance(arm, Mapping) else None
    return dict(found) if isinstance(found, Mapping) else {}


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
        info = json_object(path)
        study_records.check_study(info)
    except FileNotFoundError:
        raise TableError(f"{path.parent} is no study: it has no {path.name}.") from None
    except RecordError as error:
        raise TableError(f"{path} is damaged: {error}. Restore it from a copy.") from None
    return info
