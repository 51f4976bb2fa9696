"""What was computed from a data set is good until its files are written again."""

import os
from collections.abc import Callable, Iterator
from functools import lru_cache, wraps
from pathlib import Path
from typing import TypeVar, TypeVarTuple

from ablations.subjects.attention.settings.groups import Data

_Rest = TypeVarTuple("_Rest")
_Answer = TypeVar("_Answer")
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
        # A hash, because the names of a folder's files are many, and a few answers are kept.
        return hash(tuple(one for root in roots for one in _states(Path(root).expanduser())))
    except OSError:
        return 0  # who reads it says so


def _states(path: Path) -> Iterator[tuple[str, int, int, int, int]]:
    """Name, inode, size and times of the file, or of all files below the folder."""
    told = path.stat()
    # The time of the last change too: a copy that keeps the time of writing sets it anew.
    yield str(path), told.st_ino, told.st_size, told.st_mtime_ns, told.st_ctime_ns
    if path.is_dir():
        for below in sorted(os.scandir(path), key=lambda entry: entry.name):
            yield from _states(Path(below.path))
