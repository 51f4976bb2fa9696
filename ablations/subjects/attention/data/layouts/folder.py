"""A folder of images per class."""

import os
from array import array
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ablations.errors import SettingError
from ablations.subjects.attention.data.layouts.listing import Files
from ablations.subjects.attention.data.layouts.names import Names
from ablations.subjects.attention.data.layouts.root import existing_root
from ablations.subjects.attention.settings.groups import Data


def folder(data: Data) -> Files:
    """Images in a folder per class under `root`; classes in the order of their names.

    Hidden files and folders do not count.

    Raises:
        SettingError: If there is no such folder, a class is empty, or a class holds a folder.
    """
    root, classes = existing_root(data), class_names(data)
    told = array("q")  # three numbers a file: as Python's own they would take ten times as much
    names = Names.of(_names(root, classes, told))
    labels, sizes, written = np.frombuffer(told, dtype=np.int64).reshape(-1, 3).T.copy()
    return Files(root, names, labels, sizes, written)


def class_folders(data: Data) -> list[Path]:
    """The folders under `root`, one for each class, in the order of their names.

    Raises:
        SettingError: If there is none.
    """
    root = existing_root(data)
    if not root.is_dir():
        raise SettingError(
            f"`data.root` must be a folder that holds a folder of images per class, but {str(root)!r} is a file."
        )
    found = [Path(entry.path) for entry in _listed(root) if entry.is_dir()]
    if not found:
        raise SettingError(
            f"`data.root` must hold a folder of images per class, but {str(root)!r} holds no folder."
        )
    return found


def class_names(data: Data) -> list[str]:
    """The names of the folders of classes, in the order of their labels."""
    return [path.name for path in class_folders(data)]


def _names(root: Path, classes: list[str], told: "array[int]") -> Iterator[str]:
    """The files' names below the root; the label, size and time of writing of each are appended to `told`."""
    for label, name in enumerate(classes):
        files = _listed(root / name)
        if not files:
            raise SettingError(
                f"each folder in `data.root` must hold the images of one class, but {str(root / name)!r} is empty; "
                "remove it, or fill it."
            )
        for file in files:
            told.extend((label, *_state(file)))
            yield f"{name}/{file.name}"


def _state(file: "os.DirEntry[str]") -> tuple[int, int]:
    """Size, and time of writing."""
    try:
        if file.is_dir():
            raise SettingError(
                f"`data.root` must hold a folder per class with nothing but its images, but {file.path!r} is a "
                f"folder in one. If the classes are the folders in {str(Path(file.path).parent)!r}, set `data.root` "
                "to that."
            )
        state = file.stat()
    except (
        OSError
    ):  # a link to nothing: which files cannot be read is told for all of them together
        return 0, 0
    return state.st_size, state.st_mtime_ns


def _listed(path: Path) -> list["os.DirEntry[str]"]:
    with os.scandir(path) as entries:
        shown = (entry for entry in entries if not entry.name.startswith("."))
        return sorted(shown, key=lambda entry: entry.name)
