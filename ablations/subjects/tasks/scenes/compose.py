"""Scenes of several digits, in clutter and noise: all scenes at once, one digit of each after another.

n counts scenes, k digits of a scene, t tries for a place; boxes are left, top, right, bottom in pixels.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablations.subjects.tasks.scenes.glyphs import INK, Glyphs, Part, glyphs, ink_boxes, resized
from ablations.subjects.tasks.scenes.settings import SceneSettings

TRIES = 20
"""Places that are tried for a digit; one that overlaps too much in all of them is left out."""
PIECE = 6
"""Height and width of a piece of clutter, cut from a digit of 16 by 16 pixels."""
FAINTEST = 0.6
"""Contrast of the faintest digits."""

Integers = NDArray[np.int64]
Reals = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Scenes:
    """Composed scenes.

    Attributes:
        images_nhw: Grey, 0 to 255.
        masks_nhw: 0 is background, d + 1 the ink of digit d that no later digit covers.
        boxes_nk4: Tight around the ink of each digit, also where a later one covers it; 0 where there is none.
        labels_nk: 0 to 9; -1 where there is none.
        sources_nk: Which of all digits each one is, then each piece of clutter; -1 where there is none.
    """

    images_nhw: NDArray[np.uint8]
    masks_nhw: NDArray[np.uint8]
    boxes_nk4: NDArray[np.float32]
    labels_nk: Integers
    sources_nk: Integers

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Name -> array."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def compose(settings: SceneSettings, *, part: Part, count: int) -> Scenes:
    """So many scenes of the digits of `part`; the same settings give the same scenes."""
    rng = np.random.default_rng([settings.seed, ("train", "val").index(part)])
    known = glyphs(part, seed=settings.seed)
    canvas_nhw = np.zeros((count, settings.side, settings.side))
    pieces_nk = _scatter(canvas_nhw, known, settings, rng)
    masks_nhw = np.zeros(canvas_nhw.shape, dtype=np.uint8)
    boxes_nk4 = np.zeros((count, settings.most, 4), dtype=np.int64)
    which_nk = np.full((count, settings.most), -1)
    wanted_n = rng.integers(settings.least, settings.most + 1, count)
    scaled = {size: resized(known.images_n88, size) for size in _sizes(settings)}
    tight = {size: ink_boxes(images) for size, images in scaled.items()}
    for slot in range(settings.most):
        drawn = _Digit.draw(known, tight, settings, rng, count)
        at_n2, found_n = _place(drawn, boxes_nk4[:, :slot], settings.overlap)
        put_n = found_n & (slot < wanted_n)
        boxes_nk4[put_n, slot] = (drawn.tight_n4 + np.tile(at_n2, 2))[put_n]
        which_nk[put_n, slot] = drawn.which_n[put_n]
        for size in scaled:
            here_m = np.flatnonzero(put_n & (drawn.size_n == size))
            which_m = drawn.which_n[here_m]
            where = _window(here_m, at_n2[here_m], size)
            ink_mss, shade = scaled[size][which_m], drawn.contrast_n[here_m][:, None, None]
            is_ink_mss = ink_mss > INK
            below_mss = np.maximum(canvas_nhw[where], ink_mss * shade)
            canvas_nhw[where] = np.where(is_ink_mss, ink_mss * shade, below_mss)
            label_m11 = (known.labels_n[which_m] + 1)[:, None, None]
            masks_nhw[where] = np.where(is_ink_mss, label_m11, masks_nhw[where])
    canvas_nhw += settings.noise * rng.standard_normal(canvas_nhw.shape)
    there_nk = which_nk >= 0
    return Scenes(
        images_nhw=np.round(255 * canvas_nhw.clip(0, 1)).astype(np.uint8),
        masks_nhw=masks_nhw,
        boxes_nk4=boxes_nk4.astype(np.float32),
        labels_nk=np.where(there_nk, known.labels_n[which_nk], -1),
        sources_nk=np.hstack([np.where(there_nk, known.numbers_n[which_nk], -1), pieces_nk]),
    )


@dataclass(frozen=True, kw_only=True)
class _Digit:
    """One digit for each scene, and places to try."""

    which_n: Integers
    size_n: Integers
    contrast_n: Reals
    tight_n4: Integers
    tries_nt2: Integers

    @classmethod
    def draw(
        cls,
        known: Glyphs,
        tight: dict[int, Integers],
        settings: SceneSettings,
        rng: np.random.Generator,
        count: int,
    ) -> "_Digit":
        which_n = rng.integers(len(known), size=count)
        size_n = rng.integers(settings.smallest, settings.largest + 1, count)
        room_n11 = (settings.side - size_n + 1)[:, None, None]
        by_size_szn4 = np.stack([tight[size] for size in tight])
        return cls(
            which_n=which_n,
            size_n=size_n,
            contrast_n=rng.uniform(FAINTEST, 1, count),
            tight_n4=by_size_szn4[size_n - settings.smallest, which_n],
            tries_nt2=(rng.random((count, TRIES, 2)) * room_n11).astype(np.int64),
        )


def _place(drawn: _Digit, before_nk4: Integers, limit: float) -> tuple[Integers, NDArray[np.bool_]]:
    """The first place (x, y) that overlaps no digit before it by more than the limit, and whether there is one."""
    tried_nt4 = drawn.tight_n4[:, None] + np.tile(drawn.tries_nt2, 2)
    shared_ntk = _shared(tried_nt4[:, :, None], before_nk4[:, None])
    fits_nt = np.asarray((shared_ntk <= limit).all(2))
    first_n = fits_nt.argmax(1)
    return drawn.tries_nt2[np.arange(len(first_n)), first_n], np.asarray(fits_nt.any(1))


def _shared(a: Integers, b: Integers) -> Reals:
    """The share of the smaller box that lies in the other; 0 where one has no area."""
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    area_a, area_b = ((x[..., 2:] - x[..., :2]).prod(-1) for x in (a, b))
    share: Reals = sides.clip(0).prod(-1) / np.minimum(area_a, area_b).clip(1)
    return share


def _scatter(
    canvas_nhw: Reals, known: Glyphs, settings: SceneSettings, rng: np.random.Generator
) -> Integers:
    """Put pieces of digits on the canvas; which digits they are of, (n, pieces)."""
    count, room = len(canvas_nhw), settings.side - PIECE + 1
    large_n = resized(known.images_n88, 16)
    which_nk = rng.integers(len(known), size=(count, settings.clutter))
    for which_n in which_nk.T:
        cut = _window(which_n, rng.integers(16 - PIECE + 1, size=(count, 2)), PIECE)
        where = _window(np.arange(count), rng.integers(room, size=(count, 2)), PIECE)
        shade_n11 = rng.uniform(FAINTEST, 1, (count, 1, 1))
        canvas_nhw[where] = np.maximum(canvas_nhw[where], large_n[cut] * shade_n11)
    return known.numbers_n[which_nk]


def _window(which_m: Integers, at_m2: Integers, size: int) -> tuple[Integers, Integers, Integers]:
    """Indices of the square of each of the images that begins at (x, y)."""
    span = np.arange(size)
    rows = at_m2[:, 1, None, None] + span[:, None]
    columns = at_m2[:, 0, None, None] + span
    return which_m[:, None, None], rows, columns


def _sizes(settings: SceneSettings) -> range:
    return range(settings.smallest, settings.largest + 1)
