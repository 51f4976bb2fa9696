"""Check a report: recompute every number from the records and compare it with what was stored."""

import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.errors import TableError
from analysis.report.evidence.evidence import Evidence, gather
from analysis.report.stored import numbers_of
from analysis.sequential.records import unlike_looks

TOLERANCE = 1e-9
"""Relative: other builds of the same libraries add in another order."""


@dataclass(frozen=True)
class Verification:
    """What a check of a report found."""

    compared: int
    """Numbers, words and files that were compared."""
    differences: tuple[str, ...]
    """One line for each that differs; empty if the report is what the records say."""

    @property
    def holds(self) -> bool:
        """Whether nothing differs."""
        return not self.differences


def verify_report(folder: Path, *, out: Path | None = None) -> Verification:
    """Recompute a study's report and compare it with the one in `folder/report/`.

    Every stored number is compared with the one recomputed from the records now, every file of the report with its
    hash, every committed result with the last epoch that its run recorded, and every look of a study that ran
    until it was decided with what its rule says of the results now.

    Args:
        folder: The study.
        out: Where the report lies, if not in it.

    Raises:
        TableError: If there is no report to check.
    """
    out = folder / "report" if out is None else out
    stored, manifest = _stored(out / "numbers.json"), _stored(out / "manifest.json")
    evidence = gather(folder, price=manifest["price"], margin=manifest["margin"])
    # Through JSON, so that both sides are plain values.
    now = json.loads(json.dumps(numbers_of(evidence)))
    files = manifest["files"]
    looks, unlike = unlike_looks(evidence.table)
    differences = [
        *_differences(stored, now, path="numbers"),
        *_changed(out, files),
        *_unlike_epochs(evidence),
        *unlike,
    ]
    count = _leaves(now) + len(files) + len(evidence.runs) + looks
    return Verification(compared=count, differences=tuple(differences))


def _stored(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise TableError(
            f"there is no report to check: {path} does not exist. Write one with `ablate report` first."
        ) from None
    except json.JSONDecodeError as error:
        raise TableError(f"{path} is not readable JSON: {error}. Write the report again.") from None


def _differences(stored: Any, now: Any, *, path: str) -> Iterator[str]:
    if isinstance(stored, dict) and isinstance(now, dict):
        for key in dict.fromkeys([*stored, *now]):
            yield from _differences(stored.get(key), now.get(key), path=f"{path}.{key}")
    elif isinstance(stored, list) and isinstance(now, list) and len(stored) == len(now):
        for i, (a, b) in enumerate(zip(stored, now, strict=True)):
            yield from _differences(a, b, path=f"{path}[{i}]")
    elif not _same(stored, now):
        yield f"{path}: the report says {_short(stored)}, the records say {_short(now)}"


def _same(stored: Any, now: Any) -> bool:
    if isinstance(stored, float) or isinstance(now, float):
        numbers = isinstance(stored, int | float) and isinstance(now, int | float)
        return numbers and math.isclose(stored, now, rel_tol=TOLERANCE, abs_tol=1e-15)
    return bool(stored == now)


def _changed(out: Path, files: dict[str, str]) -> Iterator[str]:
    for name, digest in files.items():
        path = out / name
        if not path.is_file():
            yield f"{name}: the file is gone"
        elif hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            yield f"{name}: the file was changed after it was written"


def _unlike_epochs(evidence: Evidence) -> Iterator[str]:
    metric = evidence.table.metric
    if evidence.epochs.empty or metric not in evidence.epochs:
        return
    last = evidence.epochs.sort_values("epoch").groupby("run")["value"].last()
    for run, value in zip(evidence.runs["run"], evidence.runs[metric], strict=True):
        if run in last.index and not _same(float(value), float(last[run])):
            yield f"run {run}: result.json has {metric} {value}, its last epoch has {last[run]}"


def _leaves(value: Any) -> int:
    if isinstance(value, dict):
        return sum(map(_leaves, value.values()))
    return sum(map(_leaves, value)) if isinstance(value, list) else 1


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
