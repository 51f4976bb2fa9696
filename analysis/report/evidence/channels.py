"""What each channel's gate does and is worth, read from the `channels.json` that a run may have written.

    {"examples", "blocks": [{"block", "gate": {"all": [C], class: [C]}, "gradient": [C], "gradient_sign": [C],
     "usefulness": [C], "error": [C]}], "drops": [{"order", "share", "accuracy", "loss"}], "missing"}

A channel's `usefulness` is the rise of the loss, in nats per example, where it alone is dropped, with its standard
`error` (null where it was not measured); `gradient` that of an example's loss at the gate. Channels of two runs have
nothing in common but their number, so single channels are of one run, and only summaries go over seeds.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from analysis.errors import TableError
from analysis.report.evidence.over_runs import mean_over_runs
from analysis.report.evidence.recorded import UNREADABLE, attempt_file, chosen_arm, recorded_runs
from plain_files.words import one_line

FILE = "channels.json"
TOLD = 2.0
"""Standard errors from zero beyond which a channel counts as useful, or as harmful."""
EVERYTHING = "all"


@dataclass(frozen=True, kw_only=True)
class Channels:
    """Single channels of one run, and summaries of all runs that recorded them."""

    label: str
    """The arm of the run whose channels are shown."""
    seed: float
    block: str
    """Whose channels are shown ..."""
    blocks: tuple[str, ...]
    """... of these."""
    gates: pd.DataFrame
    """Class x channel, mean gates of that block; the first row is `all`."""
    single: pd.DataFrame
    """Per channel of that block `gate, gradient, usefulness, error, told, agrees`."""
    worth: pd.DataFrame
    """Per arm and block `label, block, n, told, useful` and `agree, rank` with their intervals; `agree` is of `judged`
    channels of `judged_runs` runs, those that have any clear one."""
    drops: pd.DataFrame
    """Per arm and share `label, share, n, intact` and `most, least, gap` with their intervals: accuracies."""
    remarks: tuple[str, ...]
    """What is missing or cannot be read, a sentence each."""


def read_channels(table: Any, *, arm: str | None = None, block: str | None = None) -> Channels:
    """The channels of an arm's first seed in one block, and what all arms' gates are worth.

    Args:
        table: A study.
        arm: The arm's label; the baseline without, or the first that recorded any.
        block: Its name; the last one without.

    Raises:
        TableError: If no complete run recorded its channels, or none of that arm, or there is no such block.
    """
    rows = recorded_runs(table, FILE)
    found, remarks = _read(table, rows)
    rows = rows[rows["run"].isin(found)]
    if rows.empty:
        raise TableError(remarks[0])
    if arm == EVERYTHING:
        raise TableError("the channels of one run are shown: name one arm (`--arm LABEL`).")
    mine = chosen_arm(table, rows, arm).sort_values("seed").iloc[0]
    places = found[mine["run"]].blocks
    if block is not None and block not in places:
        raise TableError(
            f"no block is called {block!r} in the runs of {mine['label']!r}; there are {', '.join(places)}."
        )
    shown = block or list(places)[-1]
    return Channels(
        label=str(mine["label"]),
        seed=float(mine["seed"]),
        block=shown,
        blocks=tuple(places),
        gates=places[shown].gates,
        single=places[shown].single,
        worth=_worth(rows, found),
        drops=_drops(rows, found),
        remarks=tuple(dict.fromkeys(remarks)),
    )


@dataclass(frozen=True)
class _Block:
    gates: pd.DataFrame
    """Class x channel."""
    single: pd.DataFrame
    """As `Channels.single`."""
    measured: bool
    """Whether the channels' usefulness was."""


@dataclass(frozen=True)
class _Recorded:
    """A run's file."""

    blocks: dict[str, _Block]
    accuracy: dict[tuple[str, float], float]
    """Of each order and share of dropped channels."""
    missing: str


def _read(table: Any, rows: pd.DataFrame) -> tuple[dict[str, _Recorded], list[str]]:
    """Content by run, and what is missing in some or cannot be read."""
    found, remarks = {}, []
    for run, attempt in zip(rows["run"], rows["attempt"], strict=True):
        path = attempt_file(table, run, attempt, FILE)
        try:
            content = _recorded(json.loads(path.read_text(encoding="utf-8")))
        except UNREADABLE as error:
            remarks.append(f"{'/'.join(path.parts[-4:])} cannot be read and is left out: {error}.")
            continue
        found[str(run)] = content
        remarks += [content.missing] if content.missing else []
    return found, remarks


