"""Where names beside points go: none covers another; of the other rules the weakest is given up first.

The rules, strongest first: a name covers no point; it covers no interval; it lies inside the axes; no line crosses a
name or another line; a name stands nearer to its own point than to any other. A line leads from a name to its point
where the name had to move away, or where another point is as near. Of points that coincide nothing can tell whose a
name is.

All lengths are in points of print.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Box = tuple[float, float, float, float]
"""Left, right, bottom, top."""
GAP = 5.0
"""Between a name and its point."""
APART = 1.0
"""Less is no difference to the eye, or to sizes that are measured in whole pixels."""
STEPS = 8
"""Places above and below that are tried, at least."""
NOWHERE = np.zeros((0, 2))
SAMPLES = 24
"""Spots of a line where it may meet a name."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """A name's place: beside its point and `shift` above it."""

    point: Floats
    is_left: bool
    shift: float
    width: float
    height: float
    nearest: float
    """From the name to the nearest of the other points."""
    is_bare: bool
    """Whether it covers none of the spots that names keep clear of."""

    @cached_property
    def end(self) -> Floats:
        """The middle of the end that is near the point."""
        return _end(self.point, is_left=self.is_left, shift=self.shift)

    @cached_property
    def box(self) -> Box:
        """What it covers."""
        return _box(self.end, self.is_left, self.width, self.height)

    @cached_property
    def has_line(self) -> bool:
        """Whether it needs a line to say whose it is."""
        own = _distance(self.box, self.point)
        return own > self.height or self.nearest <= own + APART

    @property
    def is_clear(self) -> bool:
        """Whether no other point is as near as its own, or near at all where that is far."""
        return self.nearest > min(_distance(self.box, self.point), self.height)


def place_names(
    points: Floats,
    sizes: dict[int, tuple[float, float]],
    *,
    frame: Box,
    spots: Floats = NOWHERE,
) -> dict[int, Place]:
    """A place for each name.

    Args:
        points: All points, shape (points, 2); names are kept clear of those without one, too.
        sizes: Index of a point -> width and height of its name.
        frame: The axes.
        spots: What else names keep clear of, shape (spots, 2): along intervals, which would strike them through.
    """
    placed: dict[int, Place] = {}
    # From above: of two neighbours the lower finds the places below free.
    for i in sorted(sizes, key=lambda i: -float(points[i][1])):
        steps = max(STEPS, len(sizes))
        places = _places(points, i, sizes[i], frame=frame, steps=steps, spots=spots)
        placed[i] = _best(places, list(placed.values()), frame)
    return placed


def is_usually_left(point: Floats, frame: Box) -> bool:
    """Whether a point's name stands left of it: there is more room."""
    return float(point[0]) > (frame[0] + frame[1]) / 2


def room(point: Floats, frame: Box, *, is_left: bool) -> float:
    """Between the point's name and the end of the axes."""
    return float(point[0] - frame[0] if is_left else frame[1] - point[0]) - 2 * GAP


def _places(
    points: Floats,
    i: int,
    size: tuple[float, float],
    *,
    frame: Box,
    steps: int,
    spots: Floats,
) -> list[Place]:
    """Above and below a point on both sides, the nearest first.

    With as many steps as names, each a name and a gap high, some are free of other names always: one that is taken
    bars two steps at most.
    """
    point, (width, height) = points[i], size
    others = np.delete(points, i, 0)
    usual = is_usually_left(point, frame)
    step = height + 1.01 * APART
    places = []
    for k in sorted(range(-steps, steps + 1), key=abs):
        # A little above the point, off the line of a front; from there by lines up and down.
        shift = 0.65 * height + k * step
        for is_left in (usual, not usual):
            if is_left == usual or width <= room(point, frame, is_left=is_left):
                end = _end(point, is_left=is_left, shift=shift)
                box = _box(end, is_left, width, height)
                nearest = min((_distance(box, other) for other in others), default=math.inf)
                place = Place(point=point, is_left=is_left, shift=shift, width=width, height=height,
                              nearest=nearest, is_bare=not _holds(box, spots))  # fmt: skip
                places.append(place)
    return places


def _best(places: list[Place], taken: list[Place], frame: Box) -> Place:
    """The first that keeps all rules; a rule that none of those left would keep is passed over."""
    rules: tuple[Callable[[Place], bool], ...] = (
        lambda place: not any(_overlap(place.box, other.box) for other in taken),
        lambda place: place.nearest > 0,
        lambda place: place.is_bare,
        lambda place: frame[2] <= place.box[2] <= place.box[3] <= frame[3],
        lambda place: not any(_entangled(place, o) or _entangled(o, place) for o in taken),
        lambda place: place.is_clear,
    )
    for rule in rules:
        places = [place for place in places if rule(place)] or places
    return places[0]


def _end(point: Floats, *, is_left: bool, shift: float) -> Floats:
    return np.array([point[0] - GAP if is_left else point[0] + GAP, point[1] + shift])


def _box(end: Floats, is_left: bool, width: float, height: float) -> Box:
    x, y = float(end[0]), float(end[1])
    return (
        x - width if is_left else x,
        x if is_left else x + width,
        y - height / 2,
        y + height / 2,
    )


def _holds(box: Box, spots: Floats) -> bool:
    left, right, bottom, top = box
    x, y = spots.T
    return bool(np.any((left <= x) & (x <= right) & (bottom <= y) & (y <= top)))


def _distance(box: Box, spot: Floats) -> float:
    left, right, bottom, top = box
    aside = max(left - spot[0], spot[0] - right, 0.0)
    above = max(bottom - spot[1], spot[1] - top, 0.0)
    return math.hypot(aside, above)


def _overlap(box: Box, other: Box) -> bool:
    across = box[0] < other[1] + APART and other[0] < box[1] + APART
    return across and box[2] < other[3] + APART and other[2] < box[3] + APART


def _entangled(place: Place, other: Place) -> bool:
    """Whether the way from a name to its point crosses the other's, or its line the other's name."""
    if _cross(place.point, place.end, other.point, other.end):
        return True
    if not place.has_line:
        return False
    x, y = np.linspace(place.point, place.end, SAMPLES).T
    left, right, bottom, top = other.box
    return bool(np.any((left <= x) & (x <= right) & (bottom <= y) & (y <= top)))


def _cross(a: Floats, b: Floats, c: Floats, d: Floats) -> bool:
    """Whether the straight lines from a to b and from c to d cross."""
    return _side(a, b, c) * _side(a, b, d) < 0 and _side(c, d, a) * _side(c, d, b) < 0


def _side(a: Floats, b: Floats, spot: Floats) -> float:
    return float((b[0] - a[0]) * (spot[1] - a[1]) - (b[1] - a[1]) * (spot[0] - a[0]))
