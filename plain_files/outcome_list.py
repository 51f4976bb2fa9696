"""The list of a study's outcomes (`outcomes.jsonl`): what a status says of each, without opening its result.

It is a copy of what stands in the records, and names the size and the time of each `result.json` that it copied:
who reads it counts a line only while that file is still that one (docs/study-folder.md).
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from plain_files.study_records import RecordError, read_form, whole_lines


class Stamp(NamedTuple):
    """A file's size and when it was last written: another one where its content is."""

    size: int
    """Bytes."""
    mtime_ns: int
    """Nanoseconds since 1970."""


class Listed(NamedTuple):
    """A line: the outcome of a run, and where it was copied from."""

    run: str
    size: int
    """Of its `result.json`."""
    mtime_ns: int
    attempts: int
    """That were started until it had its outcome."""
    state: str
    arm: str
    label: str
    seed: int
    stage: str
    params: float | None
    value: float | None
    """Of the metric that decides."""
    seconds: float | None


@dataclass(frozen=True)
class OutcomeList:
    """What the list says."""

    plan: dict[str, Any] | None = None
    """The plan it belongs to: `size`, `mtime_ns` and `runs` of plan.jsonl, and the `metric` of its values."""
    outcomes: dict[str, Listed] = field(default_factory=dict)
    """By run; of several lines of a run the last one counts."""


def read_outcome_list(path: Path) -> OutcomeList:
    """The list; an empty one where there is none, or where a line of it breaks a rule: nothing rests on it."""
    lines = whole_lines(path)
    rows = [line for line in lines if line.startswith(b"[")]
    plans = [line for line in lines if not line.startswith(b"[")]
    try:
        found = read_form("OUTCOMES", b"[" + b",".join(rows) + b"]")
        plan = read_form("LISTED_PLAN", plans[-1]) if plans else None
    except RecordError:
        return OutcomeList()
    return OutcomeList(plan, {row.run: row for row in map(Listed._make, found)})
