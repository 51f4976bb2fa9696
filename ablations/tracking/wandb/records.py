"""A study's records as the tracker needs them (layout: docs/study-folder.md): what cannot be used is left out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ablations.engine.records.folder import LONGEST_NUMBER
from plain_files.study_records import (
    RecordError,
    read_epochs,
    read_object,
    read_result,
)


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a file; None where there is none that can be used."""
    try:
        return read_object(path)
    except (OSError, RecordError):
        return None


def read_attempt(
    folder: Path, run: str, attempt: int, metrics: Sequence[str]
) -> dict[str, Any] | None:
    """What an attempt came to; None where there is nothing that can be used."""
    path = folder / "runs" / run / str(attempt) / "result.json"
    try:
        return read_result(path, run=run, attempt=attempt, numbers=metrics)
    except RecordError:
        return None


def attempts(folder: Path, run: str) -> list[int]:
    """The numbers of a run's attempts so far, in order."""
    names = (path.name for path in (folder / "runs" / run).glob("[0-9]*"))
    return sorted(int(name) for name in names if name.isdecimal() and len(name) < LONGEST_NUMBER)


def committed_results(folder: Path, metrics: Sequence[str]) -> list[dict[str, Any]]:
    """The committed outcomes in the order in which the runs ended."""
    found = []
    for path in (folder / "runs").glob("*/result.json"):
        try:
            found.append(read_result(path, run=path.parent.name, numbers=metrics))
        except RecordError:
            continue
    return sorted((one for one in found if one is not None), key=lambda one: str(one.get("ended")))


def recorded_epochs(
    folder: Path, run: str, attempt: int, *, before: int | None = None
) -> list[dict[str, Any]]:
    """The epochs of an attempt, and of the attempts whose checkpoint it went on from, in order.

    Args:
        folder: The study's folder.
        run: The run's id.
        attempt: The attempt.
        before: Leave out this epoch and later ones.
    """
    if before is not None and before <= 1:
        return []
    rows: dict[int, dict[str, Any]] = {}
    for number in attempts(folder, run):
        if number <= attempt:
            records, _ = read_epochs(folder / "runs" / run / str(number) / "epochs.jsonl")
            rows |= {record["epoch"]: record for record in records}
    return [rows[epoch] for epoch in sorted(rows) if before is None or epoch < before]
