"""A NumPy archive of the user's own."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from ablations.archives import UNREADABLE
from ablations.errors import SettingError
from ablations.subjects.attention.data.layouts.root import existing_root
from ablations.subjects.attention.data.sources.content import Arrays
from ablations.subjects.attention.settings.groups import Data

READ = ("x.npy", "y.npy", "lengths.npy")
"""Parts of an archive."""
GB = 1e9


def npz(data: Data) -> Arrays:
    """A NumPy archive at `root` with arrays `x`, `y` and, for padded sequences, `lengths`."""
    path = existing_root(data)
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            _refuse_beyond_memory(path, archive)
            x, y = archive["x"], archive["y"]
            return (x, y, archive["lengths"]) if "lengths" in archive else (x, y)
    except UNREADABLE as error:
        raise SettingError(
            f"`data.root` must be an .npz archive with the arrays `x` and `y`, but {str(path)!r}: "
            f"{error}"
        ) from None


def _refuse_beyond_memory(path: Path, archive: Any) -> None:
    """Before anything is unpacked: a small file may hold any number of zeros."""
    needed = sum(part.file_size for part in archive.zip.infolist() if part.filename in READ)
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > there:
        raise SettingError(
            f"the arrays of an archive must fit into memory, but those of {str(path)!r} are {needed / GB:,.1f} GB, and "
            f"this machine has {there / GB:,.1f} GB. Keep fewer examples, or images as files, which are streamed."
        )
