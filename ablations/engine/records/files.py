"""Writing so that what was said to be written is there after a crash: append lines, commit a file once."""

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ablations.errors import StudyError
from plain_files.study_records import RecordError, parse_object, read_object, whole_lines

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
RESTORE = "Restore it from a copy."


def encode(record: dict[str, Any] | tuple[Any, ...]) -> bytes:
    """One line of JSON; a non-finite number is refused because JSON has none, half a character is written as `?`."""
    return _json(record, separators=(",", ":")) + b"\n"


def append_lines(
    path: Path, records: Iterable[dict[str, Any] | tuple[Any, ...]], *, sync: bool
) -> None:
    """Append records as JSON lines: all of them or none.

    A last line without its newline (a write that a crash cut short) is removed first, because the
    next record would be glued to it.

    Args:
        path: The file; made where missing.
        records: What to append.
        sync: Whether to wait until the lines are on the disk.

    Raises:
        OSError: The disk is full, for example; the file is as it was before.
    """
    # A link that came with a study's folder could name any file of the user's.
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
    descriptor = os.open(path, flags, PRIVATE_FILE)
    try:
        append_bytes(descriptor, b"".join(map(encode, records)), sync=sync)
    finally:
        os.close(descriptor)


def append_bytes(descriptor: int, content: bytes, *, sync: bool) -> None:
    """Append to an open file of lines, after removing a torn last line; undone on an error."""
    end = os.lseek(descriptor, 0, os.SEEK_END)
    length = _whole_length(descriptor, end)
    if length < end:
        os.ftruncate(descriptor, length)
    try:
        _write_all(descriptor, content)
        if sync:
            os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, length)
        raise


def read_lines(path: Path, *, skip_damaged: bool = False) -> Iterator[dict[str, Any]]:
    """The records of a file of JSON lines; a torn last line counts as not written.

    Args:
        path: The file; none is as good as an empty one.
        skip_damaged: Leave out lines that are no JSON: of a log, which nothing depends on.

    Raises:
        StudyError: If a line is no JSON and may not be left out.
    """
    for number, line in enumerate(whole_lines(path), start=1):
        try:
            record = parse_object(line)
        except RecordError as error:
            if not skip_damaged:
                raise damaged(f"{path}, line {number},", error) from None
        else:
            yield record


def read_record(path: Path | str) -> dict[str, Any] | None:
    """The object in a JSON file; None where there is no file.

    Raises:
        StudyError: If there is no JSON object in it.
    """
    try:
        return read_object(path)
    except RecordError as error:
        raise damaged(str(path), error) from None


def damaged(where: str, error: RecordError, *, repair: str = RESTORE) -> StudyError:
    """The sentence for a file of ours that breaks a rule."""
    return StudyError(f"{where} is damaged: {error}. {repair}")


def write_once(path: Path, record: dict[str, Any]) -> bool:
    """Write a file that may be written only once; False where it is there already.

    Written beside, fsync, hard link: a reader sees the whole file or none.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE)
    try:
        _write_all(descriptor, encode(record))
        os.fsync(descriptor)
        os.link(beside, path)
    except FileExistsError:
        return False
    finally:
        os.close(descriptor)
        beside.unlink()
    return True


def replace(path: Path, record: dict[str, Any]) -> None:
    """Write or rewrite a JSON file; a reader sees the old content or the new, never a part."""
    _replace(path, _json(record, indent=1) + b"\n")


def replace_lines(path: Path, records: Iterable[dict[str, Any] | tuple[Any, ...]]) -> None:
    """Write or rewrite a file of JSON lines; a reader sees the old content or the new, never a part."""
    _replace(path, b"".join(map(encode, records)))


def _replace(path: Path, content: bytes) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE)
    try:
        _write_all(descriptor, content)
        os.fsync(descriptor)
        beside.replace(path)
    finally:
        os.close(descriptor)
        beside.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(path: Path | str) -> None:
    """Wait until the names in a folder are on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _json(record: dict[str, Any] | tuple[Any, ...], **layout: Any) -> bytes:
    text = json.dumps(record, allow_nan=False, **layout)
    if "\\ud" in text:
        # A surrogate, in a user's error message say: without its other half no reader takes it for a text.
        text = json.dumps(record, allow_nan=False, ensure_ascii=False, **layout)
    return text.encode(errors="replace")


def _write_all(descriptor: int, content: bytes) -> None:
    # A write to a nearly full disk can be short without an error; the next one then raises.
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _whole_length(descriptor: int, end: int) -> int:
    """Bytes up to and including the last newline before `end`."""
    if end and os.pread(descriptor, 1, end - 1) == b"\n":
        return end
    while end > 0:
        start = max(0, end - 65536)
        chunk = os.pread(descriptor, end - start, start)
        newline = chunk.rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0
