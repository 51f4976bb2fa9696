"""Optuna's journal in a file that a torn write, a full disk or a killed lock holder cannot spoil.

Optuna 5.0's own file backend glues the next record onto a torn last line, after which the whole
study is unreadable (76 of 76 cut points), and waits for ever for a stale lock of a relative path.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from optuna.storages.journal import BaseJournalBackend

from ablations.engine.records.files import PRIVATE_FILE, append_bytes

LAST_BYTES = 4096
"""Read from the end for the last record; a longer one is none that is looked for there."""


class SafeJournalBackend(BaseJournalBackend):
    """A file of JSON lines, appended to under a kernel lock, whole lines or nothing.

    Use it as `optuna.storages.JournalStorage(SafeJournalBackend(path))`. Safe for several processes
    and threads, also over NFS 4.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Open or make the journal at `path`."""
        self._path = Path(path).absolute()
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, PRIVATE_FILE))
        self._number = 0
        self._offset = 0
        self._batch: list[bytes] | None = None

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        """The records from a number on; a torn last line counts as not written."""
        with self._path.open("rb") as file:
            yield from self._stored(file, log_number_from)
        for number, line in enumerate(self._batch or (), start=self._number):
            if number >= log_number_from:
                yield json.loads(line)

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append records: on the disk when this returns, or an OSError and nothing appended."""
        lines = [json.dumps(log, separators=(",", ":")).encode() + b"\n" for log in logs]
        if self._batch is not None:
            self._batch += lines
            return
        descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW)
        try:
            # flock excludes threads too, is not inherited by a fork's children that matter
            # (each append opens the file anew), and ends with its holder.
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            append_bytes(descriptor, b"".join(lines), sync=True)
        finally:
            os.close(descriptor)

    def last(self) -> dict[str, Any]:
        """The record that was appended last; empty where there is none, or where it was cut short."""
        with self._path.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(0, end - LAST_BYTES))
            lines = file.read().split(b"\n")
        try:
            return json.loads(lines[-2]) if len(lines) > 1 and not lines[-1] else {}
        except json.JSONDecodeError:
            return {}  # longer than what was read

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Keep appended records in memory and write them together at the end of the block.

        Only where this process is the sole writer.
        """
        self._batch = []
        try:
            yield
        except BaseException:
            self._batch = None
            raise
        lines, self._batch = self._batch, None
        if lines:
            self.append_logs([json.loads(line) for line in lines])

    def _stored(self, file: Any, first: int) -> Iterator[dict[str, Any]]:
        """Whole lines in the file from record `first` on; remembers where the last one ended."""
        number, offset = (self._number, self._offset) if first >= self._number else (0, 0)
        file.seek(offset)
        for line in file:
            if not line.endswith(b"\n"):
                return
            number, offset = number + 1, offset + len(line)
            if number > self._number:
                self._number, self._offset = number, offset
            if number > first:
                yield json.loads(line)