def _recorded(content: dict[str, Any]) -> _Recorded:
    """Each number of its kind; what was not measured is missing, and none is infinite."""
    blocks = {
        str(one["block"]): _Block(
            pd.DataFrame(one["gate"], dtype=float).T, _single(one), "usefulness" in one
        )
        for one in content["blocks"]
    }
    if not blocks:
        raise ValueError("it has no blocks")
    drops = pd.DataFrame(content["drops"], columns=["order", "share", "accuracy"])
    drops = drops.astype({"order": str, "share": float, "accuracy": float})
    numbers = [one for block in blocks.values() for one in (block.gates, block.single)]
    for frame in (*numbers, drops):
        if np.isinf(frame.select_dtypes(float).to_numpy()).any():
            raise ValueError("it has numbers that are not finite")
    accuracy = dict(
        zip(zip(drops["order"], drops["share"], strict=True), drops["accuracy"], strict=True)
    )
    return _Recorded(blocks, accuracy, one_line(str(content.get("missing") or "")))


def _single(block: dict[str, Any]) -> pd.DataFrame:
    """Per channel of a block; no usefulness where it was not measured."""
    gate = np.asarray(block["gate"][EVERYTHING], dtype=float)
    columns = {
        name: np.asarray(block.get(name, np.full(len(gate), np.nan)), dtype=float)
        for name in ("gradient", "usefulness", "error")
    }
    frame = pd.DataFrame({"gate": gate, **columns})
    told = frame["usefulness"].abs() > TOLD * frame["error"]
    # A useful channel's loss falls as its gate rises: the gradient is negative.
    agrees = np.sign(-frame["gradient"]) == np.sign(frame["usefulness"])
    return frame.assign(told=told, agrees=agrees.where(told).astype(float))


def _worth(rows: pd.DataFrame, found: dict[str, _Recorded]) -> pd.DataFrame:
    """Per arm and block, means over the runs."""
    each = pd.DataFrame(
        [
            {"arm": arm, "label": label, "block": name, **_of_block(one.single)}
            for run, arm, label in zip(rows["run"], rows["arm"], rows["label"], strict=True)
            for name, one in found[run].blocks.items()
            if one.measured
        ]
    )
    if each.empty:
        return each
    return pd.DataFrame(
        {
            "label": str(part["label"].iloc[0]),
            "block": str(block),
            "n": len(part),
            "channels": int(part["channels"].iloc[0]),
            "told": part["told"].mean(),
            "useful": part["useful"].mean(),
            "judged": int(part["judged"].sum()),
            "judged_runs": int((part["judged"] > 0).sum()),
            **mean_over_runs("agree", part["agree"]),
            **mean_over_runs("rank", part["rank"], least=-1.0),
        }
        for (_, block), part in each.groupby(["arm", "block"], sort=False)
    )


def _of_block(channels: pd.DataFrame) -> dict[str, float]:
    measured = channels.dropna(subset=["usefulness"])
    told = measured[measured["told"]]
    varies = len(measured) > 1 and (np.ptp(measured[["gate", "usefulness"]], axis=0) > 0).all()
    return {
        "channels": len(channels),
        "told": float(channels["told"].sum() / max(len(measured), 1)),
        "useful": float((told["usefulness"] > 0).sum() / max(len(measured), 1)),
        "judged": len(told),
        "agree": float(told["agrees"].mean()) if len(told) else np.nan,
        "rank": float(stats.spearmanr(measured["gate"].abs(), measured["usefulness"]).statistic)
        if varies
        else np.nan,
    }


def _drops(rows: pd.DataFrame, found: dict[str, _Recorded]) -> pd.DataFrame:
    """Per arm and share of dropped channels, means over the runs."""
    each = pd.DataFrame([line for row in rows.to_dict("records") for line in _of_run(row, found)])
    if each.empty:
        return each
    return pd.DataFrame(
        {
            "label": str(part["label"].iloc[0]),
            "share": share,
            "n": len(part),
            "intact": part["intact"].mean(),
            **mean_over_runs("most", part["most"]),
            **mean_over_runs("least", part["least"]),
            **mean_over_runs("gap", part["most"] - part["least"], least=-1.0),
        }
        for (_, share), part in each.groupby(["arm", "share"], sort=False)
    )


def _of_run(row: dict[Any, Any], found: dict[str, _Recorded]) -> Iterator[dict[str, Any]]:
    accuracy = found[row["run"]].accuracy
    for share in sorted({share for order, share in accuracy if order}):
        yield {
            "arm": row["arm"],
            "label": row["label"],
            "share": share,
            "intact": accuracy.get(("", 0.0), np.nan),
            "most": accuracy.get(("most", share), np.nan),
            "least": accuracy.get(("least", share), np.nan),
        }
