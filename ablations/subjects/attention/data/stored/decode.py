"""From stored bytes to pixels: decoded, upright, 8-bit colour, and where asked for cut and scaled.

Widths and heights are in pixels; a box is (left, top, right, bottom) in the pixels of the upright image.
"""

import math
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np

from ablations.errors import SettingError
from ablations.failures import words_of
from ablations.streams import stream_seed
from ablations.subjects.attention.data.layouts.listing import Pixels, Unreadable

Box = tuple[float, float, float, float]
AREA, RATIO, TRIES = (0.08, 1.0), (3 / 4, 4 / 3), 10
ORIENTATION, TURNED = 0x112, (5, 6, 7, 8)
"""EXIF's number for how an image lies, and its values for one on its side."""


@dataclass(frozen=True)
class View:
    """What is seen of an image: all of it as it is, or the middle of it, scaled."""

    side: int | None = None
    """Height and width that it gets; None leaves its own."""
    share: float = 1.0
    """Of the shorter side, that the square in the middle has."""


@dataclass(frozen=True)
class Draw:
    """Names the stream of an image's random cut: with the image's place a function of nothing else."""

    seed: int
    epoch: int


def decoded(stored: bytes | Pixels, view: View, *, place: int, draw: Draw | None = None) -> Pixels:
    """The pixels of an image, (height, width, 3).

    Args:
        stored: Encoded as Pillow can read it, or pixels.
        view: What to see of it.
        place: Of the image in its data set.
        draw: Cuts at random instead of in the middle; torchvision's `RandomResizedCrop`.

    Raises:
        Unreadable: If it is no image, or of more than 8 bits.
        SettingError: If Pillow is not installed.
    """
    if view.side is None and not isinstance(stored, bytes):
        return stored
    image_module, operations = pillow()
    try:
        image = (
            image_module.open(BytesIO(stored))
            if isinstance(stored, bytes)
            else image_module.fromarray(stored)
        )
        with image:
            _check_depth(image.mode)
            lies = image.getexif().get(ORIENTATION, 1)
            if view.side is None:
                return np.asarray(_coloured(_upright(image, lies, operations)))
            width, height = image.size[::-1] if lies in TURNED else image.size
            box = (
                middle(width, height, share=view.share)
                if draw is None
                else random_part(width, height, draw, place)
            )
            # A JPEG is decoded at a half, a quarter or an eighth of its size where that is enough.
            enough = view.side / min(box[2] - box[0], box[3] - box[1])
            image.draft(None, (math.ceil(width * enough), math.ceil(height * enough)))
            upright = _upright(image, lies, operations)
            across, down = upright.width / width, upright.height / height
            scaled = (box[0] * across, box[1] * down, box[2] * across, box[3] * down)
            size = (view.side, view.side)
            bilinear = image_module.Resampling.BILINEAR
            return np.asarray(_coloured(upright).resize(size, bilinear, box=scaled))
    except (OSError, SyntaxError, ValueError, image_module.DecompressionBombError) as error:
        raise Unreadable(words_of(error)) from None


def middle(width: int, height: int, *, share: float) -> Box:
    """The square in the middle, whose side is a share of the shorter side."""
    side = share * min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    return left, top, left + side, top + side


def random_part(width: int, height: int, draw: Draw, place: int) -> Box:
    """8 to 100 % of the area at 3:4 to 4:3, of ten draws the first that fits, else the largest in the middle."""
    rng = np.random.default_rng(stream_seed(draw.seed, f"cut/{draw.epoch}/{place}"))
    areas, ratios, left, top = rng.random((4, TRIES))
    area = width * height * (AREA[0] + (AREA[1] - AREA[0]) * areas)
    low, high = math.log(RATIO[0]), math.log(RATIO[1])
    ratio = np.exp(low + (high - low) * ratios)
    wide, tall = np.rint(np.sqrt(area * ratio)), np.rint(np.sqrt(area / ratio))
    fits = np.flatnonzero((wide >= 1) & (wide <= width) & (tall >= 1) & (tall <= height))
    if len(fits):
        w, h = wide[fits[0]], tall[fits[0]]
        x, y = np.floor(left[fits[0]] * (width - w + 1)), np.floor(top[fits[0]] * (height - h + 1))
        return float(x), float(y), float(x + w), float(y + h)
    w = min(width, max(1, round(height * RATIO[1])))
    h = min(height, max(1, round(width / RATIO[0])))
    x, y = (width - w) // 2, (height - h) // 2
    return x, y, x + w, y + h


def pillow() -> tuple[Any, Any]:
    """Pillow's modules `Image` and `ImageOps`.

    Raises:
        SettingError: If it is not installed.
    """
    try:
        from PIL import Image, ImageOps
    except ModuleNotFoundError:
        raise SettingError("encoded images need Pillow: pip install 'ablations[images]'.") from None
    return Image, ImageOps


def _upright(image: Any, lies: int, operations: Any) -> Any:
    # Cameras store an image as its sensor lay, and say beside it which way is up. Else Pillow would copy it.
    return image if lies == 1 else operations.exif_transpose(image)


def _coloured(image: Any) -> Any:
    return image if image.mode == "RGB" else image.convert("RGB")


def _check_depth(mode: str) -> None:
    # Pillow's modes of whole numbers and floats, which its conversion to colour cuts at 255.
    if mode.startswith(("I", "F")):
        raise Unreadable(
            f"images must have 8 bits per channel, and it has more (Pillow's mode {mode!r}): scale it to 8 bits, or "
            "put its numbers into an archive (`data.name=npz`)"
        )
