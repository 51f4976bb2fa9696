"""Runs that live in W&B, as rows of the runs table: from offline files, a CSV export, or the server.

An export is recognised in either of its two forms: the runs table that W&B's page saves (`Name`,
`State`, one column per configuration and summary value), and the three columns `name`, `config`,
`summary` that W&B's documentation writes from its API.
"""

import ast
import difflib
import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.errors import TableError
from analysis.wandb_file import OfflineRun, offline_files, read_offline_file

IDENTITY = ("study", "run", "attempt", "arm", "label", "seed", "stage", "state", "data", "metric")
COST = ("hidden", "channels", "c2_eff", "params", "attention_params", "macs")
OUTCOME = (
    "epochs_run", "epochs_planned", "train_loss", "val_loss", "val_accuracy", "seconds", "device",
    "error",
)  # fmt: skip
STATES = {
    "finished": "COMPLETE",
    "failed": "FAILED",
    "crashed": "FAILED",
    "killed": "FAILED",
    "running": "RUNNING",
    "pending": "WAITING",
}
"""W&B's word for how a run ended -> ours, for runs whose summary does not say it."""
# What the page's export says about a run besides its values.
PAGE = frozenset(
    (
        "ID", "Name", "State", "Notes", "User", "Tags", "Created", "Runtime", "Sweep", "Group", "Job Type",
        "Hostname", "Description", "Commit", "GPU Count", "GPU Type", "Github", "Start Time", "End Time",
    )
)  # fmt: skip


def is_export(columns: Iterable[str]) -> bool:
    """Whether a CSV with these columns is an export of W&B."""
    names = set(columns)
    return {"Name", "State"} <= names or {"name", "config", "summary"} <= names


def as_runs(
    frame: pd.DataFrame, *, study: str | None = None, factors: Sequence[str] = ()
) -> pd.DataFrame:
    """The rows of the runs table that an export holds; one row per run, its last attempt.

    The baseline's levels are in `attrs["baseline"]`, where the runs say what the baseline is.

    Args:
        frame: An export as pandas reads it.
        study: Take the runs of the study with this name (W&B's group) or this `study_id` only.
        factors: The configuration values that vary, for runs that another program made; those of
            this project say it themselves.

    Raises:
        TableError: If it is no export, or a run does not say its seed or its factors, or no run has a factor.
    """
    if {"name", "config", "summary"} <= set(frame.columns):
        found = [_from_api(row) for row in _records(frame)]
    elif {"Name", "State"} <= set(frame.columns):
        found = [_from_page(row) for row in _records(frame)]
    else:
        raise TableError(
            "a W&B export has the columns `Name` and `State`, or `name`, `config` and `summary`, "
            f"but this table has {', '.join(map(str, frame.columns))}."
        )
    return _runs(found, study=study, factors=factors)


def read_export(
    path: Path, *, study: str | None = None, factors: Sequence[str] = ()
) -> pd.DataFrame:
    """The rows of the runs table that a CSV export holds; see `as_runs`."""
    return as_runs(pd.read_csv(path), study=study, factors=factors)


def read_offline(
    folder: Path, *, study: str | None = None, factors: Sequence[str] = ()
) -> pd.DataFrame:
    """The rows of the runs table that the offline files below a folder hold; see `as_runs`.

    Raises:
        TableError: If there is no offline file.
    """
    files = offline_files(folder)
    if not files:
        raise TableError(f"{folder} holds no offline file of W&B (`run-*.wandb`).")
    return _runs(
        [_from_file(read_offline_file(path)) for path in files], study=study, factors=factors
    )


def read_server(
    project: str, *, study: str | None = None, factors: Sequence[str] = ()
) -> pd.DataFrame:
    """The rows of the runs table that a project on W&B's server holds; see `as_runs`.

    Args:
        project: `entity/project`.
        study: The study's name, W&B's group.
        factors: As in `as_runs`.
    """
    import wandb

    filters = {"group": study} if study else None
    found = [
        {"id": run.id, "name": run.name, "group": run.group, "state": run.state}
        | {"config": _flat(run.config), "summary": dict(run.summary_metrics)}
        # Lazily, each run's configuration would be one more request.
        for run in wandb.Api(timeout=30).runs(project, filters=filters, lazy=False)
    ]
    return _runs(found, study=study, factors=factors)


