"""What the gates did, read from the `gates.jsonl` that a run may have written beside its epochs.

One line per epoch at which gates were looked at and block, over the validation images:

    {"epoch", "block", "stage": "64 channels", "low", "high", "counts": {class: [numbers of gates in equal bins]},
     "mean", "between", "within", "saturated_low", "saturated_high", "above_one", "gradient_norm"}

`low, high` are the ends of the gate's range; `between` and `within` are the variances of a channel's
gate between and within classes, averaged over channels; shares are of all gates; `above_one` is null for
gates that cannot amplify; `gradient_norm` is that of the loss with respect to the block's gates. Without classes the
counts are those of `all`, and `between`, `within` and, without a loss, `gradient_norm` are null.
"""

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.errors import TableError
from analysis.report.evidence.over_runs import mean_over_runs
from analysis.report.evidence.recorded import (
    UNREADABLE,
    attempt_file,
    chosen_arm,
    recorded_runs,
)
from analysis.tables.runs_table import RunsTable

FILE = "gates.jsonl"
NUMBERS = ["mean", "between", "within", "saturated_low", "saturated_high", "above_one"]
EVERY = "all"
"""Instead of an arm's label."""
MOST_RUNS = 50
"""Of one arm; distributions do not change visibly beyond that."""


@dataclass(frozen=True, kw_only=True)
class Gates:
    """Gates of the runs of an arm, or of all."""

    label: str
    runs: int
    bins: pd.DataFrame
    """`stage, group, low, high, share` at the last epoch; `group` is a class or `all`."""
    stages: pd.DataFrame
    """`stage, mean, saturated` at the last epoch."""
    blocks: pd.DataFrame
    """`block` and `NUMBERS` at the last epoch, mean over runs."""
    gradients: pd.DataFrame
    """`block, epoch, gradient_norm`, mean over runs."""
    arms: pd.DataFrame
    """Of every arm at the last epoch, all blocks alike: `label, n` and, with their intervals over runs, `mean`,
    `by_class` (share of a gate's variance that lies between classes), `gap` (by seed, how much more of it than in the
    first arm) and `saturated`."""
    remarks: tuple[str, ...] = ()
    """What cannot be read and is left out, a sentence each."""


def read_gates(table: RunsTable, *, arm: str | None = None) -> Gates:
    """The gates of an arm's complete runs.

    Args:
        table: A study.
        arm: The arm's label, or `all` of them together; the baseline without, or the first that recorded any.

    Raises:
        TableError: If no complete run has recorded its gates, or none of that arm.
    """
    rows = recorded_runs(table, FILE).groupby("arm", sort=False).head(MOST_RUNS)
    found, remarks = _read(table, rows)
    rows = rows[rows["run"].isin(found)]
    if rows.empty:
        raise TableError(remarks[0])
    mine = rows if arm == EVERY else chosen_arm(table, rows, arm)
    records = [{"run": run, **line} for run in mine["run"] for line in found[run]]
    ranges = {record.pop("range") for record in records}
    if len(ranges) > 1:
        raise TableError(
            f"arms whose gates have other ranges cannot be drawn together, but there are {sorted(ranges)}. Name one "
            "arm (`--arm LABEL`)."
        )
    label = "all arms" if arm == EVERY else str(mine["label"].iloc[0])
    arms = _by_arm(rows, found, first=str(chosen_arm(table, rows, None)["arm"].iloc[0]))
    return _summary(pd.DataFrame(records), label=label, arms=arms, remarks=tuple(remarks))


def _read(
    table: RunsTable, rows: pd.DataFrame
) -> tuple[dict[str, list[dict[str, Any]]], list[str]]:
    """Lines by run, and what cannot be read, a sentence each."""
    found, remarks = {}, []
    for run, attempt in zip(rows["run"], rows["attempt"], strict=True):
        path = attempt_file(table, run, attempt, FILE)
        try:
            found[str(run)] = _lines(path.read_text(encoding="utf-8"))
        except UNREADABLE as error:
            remarks.append(f"{'/'.join(path.parts[-4:])} cannot be read and is left out: {error}.")
    return found, remarks


