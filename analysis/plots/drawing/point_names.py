"""Names written beside points, where `name_places` puts them."""

import bisect
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Text
from numpy.typing import NDArray

from analysis.plots.drawing.name_places import (
    GAP,
    NOWHERE,
    Floats,
    Place,
    is_usually_left,
    place_names,
    room,
)
from analysis.plots.drawing.style import MUTED


def name_points(
    ax: Axes,
    data: Floats,
    labels: list[str],
    *,
    shown: NDArray[np.bool_],
    spots: Floats = NOWHERE,
) -> None:
    """Write the labels beside their points, moved where another name or point is in the way.

    Args:
        ax: Laid out (`style.lay_out`): names that keep apart here may touch where the axes change size later.
        data: The points in the axes' units, shape (points, 2).
        labels: One per point, cut where the axes have no room for all of it.
        shown: Which points get their label; the others are only kept clear of.
        spots: What else is kept clear of, in the axes' units, shape (spots, 2).
    """
    points = ax.transData.transform(data) * _print_size(ax)
    (x0, y0), (x1, y1) = ax.get_window_extent().get_points() * _print_size(ax)
    frame = (float(x0), float(x1), float(y0), float(y1))
    texts = {}
    for i in map(int, np.flatnonzero(shown)):
        most = room(points[i], frame, is_left=is_usually_left(points[i], frame))
        texts[i] = _shortened(labels[i], ax, most)
    sizes = {i: _size(text, ax) for i, text in texts.items()}
    clear = ax.transData.transform(spots) * _print_size(ax)
    places = place_names(points, sizes, frame=frame, spots=clear)
    for i, text in texts.items():
        place = places[i]
        written = ax.annotate(
            text,
            data[i],
            xytext=(-GAP if place.is_left else GAP, place.shift),
            textcoords="offset points",
            ha="right" if place.is_left else "left",
            va="center",
            arrowprops=_line(place) if place.has_line else None,
        )
        written.set_in_layout(False)  # a long name would squeeze the axes


def _line(place: Place) -> dict[str, Any]:
    """From the name's near end into the point: close to its neighbours nothing else says which it is."""
    near_end = (1.0 if place.is_left else 0.0, 0.5)
    look = {"arrowstyle": "-", "color": MUTED, "linewidth": 0.5}
    return {**look, "relpos": near_end, "shrinkA": 0, "shrinkB": 0}


def _shortened(name: str, ax: Axes, most: float) -> str:
    """The name, or its first characters and an ellipsis, one at least."""
    if _size(name, ax)[0] <= most:
        return name
    cuts = [f"{name[:count]}…" for count in range(1, len(name))]
    fitting = bisect.bisect_right(cuts, most, key=lambda cut: _size(cut, ax)[0])
    return cuts[max(fitting - 1, 0)] if cuts else name


def _size(text: str, ax: Axes) -> tuple[float, float]:
    """Width and height as drawn, in points of print."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    extent = Text(0, 0, text, figure=figure).get_window_extent()
    return extent.width * _print_size(ax), extent.height * _print_size(ax)


def _print_size(ax: Axes) -> float:
    """Of a pixel, in points."""
    return 72 / float(ax.figure.dpi)
