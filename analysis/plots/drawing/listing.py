"""Axes that list things: a row each from the top, its name at the left and a note at the right."""

from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.axes import Axes

from analysis.plots.drawing.folding import fold_all, lines_of, make_room
from analysis.plots.drawing.style import MUTED

SHARE = 0.3
"""Of the figure's width, for the names."""


def list_rows(ax: Axes, names: Sequence[str], *, room: float = 0.6) -> Axes:
    """Name the rows 0, 1, 2, ... from the top; a long name takes several lines, for which the figure grows.

    Args:
        ax: Where row i is drawn at height i.
        names: Of the rows.
        room: Above the first row's middle and below the last one's, in rows.
    """
    figure = ax.get_figure(root=True)
    assert figure is not None
    size = mpl.rcParams["ytick.labelsize"]
    names = fold_all(names, points=SHARE * 72 * figure.get_figwidth(), size=size)
    make_room(ax, len(names) * (lines_of(names) - 1))
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 1 + room, -room)
    ax.grid(visible=True, axis="x")
    ax.grid(visible=False, axis="y")
    return ax


def note_row(ax: Axes, row: int, note: str, *, gap: float) -> None:
    """Write a note right of a row, so many points beyond the axes."""
    ax.annotate(
        note,
        (1.0, row),
        xycoords=ax.get_yaxis_transform(),
        xytext=(gap, 0),
        textcoords="offset points",
        va="center",
        color=MUTED,
        annotation_clip=False,
    )
