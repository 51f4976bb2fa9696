"""What was computed from a data set is good until its files are written again."""

import os
import time
from collections.abc import Callable
from functools import lru_cache, wraps
from pathlib import Path
from typing import TypeVar, TypeVarTuple

from ablations.subjects.attention.settings.groups import Data

_Rest = TypeVarTuple("_Rest")
_Answer = TypeVar("_Answer")
SLOW = 0.1
"""Seconds that a look at the files may take each time it is asked for ..."""
TIMES_GOOD = 20
"""... and for how many times as long as it took one that takes longer is not repeated."""
Compute = Callable[[Data, *_Rest], _Answer]


def remembered(*, most: int) -> Callable[[Compute[*_Rest, _Answer]], Compute[*_Rest, _Answer]]:
    """Decorates a function of a data set: its last `most` answers are kept until the files at its roots change."""

    def keep(compute: Compute[*_Rest, _Answer]) -> Compute[*_Rest, _Answer]:
        @lru_cache(maxsize=most)
        def once(_: _Stamp, data: Data, *rest: *_Rest) -> _Answer:
            return compute(data, *rest)

        @wraps(compute)
        def recall(data: Data, *rest: *_Rest) -> _Answer:
            return once(_stamp(data), data, *rest)

        return recall

    return keep


_Stamp = int


def _stamp(data: Data) -> _Stamp:
    """A number that another state of the file at a root, or of any file below it, has not."""
    roots = [root for root in (data.root, data.test_root) if root is not None]
    try:
        return hash(tuple(_stamp_of(Path(root).expanduser()) for root in roots))
    except OSError:
        return 0  # who reads it says so


_taken: dict[Path, tuple[float, _Stamp]] = {}
"""Until when a stamp is good. To walk a million files takes seconds, and each run of a worker asks several times."""


def _stamp_of(root: Path) -> _Stamp:
    began = time.monotonic()
    until, stamp = _taken.get(root, (began, 0))
    if began < until:
        return stamp
    stamp = _walked(root)
    took = time.monotonic() - began
    if took > SLOW:
        _taken[root] = began + took + TIMES_GOOD * took, stamp
    return stamp


def _walked(root: Path) -> _Stamp:
    stamp = _state(str(root), root.stat())
    pending = [str(root)] if root.is_dir() else []
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                # One number, not a tuple of all: they are as many as the files are.
                stamp = hash((stamp, _state(entry.name, entry.stat())))
                if entry.is_dir():
                    pending.append(entry.path)
    return stamp


def _state(name: str, told: os.stat_result) -> _Stamp:
    # The time of the last change too: a copy that keeps the time of writing sets it anew.
    return hash((name, told.st_ino, told.st_size, told.st_mtime_ns, told.st_ctime_ns))
