"""The records of a study's folder, each checked by its form before anything is made of it.

A folder may come from somebody else, or from a disk that lost a part of it. So a run's id is the name of a
folder and never a path, a number is a number, and a record that breaks a rule is left out with its reason. The
layout is that of docs/study-folder.md; who writes the records and who reads them share these rules.
"""

import importlib
import json
import math
import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from plain_files.words import visible

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
"""Of a run and its folder. It begins with no point and holds no slash: it cannot leave the folder that it is in."""
MOST_NAMED = 5
"""A sentence names so many runs, and counts the rest."""

PLANNED_RUN = re.compile(rb'\{"run": ?"([A-Za-z0-9_.-]+)"')
"""How a line of a plan begins."""
FORMS = "plain_files.record_forms"
"""Imported where a record is checked: a worker checks none, and starts a third sooner without pydantic."""
NUMBERS = frozenset((int, float))

HIDDEN = re.compile(rb"\\u|\\[bfr]|\xc2[\x80-\x9f]|\xe2\x80[\xa8-\xae]|\xe2\x81[\xa6-\xa9]|\x7f")
"""What JSON has where a text may hold a character that a terminal obeys."""

Record = dict[str, Any]


class RecordError(ValueError):
    """A record that breaks a rule of its form; the message is the reason, without the file."""


@dataclass(frozen=True)
class PlanFile:
    """The lines of a plan that can be used, each run once, and what was wrong with the others."""

    lines: list[Record] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    """`line 7: why`, of each line that was left out."""
    twice: list[str] = field(default_factory=list)
    """Runs that stand more than once; the first line counts."""


def read_object(path: Path | str) -> Record | None:
    """The object in a JSON file; None where there is no file.

    Raises:
        RecordError: If there is something else in it.
        OSError: If it cannot be read.
    """
    content = _content(path)
    return None if content is None else parse_object(content)


def parse_object(content: bytes) -> Record:
    """The object that some JSON is.

    Raises:
        RecordError: If it is none.
    """
    try:
        record = json.loads(content)
    except UnicodeDecodeError:
        raise RecordError("it is no text in UTF-8") from None
    except RecursionError:
        raise RecordError("it is nested too deeply") from None
    except ValueError as error:
        raise RecordError(f"it is no JSON: {error}") from None
    if not isinstance(record, dict):
        raise RecordError(f"it must hold an object, but holds a {type(record).__name__}")
    return _shown(record) if HIDDEN.search(content) else record


def read_form(form: str, content: bytes) -> Any:
    """Some JSON, checked by a form of `record_forms`; what a terminal would obey in it is written out.

    Raises:
        RecordError: If it breaks a rule of the form.
    """
    forms = _forms()
    try:
        record = getattr(forms, form).validate_json(content)
    except ValueError as error:
        raise RecordError(forms.reason_of(error)) from None
    return _shown(record) if HIDDEN.search(content) else record


def whole_lines(path: Path | str) -> list[bytes]:
    """The lines of a file; a last one that a crash cut short counts as not written."""
    return (_content(path) or b"").split(b"\n")[:-1]


def lines_since(path: Path | str, last: Collection[bytes]) -> list[bytes]:
    """As `whole_lines`, from the last one on that holds one of these texts; all where none does."""
    content = _content(path) or b""
    end = content.rfind(b"\n") + 1
    at = max(content.rfind(text, 0, end) for text in last)
    begins = content.rfind(b"\n", 0, max(at, 0)) + 1
    return content[begins:end].split(b"\n")[:-1]


def read_plan(path: Path, *, runs: Collection[str] | None = None) -> PlanFile:
    """The planned runs of a study; none where there is no file.

    Args:
        path: A `plan.jsonl`.
        runs: Read and check the lines of these only; of all without it.
    """
    if runs is not None and not runs:
        return PlanFile()
    found: dict[str, Record] = {}
    damaged: list[str] = []
    twice: list[str] = []
    for number, line in enumerate(whole_lines(path), start=1):
        if not line or (runs is not None and _is_of_another(line, runs)):
            continue
        try:
            record = read_form("PLANNED", line)
        except RecordError as error:
            damaged.append(f"line {number}: {error}")
            continue
        if record["run"] in found:
            twice.append(record["run"])
        else:
            found[record["run"]] = record
    return PlanFile(list(found.values()), damaged, list(dict.fromkeys(twice)))


def read_result(
    path: Path | str, *, run: str, attempt: int | None = None, numbers: Iterable[str] = ()
) -> Record | None:
    """What a run or an attempt came to; None where there is no file.

    Args:
        path: A `result.json`.
        run: The run in whose folder it lies.
        attempt: The attempt in whose folder it lies; None for the run's own.
        numbers: What runs of the study measure.

    Raises:
        RecordError: If it breaks a rule, or is another run's or attempt's.
    """
    try:
        content = _content(path)
    except OSError as error:
        raise RecordError(f"it cannot be read: {error.strerror}") from None
    if content is None:
        return None
    record: Record = read_form("RESULT", content)
    check_numbers(record, numbers)
    if record.get("run", run) != run:
        raise RecordError(f"it is of the run {record['run']!r}")
    if attempt is not None and record.get("attempt", attempt) != attempt:
        raise RecordError(f"it is of attempt {record['attempt']}")
    if record["state"] == "FAILED" and record.get("error") is None:
        raise RecordError("its state is FAILED, but it names no `error`")
    return record


def error_text(error: Mapping[str, Any] | None) -> str | None:
    """The `error` of a result in words: `ValueError: too small (houses.py, line 12)`; None where there is none."""
    if not error:
        return None
    said, line = f"{error.get('type')}: {error.get('message')}", error.get("line")
    return f"{said.rstrip('.')} ({line})" if isinstance(line, str) else said


