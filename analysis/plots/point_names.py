"""Names beside points: none covers another, and none stands by another's point."""

import math
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from analysis.plots.style import MUTED

Floats = NDArray[np.float64]
GAP = 5
"""Between a name and its point, in points of print, as all lengths here."""


def name_points(ax: Axes, data: Floats, labels: list[str], *, shown: NDArray[np.bool_]) -> None:
    """Write the labels beside their points, moved where another name or point is in the way.

    Args:
        ax: With its limits set; its layout need not be done.
        data: The points in the axes' units, shape (points, 2).
        labels: One per point.
        shown: Which points get their label; the others are only kept clear of.
    """
    size = float(mpl.rcParams["font.size"])
    # Points of the figure, before its layout: near enough to keep names apart.
    points = ax.transData.transform(data) * 72 / ax.figure.dpi
    ends = np.array(ax.get_window_extent().intervalx) * 72 / ax.figure.dpi
    taken: list[_Name] = []
    for i in np.flatnonzero(shown):
        name = _place(labels[i], points[i], np.delete(points, i, 0), taken, ends, size)
        taken.append(name)
        text = ax.annotate(
            name.text,
            data[i],
            xytext=(-GAP if name.is_left else GAP, name.shift),
            textcoords="offset points",
            ha="right" if name.is_left else "left",
            va="center",
            arrowprops=_line(name) if name.distance(points[i]) > size else None,
        )
        text.set_in_layout(False)  # a long name would squeeze the axes


def _line(name: "_Name") -> dict[str, Any]:
    """Where a name had to move away, a line from its near end says whose it is."""
    near_end = (1.0 if name.is_left else 0.0, 0.5)
    look = {"arrowstyle": "-", "color": MUTED, "linewidth": 0.5}
    return {**look, "relpos": near_end, "shrinkA": 0, "shrinkB": 3}


@dataclass(frozen=True)
class _Name:
    """A name at a place: the middle of its near end, in points, and how far it was moved up."""

    text: str
    end: Floats
    is_left: bool
    shift: float
    size: float

    @property
    def span(self) -> tuple[float, float]:
        """Its left and right end."""
        width = _width(self.text, self.size)
        start = float(self.end[0]) - width if self.is_left else float(self.end[0])
        return start, start + width

    def distance(self, point: Floats) -> float:
        """From its box to a point."""
        left, right = self.span
        aside = max(left - point[0], point[0] - right, 0.0)
        above = max(abs(point[1] - self.end[1]) - self.size / 2, 0.0)
        return math.hypot(aside, above)

    def covers(self, other: "_Name") -> bool:
        """Whether the two boxes overlap."""
        (left, right), (start, stop) = self.span, other.span
        return left < stop and start < right and abs(self.end[1] - other.end[1]) < 1.05 * self.size


def _place(
    label: str, point: Floats, others: Floats, taken: list[_Name], ends: Floats, size: float
) -> _Name:
    """The place nearest to the point that is free; the usual one where none is."""
    usual = point[0] > ends.mean()
    room = {True: point[0] - ends[0] - 2 * GAP, False: ends[1] - point[0] - 2 * GAP}
    text = _shortened(label, int(room[usual] / (0.6 * size)))
    # A little above the point, off the line of the front; from there by lines up and down.
    shifts = [(0.75 + 1.1 * k) * size for k in sorted(range(-8, 9), key=abs)]
    places = [
        _Name(text, point + np.array([-GAP if is_left else GAP, shift]), is_left, shift, size)
        for shift in shifts
        for is_left in (usual, not usual)
        if is_left == usual or _width(text, size) <= room[is_left]
    ]
    for place in places:
        near = min((place.distance(other) for other in others), default=math.inf)
        own = min(place.distance(point), size)
        if near > own and not any(place.covers(name) for name in taken):
            return place
    return places[0]


def _width(text: str, size: float) -> float:
    return 0.6 * size * len(text)


def _shortened(name: str, most: int) -> str:
    return name if len(name) <= most else f"{name[: max(most - 1, 1)]}…"
