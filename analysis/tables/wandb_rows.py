"""Runs as W&B has them, as rows of the runs table; whatever form they were read from."""

import ast
import difflib
import hashlib
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.errors import TableError
from analysis.tables.levels import level_of

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


@dataclass(frozen=True, kw_only=True)
class LoggedRun:
    """One run; None where its form does not say."""

    name: str | None
    id: str | None = None
    group: str | None = None
    """The study, in runs of this project."""
    job_type: str | None = None
    state: str | None = None
    """W&B's word for how it ended."""
    config: dict[str, Any]
    """By dotted names."""
    summary: dict[str, Any]


def table_of(
    found: Iterable[LoggedRun], *, study: str | None, factors: Sequence[str]
) -> pd.DataFrame:
    """The rows of the runs table; one row per run, its last attempt.

    The baseline's levels are in `attrs["baseline"]`, where the runs say what the baseline is.

    Args:
        found: The runs, a study's own among them; each is looked at once.
        study: Take the runs of the study with this name (W&B's group) or this `study_id` only.
        factors: The configuration values that vary, for runs that do not say it themselves.

    Raises:
        TableError: If a run does not say its seed or its factors, no run has a factor, or there is no run.
    """
    rows: list[dict[str, Any]] = []
    there, arms = dict[str, None](), set[Any]()
    for run in found:
        there |= dict.fromkeys(run.config)
        arms.add(run.config.get("baseline_arm"))
        if not _is_of_study(run):
            rows.append(_row(run, factors))
    _require(factors, list(there))
    if study is not None:
        rows = [row for row in rows if study in (row["study"], row["study_id"])]
    if not rows:
        raise TableError(f"there is no run of study {study!r}." if study else "there are no runs.")
    _name_apart(rows)
    order = list(dict.fromkeys(key for row in rows for key in row if key not in (*COST, *OUTCOME)))
    frame = pd.DataFrame(rows, columns=[*order, *COST, *OUTCOME])
    # A run that was tried again counts once: as COMPLETE if any attempt is, else as its last attempt.
    frame["_complete"] = frame["state"] == "COMPLETE"
    frame = frame.sort_values(["_complete", "attempt"], kind="stable").drop_duplicates(
        ["study_id", "run"], keep="last"
    )
    frame = frame.drop(columns=["_complete", "study_id"]).sort_index().reset_index(drop=True)
    frame.attrs["baseline"] = _baseline(frame, arms - {None})
    return frame


def _name_apart(rows: list[dict[str, Any]]) -> None:
    """Give each run of another program a name of its own: W&B lets several have one.

    Only this project's own runs say which attempt they are; two rows of theirs can be one run.
    """
    seen: dict[Any, int] = {}
    for row in rows:
        if not row.pop("_own"):
            name = row["run"]
            seen[name] = seen.get(name, 0) + 1
            row["run"] = name if seen[name] == 1 else f"{name} ({seen[name]})"


def is_missing(value: object) -> bool:
    """Whether a cell of an export is empty."""
    return value is None or (isinstance(value, float) and value != value)


def _is_of_study(run: LoggedRun) -> bool:
    """Whether it is a study's own run, which says how the study went and not how a setting did."""
    is_ours = run.config.get("study_id") is not None
    return run.job_type == "study" or (is_ours and run.config.get("run") is None)


def _baseline(frame: pd.DataFrame, arms: set[Any]) -> dict[str, Any]:
    """Factor -> level of the baseline, of the factors that vary; empty where it is not known."""
    rows = frame[frame["arm"].isin(arms)]
    others = {*IDENTITY, *COST, *OUTCOME, *frame["metric"]}
    factors = [name for name in frame.columns if name not in others]
    if len(arms) != 1 or rows.empty:
        return {}
    varied = [name for name in factors if len(frame[name].unique()) > 1]
    found = rows.iloc[0][varied].to_dict()
    return {str(name): level for name, level in found.items() if not is_missing(level)}


def _row(run: LoggedRun, given: Sequence[str]) -> dict[str, Any]:
    config, summary = run.config, run.summary
    names = list(given) or _as_list(config.get("factors")) or []
    if not names:
        raise TableError(
            f"run {run.name!r} does not say what varies; name the configuration values that do "
            "(`factors=`)."
        )
    own = config.get("run") is not None and config.get("attempt") is not None
    levels = {str(name): _level(config, str(name), own=own) for name in names}
    arm = hashlib.sha256(json.dumps(levels, sort_keys=True, default=str).encode()).hexdigest()[:10]
    row = {key: config.get(key) for key in IDENTITY}
    name = config.get("study") or run.group or "wandb"
    row |= {
        "study": name,
        "study_id": config.get("study_id") or name,
        "run": config.get("run") or run.id or run.name,
        "attempt": _whole(run, "attempt", default=1),
        "arm": config.get("arm") or arm,
        "label": config.get("label"),
        "seed": _whole(run, "seed") if config.get("seed") is not None else None,
        "_own": own,
        "stage": config.get("stage") or "grid",
        "state": _state(summary.get("state"), run.state),
        "data": config.get("data.name"),
        "metric": config.get("metric") or "val_loss",
    }
    row |= {key: config.get(key) for key in COST}
    row |= {"hidden": _as_list(config.get("hidden")), "channels": _as_list(config.get("channels"))}
    row |= {key: summary.get(key) for key in (str(row["metric"]), *OUTCOME)}
    row["epochs_planned"] = summary.get("epochs_planned", config.get("epochs_planned"))
    return row | levels


def _level(config: dict[str, Any], name: str, *, own: bool) -> Any:
    """A factor's level; in this project's own runs None is a factor that the arm does not use, and no level.

    Their level None is a text, and an export of W&B's page writes the value None as `null`.
    """
    unused = own and config.get(name) in (None, "null")
    return None if unused else level_of(config, name)


def _whole(run: LoggedRun, name: str, *, default: int | None = None) -> int:
    value = run.config.get(name)
    value = default if value is None else value
    if value is None:
        raise TableError(f"run {run.name!r} has no `{name}` in its configuration.")
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not number.is_integer():
        raise TableError(f"run {run.name!r}: `{name}` must be a whole number, but is {value!r}.")
    return int(number)


def _require(factors: Sequence[str], there: Sequence[str]) -> None:
    """Refuse a factor that no run has: its column would be empty and every run of one arm."""
    for factor in factors:
        if there and factor not in there:
            near = difflib.get_close_matches(factor, there, n=3, cutoff=0.4)
            hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
            raise TableError(f"no run has `{factor}` in its configuration.{hint}")


def _state(ours: object, theirs: object) -> str:
    if ours in ("LOST", "HANDED_BACK"):
        # Begun, and no result: what the study folder calls RUNNING.
        return "RUNNING"
    if ours:
        return str(ours)
    # An export without states is of runs that have ended, as any other table without them is.
    return "COMPLETE" if theirs is None else STATES.get(str(theirs), "RUNNING")


def _as_list(value: object) -> list[Any] | None:
    if isinstance(value, str):
        try:
            value = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            return None
    return list(value) if isinstance(value, list | tuple) else None
