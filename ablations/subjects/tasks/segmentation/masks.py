"""A folder of images and a folder of masks, matched by name and checked."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ablations.errors import SettingError
from ablations.failures import words_of
from ablations.subjects.attention.data.stored.decode import pillow
from ablations.subjects.tasks.pictures.files import listed, size_of
from ablations.subjects.tasks.segmentation.dice import UNLABELLED

if TYPE_CHECKING:  # an extra
    from PIL.Image import Image

MODES = ("L", "P", "1")
"""Pillow's modes with one number of 8 bits for a pixel: grey, palette, black and white."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """An image and its mask."""

    image: Path
    mask: Path


def pairs(root: Path) -> tuple[Pair, ...]:
    """The images in `root/images`, each with the mask of its name in `root/masks`.

    Raises:
        SettingError: If a folder is missing or empty, or one has no partner.
    """
    images = listed(root / "images", what="images")
    masks = listed(root / "masks", what="masks")
    for name in sorted(images.keys() ^ masks.keys()):
        there, missing = (images, "mask") if name in images else (masks, "image")
        raise SettingError(
            f"each image must have a mask of its name and each mask an image, but {str(there[name])!r} has no "
            f"{missing}."
        )
    return tuple(Pair(image=images[name], mask=masks[name]) for name in sorted(images))


def read_mask(file: Path) -> "Image":
    """The mask as it is stored; its pixels are class numbers.

    Raises:
        SettingError: If it cannot be read, or has more than one number for a pixel.
    """
    images, _ = pillow()
    try:
        with images.open(file) as mask:
            if mask.mode not in MODES:
                raise SettingError(
                    "a mask must have one class number of 8 bits for each pixel (grey, or a palette), but "
                    f"{str(file)!r} is of Pillow's mode {mask.mode!r}."
                )
            mask.load()
            # Of a palette the indices are the classes, not the colours.
            numbers: Image = images.fromarray(np.asarray(mask, dtype=np.uint8))
            return numbers
    except SettingError:
        raise
    except (OSError, SyntaxError, ValueError, images.DecompressionBombError) as error:
        raise SettingError(
            f"each mask must be an image that can be read, but {str(file)!r} cannot be read as one: "
            f"{words_of(error)}. Mend or remove it."
        ) from error


def check_masks(root: Path, *, classes: int, every: bool) -> None:
    """Refuse damaged files, masks of another size than their image, and unknown classes.

    Args:
        root: With `images` and `masks`.
        classes: How many there are, counted from 0.
        every: Whether each class must be in some mask.

    Raises:
        SettingError: If something is wrong, with the path.
    """
    shown_k = np.zeros(256, dtype=bool)
    for pair in pairs(root):
        mask = read_mask(pair.mask)
        size = size_of(pair.image)
        if mask.size != size:
            raise SettingError(
                f"a mask must be of its image's size, but {str(pair.mask)!r} has {mask.size[0]} x {mask.size[1]} "
                f"pixels where {pair.image.name!r} has {size[0]} x {size[1]}."
            )
        here = np.unique(np.asarray(mask))
        wrong = here[(here >= classes) & (here != UNLABELLED)]
        if len(wrong):
            raise SettingError(
                f"the pixels of a mask must be class numbers from 0 to {classes - 1}, or {UNLABELLED} for no label, "
                f"but {str(pair.mask)!r} has {wrong[0]}; set `data.classes`, or mend it."
            )
        shown_k[here] = True
    missing = np.flatnonzero(~shown_k[:classes])
    if every and len(missing):
        raise SettingError(
            f"each class must be in some mask to learn from, but class {missing[0]} is in none in "
            f"{str(root / 'masks')!r}; set `data.classes`, or add masks."
        )


def digest(root: Path) -> str:
    """Sixteen hexadecimal digits of the masks' content and of the images' names and sizes."""
    states = tuple((p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in _files(pairs(root)))
    return _digest(root, states)


@lru_cache(maxsize=4)
def _digest(root: Path, states: tuple[tuple[str, int, int], ...]) -> str:
    hashed = hashlib.sha256(str([state[:2] for state in states]).encode())
    for pair in pairs(root):
        hashed.update(pair.mask.read_bytes())
    return hashed.hexdigest()[:16]


def _files(found: tuple[Pair, ...]) -> list[Path]:
    return [path for pair in found for path in (pair.image, pair.mask)]
