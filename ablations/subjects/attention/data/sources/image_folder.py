"""A folder of images per class."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ablations.errors import SettingError
from ablations.import_path import words_of
from ablations.subjects.attention.data.sources.content import Labels, Values
from ablations.subjects.attention.data.sources.root import existing_root
from ablations.subjects.attention.settings.groups import Data


def folder(data: Data) -> tuple[Values, Labels]:
    """Images of one size in a folder per class under `root`; classes in the order of their names.

    As 8-bit colour: grey is repeated in three channels, transparency is dropped, and an
    image lies as its EXIF orientation says. Hidden files and folders do
    not count.
    """
    root = existing_root(data)
    if not root.is_dir():
        raise SettingError(
            f"`data.root` must be a folder that holds a folder of images per class, but {str(root)!r} is a file."
        )
    images: list[NDArray[np.float32]] = []
    labels: list[int] = []
    for label, path in enumerate(path for path in _listed(root) if path.is_dir()):
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
    if not images:
        raise SettingError(
            f"`data.root` must hold a folder of images per class, but {str(root)!r} holds no folder."
        )
    return np.stack(images).transpose(0, 3, 1, 2), np.array(labels, dtype=np.int64)


def class_names(data: Data) -> list[str]:
    """The names of the folders of classes, in the order of their labels."""
    return [path.name for path in _listed(existing_root(data)) if path.is_dir()]


def _listed(path: Path) -> list[Path]:
    return sorted(entry for entry in path.iterdir() if not entry.name.startswith("."))


def _pixels(file: Path) -> NDArray[np.float32]:
    """(height, width, 3), from 0 to 255."""
    try:
        from PIL import Image, ImageOps
    except ModuleNotFoundError:
        raise SettingError(
            "the data set `folder` needs Pillow: pip install 'ablations[images]'."
        ) from None
    if file.is_dir():
        raise SettingError(
            f"`data.root` must hold a folder per class with nothing but its images, but {str(file)!r} is a folder "
            f"in one. If the classes are the folders in {str(file.parent)!r}, set `data.root` to that."
        )
    try:
        with Image.open(file) as image:
            _check_depth(image.mode, file)
            # Cameras store an image as its sensor lay, and say beside it which way is up.
            upright = ImageOps.exif_transpose(image)
            return np.asarray(upright.convert("RGB"), dtype=np.float32)
    except SettingError:
        raise
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise SettingError(
            f"`data.root` must hold images only, but {str(file)!r} cannot be read as one: {words_of(error)}. "
            "Mend or remove it."
        ) from error


def _check_depth(mode: str, file: Path) -> None:
    # Pillow's modes of whole numbers and floats, which its conversion to colour cuts at 255.
    if mode.startswith(("I", "F")):
        raise SettingError(
            f"images must have 8 bits per channel, but {str(file)!r} has more (Pillow's mode {mode!r}); scale them "
            "to 8 bits, or put their numbers into an archive (`data.name=npz`)."
        )
