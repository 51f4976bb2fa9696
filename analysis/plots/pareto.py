"""Loss against cost: every arm with its interval, the front, and the prices at which the choice switches."""

import math
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter
from numpy.typing import NDArray

from analysis.plots.frames import rows, spread
from analysis.plots.style import BLUE, GOLD, INK, MUTED

Floats = NDArray[np.float64]
GAP = 5
"""Points between a name and its arm's point."""


def plot_pareto(arms: pd.DataFrame, ax: Axes, *, switches: pd.DataFrame) -> Axes:
    """Draw the mean loss of each arm against its cost.

    Args:
        arms: Columns `label`, `cost`, `mean`, `low`, `high`, `standing` (`front`, `dominated`, or
            `unclear`: worse on paper, but not beyond the noise of the seeds).
        switches: Columns `cost_from`, `cost_to`, `mean_from`, `mean_to`, `price`: the edges of the
            lower convex hull, cheapest first; `price` in loss per unit of cost.
    """
    looks: dict[str, dict[str, Any]] = {
        "front": {"color": BLUE, "marker": "o", "label": "on the front"},
        "unclear": {"color": BLUE, "marker": "o", "mfc": "none", "label": "not clearly dominated"},
        "dominated": {"color": MUTED, "marker": "x", "label": "dominated"},
    }
    for standing, look in looks.items():
        some = arms[arms["standing"] == standing]
        if len(some):
            bars = spread(some, middle="mean")
            ax.errorbar(
                some["cost"], some["mean"], yerr=bars, linestyle="none", elinewidth=0.8, **look
            )
    front = arms[arms["standing"] == "front"].sort_values("cost")
    ax.step(front["cost"], front["mean"], where="post", color=INK, linewidth=0.7, zorder=1)
    for edge in rows(switches):
        ax.plot(
            [edge.cost_from, edge.cost_to],
            [edge.mean_from, edge.mean_to],
            color=GOLD,
            linewidth=1.2,
            zorder=1,
        )
    return _name_points(ax, arms)


def _name_points(ax: Axes, arms: pd.DataFrame) -> Axes:
    """Names beside their points: none covers another or stands by another arm's point."""
    ax.xaxis.set_major_formatter(EngFormatter(sep=""))
    ax.margins(x=0.12, y=0.1)
    ax.autoscale_view()
    named = (arms if len(arms) <= 8 else arms[arms["standing"] == "front"]).index
    size = float(mpl.rcParams["font.size"])
    # Points of the figure, before its layout: near enough to keep names apart.
    points = ax.transData.transform(arms[["cost", "mean"]].to_numpy(dtype=float))
    points *= 72 / ax.figure.dpi
    ends = np.array(ax.get_window_extent().intervalx) * 72 / ax.figure.dpi
    taken: list[_Name] = []
    for i in np.flatnonzero(arms.index.isin(named)):
        row = arms.iloc[i]
        name = _place(str(row["label"]), points[i], np.delete(points, i, 0), taken, ends, size)
        taken.append(name)
        text = ax.annotate(
            name.text,
            (row["cost"], row["mean"]),
            xytext=(-GAP if name.is_left else GAP, name.shift),
            textcoords="offset points",
            ha="right" if name.is_left else "left",
            va="center",
            arrowprops=_line(name) if name.distance(points[i]) > size else None,
        )
        text.set_in_layout(False)  # a long name would squeeze the axes
    return ax


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
