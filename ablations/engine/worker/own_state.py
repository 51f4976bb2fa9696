"""What a run may leave changed in its process, and the next run must not find so."""

import io
import os
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TextIO

from ablations.engine.worker import interpreter_state, library_state
from ablations.engine.worker.attempt import load
from ablations.import_path import import_paths, load_module

UMASK = 0o077


class OwnState:
    """The state of a worker that its runs share, put back before each of them.

    Always the worker's folder, the file mode, the answer to SIGTERM and the standard streams. Before a run that has
    the process to itself also all that `interpreter_state` and `library_state` name: as it was when what the run names
    had been imported, because modules set variables and options too. What a run imported stays. Random states begin
    anew, whatever a module seeded.

    Args:
        on_sigterm: What SIGTERM does: a scheduler that takes the machine back warns with it.
    """

    def __init__(self, *, on_sigterm: Callable[[], None]) -> None:
        self._on_sigterm = on_sigterm
        # A descriptor: the folder is found again though it was renamed.
        self._folder = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
        self._imported: set[str] = set()
        self.restore()
        self._keep()

    def restore(self) -> None:
        """Put back what runs side by side share; in the main thread, where alone a signal's handler can be set."""
        os.umask(UMASK)
        os.fchdir(self._folder)
        signal.signal(signal.SIGTERM, lambda *_: self._on_sigterm())
        sys.stdout, sys.stderr = _open(sys.stdout, 1), _open(sys.stderr, 2)

    def make_ready(self, train: str, settings: Mapping[str, Any]) -> None:
        """Put everything back and import what a run names; no other run may be going on here."""
        for put_back in self._kept:
            put_back()
        new = {train, *_named(settings)} - self._imported
        self._imported |= new
        for path in sorted(new, key=lambda one: one != train):
            # What is wrong with a module is said by the run, which imports it again.
            with suppress(Exception, SystemExit):
                _import(path, train)
        self.restore()
        if new:
            self._keep()
        library_state.draw_anew()

    def _keep(self) -> None:
        self._kept = [keep() for keep in (*interpreter_state.PARTS, *library_state.PARTS)]


def _named(settings: Mapping[str, Any]) -> set[str]:
    """A user's program stands beside the arm, whose texts are the program's own; else the arm names its parts."""
    program = set(import_paths({name: one for name, one in settings.items() if name != "arm"}))
    return program or set(import_paths(settings.get("arm")))


def _import(path: str, train: str) -> None:
    if path == train:
        load(path)
    else:
        load_module(path.partition(":")[0], named=path)


def _open(stream: TextIO | None, descriptor: int) -> TextIO:
    """The stream, or one in its place where a run closed it, took it away or put its own there."""
    try:
        if stream is not None and not stream.closed and stream.fileno() == descriptor:
            return stream
    except (AttributeError, OSError, ValueError):  # any object of a user's, or `io.StringIO`
        pass
    # Unbuffered, as the streams of a worker are: the last words of a run that is killed are in its log.
    own = io.FileIO(descriptor, "w", closefd=False)
    return io.TextIOWrapper(own, encoding="utf-8", errors="backslashreplace", write_through=True)
