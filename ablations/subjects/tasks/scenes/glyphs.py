"""The bundled digits, parted for training and validation, in any size.

n counts digits, s is a size in pixels.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ablations.subjects.attention.data.sources.digits import digits
from ablations.subjects.attention.settings.groups import Data

Part = Literal["train", "val"]
VAL_SHARE = 0.2
INK = 0.3
"""A pixel darker than this belongs to its digit, where the darkest is 1."""


@dataclass(frozen=True, kw_only=True)
class Glyphs:
    """Digits of one part.

    Attributes:
        images_n88: From 0 to 1.
        labels_n: From 0 to 9.
        numbers_n: Which of all digits each one is.
    """

    images_n88: NDArray[np.float64]
    labels_n: NDArray[np.int64]
    numbers_n: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels_n)


def glyphs(part: Part, *, seed: int) -> Glyphs:
    """The digits that `part` is composed of; no digit is in both parts."""
    x_n1hw, y_n = digits(Data())
    order_n = np.random.default_rng(seed).permutation(len(y_n))
    cut = round(VAL_SHARE * len(y_n))
    numbers_n = np.sort(order_n[:cut] if part == "val" else order_n[cut:])
    images_n88 = x_n1hw[numbers_n, 0].astype(np.float64) / 16
    return Glyphs(images_n88=images_n88, labels_n=y_n[numbers_n], numbers_n=numbers_n)


def resized(images_nhw: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """(n, h, w) to (n, s, s), bilinear with pixel centres in place.

    Element by element, because a matrix product would differ in its last bit between machines.
    """
    return _along(_along(images_nhw, size, axis=1), size, axis=2)


def _along(x: NDArray[np.float64], size: int, *, axis: int) -> NDArray[np.float64]:
    length = x.shape[axis]
    at = np.clip((np.arange(size) + 0.5) * length / size - 0.5, 0, length - 1)
    low = np.minimum(at.astype(int), length - 2)
    share = (at - low).reshape((-1, 1) if axis == 1 else (-1,))
    nearer, farther = np.take(x, low, axis=axis), np.take(x, low + 1, axis=axis)
    mixed: NDArray[np.float64] = nearer * (1 - share) + farther * share
    return mixed


def ink_boxes(images_nss: NDArray[np.float64]) -> NDArray[np.int64]:
    """The tight boxes (n, 4) around the ink, as left, top, right, bottom; right and bottom are one beyond it."""
    ink_nss = images_nss > INK
    across_ns, down_ns = (np.asarray(ink_nss.any(axis)) for axis in (1, 2))
    size = images_nss.shape[1]
    sides = [
        across_ns.argmax(1),
        down_ns.argmax(1),
        size - across_ns[:, ::-1].argmax(1),
        size - down_ns[:, ::-1].argmax(1),
    ]
    return np.stack(sides, axis=1)
