"""Where a worker prints: to the log of the run that it serves, or to one file for all that it serves at once."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ablations.engine.records.files import PRIVATE_FILE


class Log:
    """The file that this process prints to, C libraries' messages included.

    A process has one standard output, whichever of its threads prints. So the logs of runs that it serves at
    once are one file under several names (hard links), from the first of them until none is left.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._live = 0
        self._file: Path | None = None

    @contextmanager
    def of(self, file: Path) -> Iterator[None]:
        """Print to a run's log for the length of the block."""
        with self._lock:
            if not (self._live and self._file is not None and _linked(self._file, file)):
                _print_to(file)
                self._file = file
            self._live += 1
        try:
            yield
        finally:
            with self._lock:
                self._live -= 1


def _linked(file: Path, name: Path) -> bool:
    """Whether the file could be given another name; some file systems have no links."""
    try:
        os.link(file, name)
    except OSError:
        return False
    return True


def _print_to(file: Path) -> None:
    """Send everything this process prints from now on to a file."""
    sys.stdout.flush()
    sys.stderr.flush()
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE_FILE)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)
