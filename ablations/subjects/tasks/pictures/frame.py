"""How an image of any size comes to a square: whole and padded, or cropped; and its boxes with it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # an extra
    from PIL.Image import Image as Picture

Boxes = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Frame:
    """Where an image lies in its square.

    Attributes:
        size: Height and width of the square, in pixels.
        scaled: Width and height of the image, scaled.
        scale: Of x and of y; both are equal but for rounding to whole pixels.
        corner: Of the scaled image in the square, (x, y); negative where it is cropped.
        flipped: Whether left and right are exchanged.
    """

    size: int
    scaled: tuple[int, int]
    scale: tuple[float, float]
    corner: tuple[int, int]
    flipped: bool = False

    def picture(self, image: "Picture", *, fill: Any, smooth: bool) -> NDArray[np.uint8]:
        """The square's pixels, (size, size) or (size, size, 3).

        Args:
            image: Of the size that the frame was made for.
            fill: Of the pixels beside the image.
            smooth: Bilinear; else the nearest pixel, as a mask needs.
        """
        from PIL import Image

        way = Image.Resampling.BILINEAR if smooth else Image.Resampling.NEAREST
        square = Image.new(image.mode, (self.size, self.size), fill)
        square.paste(image.resize(self.scaled, way), self.corner)
        pixels: NDArray[np.uint8] = np.asarray(square)
        return np.ascontiguousarray(pixels[:, ::-1]) if self.flipped else pixels

    def boxes(self, boxes_m4: Boxes, *, cut: bool) -> Boxes:
        """Boxes (left, top, right, bottom) of the image in pixels of the square, cut at its edges or whole."""
        moved = boxes_m4 * np.tile(self.scale, 2) + np.tile(self.corner, 2)
        if cut:
            moved = moved.clip(0, self.size)
        if self.flipped:
            moved[:, [0, 2]] = self.size - moved[:, [2, 0]]
        found: Boxes = moved.astype(np.float32)
        return found


def frame(
    width: int,
    height: int,
    *,
    size: int,
    crop: bool,
    at: tuple[float, float] = (0.5, 0.5),
    flipped: bool = False,
) -> Frame:
    """The frame of an image of `width` by `height`.

    Args:
        width: In pixels.
        height: In pixels.
        size: Of the square.
        crop: Scale the shorter side to `size` and cut the longer one; else the longer one, and pad right and below.
        at: Where to cut, 0 (left, top) to 1.
        flipped: Whether left and right are exchanged.
    """
    scale = (max if crop else min)(size / width, size / height)
    scaled = (max(1, round(width * scale)), max(1, round(height * scale)))
    left, top = (
        -round((side - size) * share) if crop else 0 for side, share in zip(scaled, at, strict=True)
    )
    return Frame(
        size=size,
        scaled=scaled,
        scale=(scaled[0] / width, scaled[1] / height),
        corner=(left, top),
        flipped=flipped,
    )