def _runs(
    found: list[dict[str, Any]], *, study: str | None, factors: Sequence[str]
) -> pd.DataFrame:
    _require(factors, found)
    rows = [_row(run, factors) for run in found if not _is_of_study(run)]
    if study is not None:
        rows = [row for row in rows if study in (row["study"], row["study_id"])]
    if not rows:
        raise TableError(f"there is no run of study {study!r}." if study else "there are no runs.")
    order = list(dict.fromkeys(key for row in rows for key in row if key not in (*COST, *OUTCOME)))
    frame = pd.DataFrame(rows, columns=[*order, *COST, *OUTCOME])
    # A run that was tried again counts once: as COMPLETE if any attempt is, else as its last attempt.
    frame["_complete"] = frame["state"] == "COMPLETE"
    frame = frame.sort_values(["_complete", "attempt"], kind="stable").drop_duplicates(
        ["study_id", "run"], keep="last"
    )
    frame = frame.drop(columns=["_complete", "study_id"]).sort_index().reset_index(drop=True)
    arms = {run["config"].get("baseline_arm") for run in found} - {None}
    frame.attrs["baseline"] = _baseline(frame, arms)
    return frame


def _is_of_study(run: Mapping[str, Any]) -> bool:
    """Whether it is a study's own run, which says how the study went and not how a setting did."""
    is_ours = run["config"].get("study_id") is not None
    return run.get("job_type") == "study" or (is_ours and run["config"].get("run") is None)


def _baseline(frame: pd.DataFrame, arms: set[Any]) -> dict[str, Any]:
    """Factor -> level of the baseline, of the factors that vary; empty where it is not known."""
    rows = frame[frame["arm"].isin(arms)]
    factors = [name for name in frame.columns if name not in (*IDENTITY, *COST, *OUTCOME)]
    if len(arms) != 1 or rows.empty:
        return {}
    varied = [name for name in factors if len(frame[name].unique()) > 1]
    found = rows.iloc[0][varied].to_dict()
    return {str(name): level for name, level in found.items() if not _is_missing(level)}


def _row(run: Mapping[str, Any], given: Sequence[str]) -> dict[str, Any]:
    config, summary = run["config"], run["summary"]
    names = list(given) or _as_list(config.get("factors")) or []
    if not names:
        raise TableError(
            f"run {run['name']!r} does not say what varies; name the configuration values that do "
            "(`factors=`)."
        )
    levels = {str(name): config.get(str(name)) for name in names}
    arm = hashlib.sha256(json.dumps(levels, sort_keys=True, default=str).encode()).hexdigest()[:10]
    row = {key: config.get(key) for key in IDENTITY}
    name = config.get("study") or run.get("group") or "wandb"
    row |= {
        "study": name,
        "study_id": config.get("study_id") or name,
        "run": config.get("run") or run.get("id") or run["name"],
        "attempt": _whole(run, "attempt", default=1),
        "arm": config.get("arm") or arm,
        "label": config.get("label") or ", ".join(f"{k}={v}" for k, v in levels.items()),
        "seed": _whole(run, "seed"),
        "stage": config.get("stage") or "grid",
        "state": _state(summary.get("state"), run.get("state")),
        "data": config.get("data.name"),
        "metric": config.get("metric") or "val_loss",
    }
    row |= levels
    row |= {key: config.get(key) for key in COST}
    row |= {"hidden": _as_list(config.get("hidden")), "channels": _as_list(config.get("channels"))}
    row |= {key: summary.get(key) for key in OUTCOME}
    row["epochs_planned"] = config.get("epochs_planned")
    return row


