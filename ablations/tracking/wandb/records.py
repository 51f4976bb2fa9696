"""A study's records as the tracker needs them (layout: docs/study-folder.md)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a file; None where there is none, or only a part of one."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSON-lines file; a line that was cut off by a crash is left out."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        try:
            content = json.loads(line)
        except ValueError:
            continue
        if isinstance(content, dict):
            yield content


def attempts(folder: Path, run: str) -> list[int]:
    """The numbers of a run's attempts so far, in order."""
    names = (path.name for path in (folder / "runs" / run).glob("[0-9]*"))
    return sorted(int(name) for name in names if name.isdecimal())


def committed_results(folder: Path) -> list[dict[str, Any]]:
    """The committed outcomes in the order in which the runs ended."""
    found = (read_json(path) for path in (folder / "runs").glob("*/result.json"))
    results = [result for result in found if result is not None and "state" in result]
    return sorted(results, key=lambda result: str(result.get("ended")))


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
            records = read_lines(folder / "runs" / run / str(number) / "epochs.jsonl")
            rows |= {row["epoch"]: row for row in records if isinstance(row.get("epoch"), int)}
    return [rows[epoch] for epoch in sorted(rows) if before is None or epoch < before]