def read_epochs(path: Path | str, *, numbers: Iterable[str] = ()) -> tuple[list[Record], list[str]]:
    """The epochs of an attempt that can be used, and why others cannot: `line 7: why`.

    Args:
        path: An `epochs.jsonl`.
        numbers: What runs of the study measure.
    """
    names, records, damaged = tuple(numbers), [], []
    try:
        lines = whole_lines(path)
    except OSError as error:
        return [], [f"it cannot be read: {error.strerror}"]
    for number, line in enumerate(lines, start=1):
        try:
            record = read_form("EPOCH", line)
            check_numbers(record, names)
        except RecordError as error:
            damaged.append(f"line {number}: {error}")
        else:
            records.append(record)
    return records, damaged


def read_tested(path: Path | str) -> Record | None:
    """What a study's test set said when it was looked at; None where it was not.

    Raises:
        RecordError: If it breaks a rule.
        OSError: If it cannot be read.
    """
    content = _content(path)
    if content is None:
        return None
    record: Record = read_form("TESTED", content)
    names = set(record["metrics"])
    for row in record["arms"]:
        check_numbers(row, names)
    for row in record["comparisons"]:
        if row["metric"] not in names:
            raise RecordError(f"it compares by {row['metric']!r}, which is none of its metrics")
    return record


def check_study(record: Mapping[str, Any]) -> None:
    """Return if the content of a `study.json` has the form that every reader relies on.

    Raises:
        RecordError: If not.
    """
    forms = _forms()
    try:
        forms.STUDY.validate_python(record)
    except ValueError as error:
        raise RecordError(forms.reason_of(error)) from None


def check_numbers(record: Record, names: Iterable[str]) -> None:
    """Refuse a record in which something of these names is no finite number; what is missing is no fault.

    Raises:
        RecordError: If so.
    """
    for name in names:
        value = record.get(name)
        if value is not None and not _is_finite(value):
            raise RecordError(f"`{name}` must be a finite number, but is {value!r:.60}")


def _is_finite(value: Any) -> bool:
    try:
        return type(value) in NUMBERS and math.isfinite(value)
    except OverflowError:  # a whole number beyond every float
        return False


def begun(runs: Path) -> set[str]:
    """The runs that have a folder; none where that cannot be listed."""
    try:
        return {entry.name for entry in os.scandir(runs)}
    except OSError:
        return set()


def unplanned(runs: Path, planned: Collection[str], *, begun: Iterable[str]) -> list[str]:
    """Of the runs that have a folder, those that have an outcome, but no line in the plan."""
    lost = [run for run in begun if run not in planned]
    return sorted(run for run in lost if (runs / run / "result.json").exists())


def remarks(plan: PlanFile, *, unplanned: Sequence[str], damaged: Mapping[str, str]) -> list[str]:
    """What is wrong with a study's records, and what mends it, a sentence each.

    Args:
        plan: As it was read.
        unplanned: Runs with an outcome that the plan does not have.
        damaged: Run to what is wrong with its outcome.
    """
    said = []
    if plan.damaged:
        said.append(
            f"{_count(len(plan.damaged), 'line')} of plan.jsonl cannot be read and "
            f"{'is' if len(plan.damaged) == 1 else 'are'} left out ({named(plan.damaged)}). The command that started "
            "the study mends the plan."
        )
    if plan.twice:
        said.append(
            f"{_count(len(plan.twice), 'run')} of plan.jsonl {_stands(plan.twice)} there twice and "
            f"{'counts' if len(plan.twice) == 1 else 'count'} once ({named(plan.twice)}). The command that started the "
            "study mends the plan."
        )
    if unplanned:
        said.append(
            f"{_count(len(unplanned), 'run')} with an outcome {_stands(unplanned)} not in plan.jsonl and "
            f"{'is' if len(unplanned) == 1 else 'are'} left out ({named(unplanned)}). The command that started the "
            "study plans the runs of its design again; those of a search or a confirmation stand in a copy of the "
            "plan only."
        )
    if damaged:
        reasons = [f"{run}: {why}" for run, why in damaged.items()]
        said.append(
            f"{_count(len(damaged), 'result')} cannot be used and {'is' if len(damaged) == 1 else 'are'} left out "
            f"({named(reasons)}). Restore result.json from a copy, or train such a run again with "
            "`ablate run ... --retry RUN`."
        )
    return said


def named(names: Sequence[str]) -> str:
    """The first few of them; the rest as a number."""
    rest = len(names) - MOST_NAMED
    return "; ".join(names[:MOST_NAMED]) + (f"; and {rest:,} more" if rest > 0 else "")


def is_name(value: str) -> bool:
    """Whether a text from a file can be the name of a file or folder, and no path."""
    return NAME.fullmatch(value) is not None


@cache
def _forms() -> Any:
    return importlib.import_module(FORMS)


def _is_of_another(line: bytes, runs: Collection[str]) -> bool:
    """Whether a line of a plan, as we write them, is of none of these runs."""
    begins = PLANNED_RUN.match(line)
    return begins is not None and begins[1].decode() not in runs


def _count(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"


def _stands(names: Sequence[str]) -> str:
    return "stands" if len(names) == 1 else "stand"


def _content(path: Path | str) -> bytes | None:
    """What a file holds; None where there is none. A pipe in its place is empty, and not waited for."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        return file.read() or b""


def _shown(value: Any) -> Any:
    """The record with each text as a terminal may print it (`words.visible`)."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {visible(name): _shown(part) for name, part in value.items()}
    return [_shown(part) for part in value] if isinstance(value, list) else value
