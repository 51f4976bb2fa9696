"""What a run may leave changed in its process, and the next run must not find so."""

import io
import os
import signal
import sys
from collections.abc import Callable
from typing import TextIO

UMASK = 0o077


class OwnState:
    """The worker's folder, file mode, answer to SIGTERM and standard streams, put back before each run.

    Otherwise `os.chdir` in one run moves the relative paths of all later ones, and a closed `sys.stdout` ends the
    worker. What a run imported, and what it set in the environment, stays: imports set variables too.

    Args:
        on_sigterm: What SIGTERM does: a scheduler that takes the machine back warns with it.
    """

    def __init__(self, *, on_sigterm: Callable[[], None]) -> None:
        self._on_sigterm = on_sigterm
        # A descriptor: the folder is found again though it was renamed.
        self._folder = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
        self.restore()

    def restore(self) -> None:
        """Put all of it back; in the main thread, where alone a signal's handler can be set."""
        os.umask(UMASK)
        os.fchdir(self._folder)
        signal.signal(signal.SIGTERM, lambda *_: self._on_sigterm())
        sys.stdout, sys.stderr = _open(sys.stdout, 1), _open(sys.stderr, 2)


def _open(stream: TextIO | None, descriptor: int) -> TextIO:
    """The stream, or one in its place where a run closed it, took it away or put its own there."""
    try:
        if stream is not None and not stream.closed and stream.fileno() == descriptor:
            return stream
    except (AttributeError, OSError, ValueError):  # any object of a user's, or `io.StringIO`
        pass
    own = io.FileIO(descriptor, "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(own), encoding="utf-8", errors="backslashreplace", write_through=True
    )
