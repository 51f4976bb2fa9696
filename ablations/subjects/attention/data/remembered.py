"""What was computed from a data set is good until its files are written again."""

from collections.abc import Callable
from functools import lru_cache, wraps
from pathlib import Path
from typing import TypeVar, TypeVarTuple

from ablations.subjects.attention.settings.groups import Data

_Rest = TypeVarTuple("_Rest")
_Answer = TypeVar("_Answer")
Compute = Callable[[Data, *_Rest], _Answer]


def remembered(*, most: int) -> Callable[[Compute[*_Rest, _Answer]], Compute[*_Rest, _Answer]]:
    """Decorates a function of a data set: its last `most` answers are kept until the files at `root` change."""

    def keep(compute: Compute[*_Rest, _Answer]) -> Compute[*_Rest, _Answer]:
        @lru_cache(maxsize=most)
        def once(_: _Stamp, data: Data, *rest: *_Rest) -> _Answer:
            return compute(data, *rest)

        @wraps(compute)
        def recall(data: Data, *rest: *_Rest) -> _Answer:
            return once(_stamp(data), data, *rest)

        return recall

    return keep


_Stamp = tuple[tuple[str, int, int], ...]


def _stamp(data: Data) -> _Stamp:
    """When the file at `root` was last written; of a folder, when it and the folders in it were."""
    if data.root is None:
        return ()
    root = Path(data.root).expanduser()
    try:
        inside = (
            sorted(entry for entry in root.iterdir() if entry.is_dir()) if root.is_dir() else []
        )
        found = [(path, path.stat()) for path in (root, *inside)]
    except OSError:
        return ()  # who reads it says so
    return tuple((str(path), status.st_mtime_ns, status.st_size) for path, status in found)
