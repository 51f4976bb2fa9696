"""Where the numbers come from: what ran, with what, what was left out, and how to get each again."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.plain import duration
from analysis.report.page.numbers import plural
from analysis.report.page.page import Section
from analysis.report.page.tables import ARM, RUN, SEED, STATE, Column, Table, listing
from analysis.tables.runs_table import RunsTable

REASONS = {
    "state PRUNED": "stopped early by the search",
    "state FAILED": "failed",
    "state RUNNING": "still running",
    "state WAITING": "not begun",
}
"""Reasons of the runs table, in words for people."""


def left_out(table: RunsTable) -> Section:
    """Every run that entered no estimate, counted by reason and listed."""
    excluded = table.excluded
    if not excluded:
        return Section(
            anchor="left-out",
            title="What was left out",
            text=(f"Nothing: all {len(table.frame):,} planned runs entered.",),
        )
    reasons = [REASONS.get(reason, reason) for reason in excluded]
    counts = pd.DataFrame({"reason": reasons, "runs": list(excluded.values())})
    rows = table.frame[table.reasons != ""].copy()
    rows["reason"] = table.reasons[table.reasons != ""]
    rows["error"] = rows["error"].map(_first_line)
    kept = rows[["run", "label", "seed", "stage", "state", "epochs_run", "reason", "error"]]
    text = (
        "Only runs that completed all planned epochs with a finite value enter an estimate. A pruned run's last "
        "value is that of a shorter training, so it enters nothing.",
    )
    return Section(
        anchor="left-out",
        title="What was left out, and why",
        text=text,
        parts=(
            Table(
                name="left_out",
                title="Runs left out, by reason",
                caption=f"Of {len(table.frame):,} planned runs.",
                frame=counts,
                columns=(
                    Column(title="Reason", name="reason"),
                    Column(title="Runs", name="runs", form="count"),
                ),
            ),
            Table(
                name="left_out_runs",
                title="The runs left out",
                caption="The first 500 of them." if len(kept) > 500 else "Each of them.",
                frame=kept.head(500),
                columns=(
                    RUN,
                    ARM,
                    SEED,
                    STATE,
                    Column(title="Epochs", name="epochs_run", form="count"),
                    Column(title="Error", name="error"),
                ),
                folded=len(kept) > 40,
            ),
        ),
    )


def provenance(table: RunsTable) -> Section:
    """Versions, data, devices and times of the study."""
    info = table.info
    rows = [
        ("study", table.study),
        ("created", info.get("created")),
        ("design", f"{info.get('design')}, seeds {_spelled(info.get('seeds'))}"),
        ("metric", f"{table.metric}, {table.direction}, of the last planned epoch"),
        ("layout of the folder", info.get("layout")),
        *((f"fingerprint of the {k}", v) for k, v in _fingerprint(info)),
        ("the data are identified by", _data_by(info)),
        *((f"version of {k}", v) for k, v in sorted(_versions(info).items())),
        *_execution(table),
    ]
    known = [(what, str(value)) for what, value in rows if value not in (None, "")]
    return Section(
        anchor="provenance",
        title="Provenance",
        parts=(
            listing(
                "provenance",
                "What the numbers were made with",
                "As recorded by the study when it started, and by each run when it ended.",
                known,
                of=("what", "value"),
            ),
        ),
    )


def settings(table: RunsTable) -> Table | None:
    """The whole baseline, one setting a row; None where the source knows of none."""
    nested = (table.info.get("space") or {}).get("baseline") or {}
    flat = list(_flat(nested))
    if not flat:
        return None
    return listing(
        "baseline",
        "The baseline, every setting",
        "Arms differ from this only in what their name says.",
        flat,
        of=("setting", "value"),
        folded=True,
    )


def conflicts(folder: Path, table: RunsTable) -> list[str]:
    """What the folder's own record says that a reader must know before using a number."""
    said = []
    drift = [e for e in _events(folder) if "drift" in str(e.get("event", e.get("is", "")))]
    if drift:
        said.append(
            f"Drift was allowed: space, code, data or versions changed during this study "
            f"({len(drift)} recorded in events.jsonl). Arms may differ by more than their settings."
        )
    devices = sorted(set(table.frame["device"].dropna()))
    kinds = {str(device).split(":")[0] for device in devices}
    if len(kinds) > 1:
        said.append(f"Runs were trained on different kinds of device ({', '.join(sorted(kinds))}).")
    return said


def _execution(table: RunsTable) -> Iterable[tuple[str, Any]]:
    frame = table.frame
    devices = Counter(str(device) for device in frame["device"].dropna())
    if devices:
        yield (
            "devices",
            ", ".join(f"{name} ({plural(n, 'run')})" for name, n in sorted(devices.items())),
        )
    seconds = frame["seconds"].dropna()
    if len(seconds):
        yield "time in training", f"{duration(seconds.sum())} in {plural(len(seconds), 'run')}"
        yield "median run", duration(float(seconds.median()))
    again = int((frame["attempt"] > 1).sum())
    if again:
        yield "runs that needed more than one attempt", again


def _fingerprint(info: Mapping[str, Any]) -> list[tuple[str, Any]]:
    given = info.get("fingerprint") or {}
    return [(key, value) for key, value in given.items() if isinstance(value, str)]


DATA_BY = {
    "method": "what their own `fingerprint()` says",
    "files": "the content of the declared files",
    "batches": "their first batches; what comes later in them was not checked",
    "nothing": "nothing: other data under the same name would not have been noticed",
}


def _data_by(info: Mapping[str, Any]) -> str | None:
    """How strongly the study knows its data; None where it does not say."""
    told = (info.get("fingerprint") or {}).get("data_by") or {}
    return DATA_BY.get(str(told.get("by")))


def _versions(info: Mapping[str, Any]) -> dict[str, str]:
    return dict((info.get("fingerprint") or {}).get("versions") or {})


def _events(folder: Path) -> list[dict[str, Any]]:
    path = folder / "events.jsonl"
    if not path.is_file():
        return []
    events = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            events.append(json.loads(line))
        except json.JSONDecodeError:
            continue  # the last line of a study that runs may be half written
    return [event for event in events if isinstance(event, dict)]


def _flat(nested: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    for key, value in nested.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", json.dumps(value)


def _spelled(seeds: object) -> str:
    return ", ".join(map(str, seeds)) if isinstance(seeds, list) else str(seeds)


def _first_line(error: object) -> str:
    return "" if error is None or error != error else str(error).split("\n", 1)[0][:200]
