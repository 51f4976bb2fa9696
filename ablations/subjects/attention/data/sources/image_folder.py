"""A folder of images per class."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ablations.errors import SettingError
from ablations.subjects.attention.data.sources.content import Labels, Values
from ablations.subjects.attention.data.sources.image_file import read_image
from ablations.subjects.attention.data.sources.root import existing_root
from ablations.subjects.attention.settings.groups import Data


def folder(data: Data) -> tuple[Values, Labels]:
    """Images of one size in a folder per class under `root`; classes in the order of their names.

    As 8-bit colour: grey is repeated in three channels, transparency is dropped, and an
    image lies as its EXIF orientation says. Hidden files and folders do
    not count.
    """
    images: list[NDArray[np.float32]] = []
    labels: list[int] = []
    for label, path in enumerate(folders(data)):
        files = _listed(path)
        if not files:
            raise SettingError(
                f"each folder in `data.root` must hold the images of one class, but {str(path)!r} is empty; "
                "remove it, or fill it."
            )
        for file in files:
            pixels = _pixels(file)
            if images and pixels.shape != images[0].shape:
                raise SettingError(
                    f"all images must be of one size, but {str(file)!r} is {pixels.shape[:2]} "
                    f"where the first is {images[0].shape[:2]}; resize them first."
                )
            images.append(pixels)
            labels.append(label)
    return np.stack(images).transpose(0, 3, 1, 2), np.array(labels, dtype=np.int64)


def folders(data: Data) -> list[Path]:
    """The folders under `root`, one for each class, in the order of their names.

    Raises:
        SettingError: If there is none.
    """
    root = existing_root(data)
    if not root.is_dir():
        raise SettingError(
            f"`data.root` must be a folder that holds a folder of images per class, but {str(root)!r} is a file."
        )
    found = [path for path in _listed(root) if path.is_dir()]
    if not found:
        raise SettingError(
            f"`data.root` must hold a folder of images per class, but {str(root)!r} holds no folder."
        )
    return found


def _listed(path: Path) -> list[Path]:
    return sorted(entry for entry in path.iterdir() if not entry.name.startswith("."))


def _pixels(file: Path) -> NDArray[np.float32]:
    """(height, width, 3), from 0 to 255."""
    if file.is_dir():
        raise SettingError(
            f"`data.root` must hold a folder per class with nothing but its images, but {str(file)!r} is a folder "
            f"in one. If the classes are the folders in {str(file.parent)!r}, set `data.root` to that."
        )
    rule = "`data.root` must hold images only"
    return np.asarray(read_image(file, of="the data set `folder`", rule=rule), dtype=np.float32)