def _whole(run: Mapping[str, Any], name: str, *, default: int | None = None) -> int:
    value = run["config"].get(name)
    value = default if value is None else value
    if value is None:
        raise TableError(f"run {run['name']!r} has no `{name}` in its configuration.")
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not number.is_integer():
        raise TableError(f"run {run['name']!r}: `{name}` must be a whole number, but is {value!r}.")
    return int(number)


def _require(factors: Sequence[str], found: list[dict[str, Any]]) -> None:
    """Refuse a factor that no run has: its column would be empty and every run of one arm."""
    there = list(dict.fromkeys(name for run in found for name in run["config"]))
    for factor in factors:
        if there and factor not in there:
            near = difflib.get_close_matches(factor, there, n=3, cutoff=0.4)
            hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
            raise TableError(f"no run has `{factor}` in its configuration.{hint}")


def _state(ours: object, theirs: object) -> str:
    if ours in ("LOST", "HANDED_BACK"):
        # Begun, and no result: what the study folder calls RUNNING.
        return "RUNNING"
    return str(ours) if ours else STATES.get(str(theirs), "RUNNING")


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


def _from_file(run: OfflineRun) -> dict[str, Any]:
    ended = {None: "running", 0: "finished"}.get(run.exit_code, "failed")
    return {"id": run.id, "name": run.name, "group": run.group, "job_type": run.job_type} | {
        "state": ended, "config": _flat(run.config), "summary": run.summary
    }  # fmt: skip


def _from_page(row: Mapping[str, Any]) -> dict[str, Any]:
    values = {_plain(k): v for k, v in row.items() if k not in PAGE and not _is_missing(v)}
    head = {"id": row.get("ID"), "name": row["Name"], "group": row.get("Group")}
    head = {key: None if _is_missing(value) else value for key, value in head.items()}
    job_type = row.get("Job Type")
    return head | {
        "job_type": job_type, "state": row["State"], "config": values, "summary": values
    }  # fmt: skip


def _plain(column: str) -> str:
    """A column as the run named it: some of W&B's views say `config.lr`, `attention.value.reduction`."""
    head = re.sub(r"^(config|summary)[.:]", "", column)
    return re.sub(r"^([^.]+)\.value(?=\.|$)", r"\1", head)


def _from_api(row: Mapping[str, Any]) -> dict[str, Any]:
    config, summary = _dict(row["config"], row["name"]), _dict(row["summary"], row["name"])
    # As the server keeps it, each value is wrapped; its API unwraps it.
    wrapped = config and all(isinstance(v, Mapping) and "value" in v for v in config.values())
    config = {k: v["value"] for k, v in config.items()} if wrapped else config
    head = {key: row[key] for key in ("id", "group", "state") if not _is_missing(row.get(key))}
    return head | {"name": row["name"], "config": _flat(config), "summary": summary}


def _dict(value: object, name: object) -> dict[str, Any]:
    """A dict, or the text of one as Python or JSON writes it; nothing in it is run."""
    found = value
    if isinstance(value, str):
        try:
            # JSON's NaN and Infinity are missing values, too.
            found = json.loads(value, parse_constant=lambda _: None)
        except json.JSONDecodeError:
            found = _literal(value)
    if not isinstance(found, dict):
        raise TableError(
            f"run {name!r}: `config` and `summary` must be dicts, but one is {value!r}."
        )
    return found


def _literal(text: str) -> object:
    try:
        return ast.literal_eval(_NoNumbers().visit(ast.parse(text, mode="eval")))
    except (ValueError, SyntaxError):
        return None


class _NoNumbers(ast.NodeTransformer):
    """Makes the names `nan` and `inf`, which Python writes into a dict's text, a missing value."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.Constant(None) if node.id in ("nan", "inf") else node


def _flat(tree: Mapping[str, Any], head: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{head}{key}.")
        else:
            flat[f"{head}{key}"] = value
    return flat


def _as_list(value: object) -> list[Any] | None:
    if isinstance(value, str):
        try:
            value = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            return None
    return list(value) if isinstance(value, list | tuple) else None


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and value != value)
