"""One supervisor at a time for a study: a kernel lock, which the kernel drops when its holder dies."""

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ablations.engine.records.files import PRIVATE_FILE
from ablations.errors import StudyError

# A status reader tests the lock by holding it shared for a moment; that must not refuse a start.
PATIENCE = 1.0
PAUSE = 0.05


@contextmanager
def held(path: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold the lock of a study for the length of a `with` block.

    Args:
        path: The lock file.
        wait: Whether to wait for another holder to end; otherwise it is refused by name.

    Raises:
        StudyError: Another supervisor holds it.
    """
    # flock, not a record lock: closing any other descriptor of the file would drop a record lock.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, PRIVATE_FILE)
    try:
        _acquire(descriptor, path, wait=wait)
        _sign(descriptor)
        yield
    finally:
        os.close(descriptor)


def holder(path: Path) -> dict[str, Any] | None:
    """Who holds the lock: `pid`, `host`, `since`; None where nobody does."""
    try:
        descriptor = os.open(
            path, os.O_RDONLY | os.O_NONBLOCK
        )  # a pipe in its place is not waited for
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _signature(descriptor)
    else:
        return None
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, path: Path, *, wait: bool) -> None:
    patience = time.monotonic() + PATIENCE
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not wait and time.monotonic() > patience:
                raise StudyError(_refusal(path, _signature(descriptor))) from None
            time.sleep(PAUSE)


def _refusal(path: Path, who: dict[str, Any]) -> str:
    name = path.absolute().parent.name
    return (
        f"study {name!r} is being run by process {who.get('pid')} on {who.get('host')} "
        f"since {who.get('since')}. Wait for it, ask to wait, or stop it with "
        f"`kill {who.get('pid')}` on that host."
    )


def _sign(descriptor: int) -> None:
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    who = {"pid": os.getpid(), "host": socket.gethostname(), "since": since}
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(who).encode(), 0)


def _signature(descriptor: int) -> dict[str, Any]:
    try:
        who = json.loads(os.pread(descriptor, 4096, 0))
    except json.JSONDecodeError:
        return {}
    return who if isinstance(who, dict) else {}