def _by_arm(
    rows: pd.DataFrame, found: dict[str, list[dict[str, Any]]], *, first: str
) -> pd.DataFrame:
    """That arm first."""
    rows = rows.sort_values("arm", key=lambda arm: arm != first, kind="stable")
    each = [_of_run(pd.DataFrame(found[run])) for run in rows["run"]]
    runs = rows[["arm", "label", "seed"]].reset_index(drop=True).join(pd.DataFrame(each))
    reference = runs[runs["arm"] == first].drop_duplicates("seed").set_index("seed")["by_class"]
    runs["gap"] = runs["by_class"] - runs["seed"].map(reference)
    runs.loc[runs["arm"] == first, "gap"] = np.nan
    return pd.DataFrame(
        {
            "label": str(part["label"].iloc[0]),
            "n": len(part),
            **mean_over_runs("mean", part["mean"], least=-np.inf, most=np.inf),
            **mean_over_runs("by_class", part["by_class"]),
            **mean_over_runs("gap", part["gap"], least=-1.0),
            **mean_over_runs("saturated", part["saturated"]),
        }
        for _, part in runs.groupby("arm", sort=False)
    )


def _of_run(lines: pd.DataFrame) -> dict[str, float]:
    """Means over the blocks at the last epoch; a gate that does not vary has no share between classes."""
    last = lines[lines["epoch"] == lines["epoch"].max()]
    last = last.assign(**{name: pd.to_numeric(last[name]) for name in NUMBERS})
    whole = last["between"] + last["within"]
    return {
        "mean": float(last["mean"].mean()),
        "by_class": float((last["between"] / whole.where(whole > 0)).mean()),
        "saturated": float((last["saturated_low"] + last["saturated_high"]).mean()),
    }


def _lines(text: str) -> list[dict[str, Any]]:
    lines = [_line(json.loads(line)) for line in text.splitlines() if line]
    if not lines:
        raise ValueError("it has no lines")
    return lines


def _line(found: dict[str, Any]) -> dict[str, Any]:
    """What the figures need of a line, each of its kind."""
    counts = {name: np.asarray(bins, dtype=float) for name, bins in found["counts"].items()}
    sizes = {bins.shape for bins in counts.values()}
    if len(sizes) != 1 or not all(len(size) == 1 and size[0] for size in sizes):
        raise ValueError("its counts have not one number of bins")
    if not all(np.isfinite(bins).all() and (bins >= 0).all() for bins in counts.values()):
        raise ValueError("its counts are no numbers of gates")
    numbers = {name: found.get(name) for name in (*NUMBERS, "gradient_norm")}
    low, high = _finite(found["low"]), _finite(found["high"])
    return {
        **{name: None if value is None else _finite(value) for name, value in numbers.items()},
        **{"block": str(found["block"]), "stage": str(found["stage"]), "counts": counts},
        **{"epoch": int(_finite(found["epoch"])), "low": low, "high": high},
        "range": (low, high, *sizes.pop()),
    }


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{value!r} is no finite number")
    return number


def _summary(
    records: pd.DataFrame, *, label: str, arms: pd.DataFrame, remarks: tuple[str, ...]
) -> Gates:
    last = records[records["epoch"] == records["epoch"].max()]
    bins = pd.concat([_bins(stage, part) for stage, part in last.groupby("stage", sort=False)])
    saturated = last["saturated_low"] + last["saturated_high"]
    stages = last.assign(saturated=saturated).groupby("stage", sort=False)[["mean", "saturated"]]
    last = last.assign(**{name: pd.to_numeric(last[name]) for name in NUMBERS})
    records = records.assign(gradient_norm=pd.to_numeric(records["gradient_norm"]))
    by_epoch = records.groupby(["block", "epoch"], sort=False)["gradient_norm"].mean()
    return Gates(
        label=label,
        runs=int(records["run"].nunique()),
        bins=bins.reset_index(drop=True),
        stages=stages.mean().reset_index(),
        blocks=last.groupby("block", sort=False)[NUMBERS].mean().reset_index(),
        gradients=by_epoch.reset_index(),
        arms=arms,
        remarks=remarks,
    )


def _bins(stage: Any, part: pd.DataFrame) -> pd.DataFrame:
    classes = list(dict.fromkeys(name for counts in part["counts"] for name in counts))
    total = {
        name: np.sum([counts[name] for counts in part["counts"] if name in counts], axis=0)
        for name in classes
    }
    groups = {"all": np.sum(list(total.values()), axis=0), **total}
    low, high = float(part["low"].iloc[0]), float(part["high"].iloc[0])
    edges = np.linspace(low, high, len(groups["all"]) + 1)
    return pd.concat(
        pd.DataFrame(
            {
                "stage": stage,
                "group": name,
                "low": edges[:-1],
                "high": edges[1:],
                "share": counts / max(counts.sum(), 1),
            }
        )
        for name, counts in groups.items()
    )
