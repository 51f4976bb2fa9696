"""Axes that list things: a row each from the top, its name at the left and a note at the right."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from analysis.plots.drawing.style import MUTED


def list_rows(ax: Axes, names: Sequence[str], *, room: float = 0.6) -> Axes:
    """Name the rows 0, 1, 2, ... from the top.

    Args:
        ax: Where row i is drawn at height i.
        names: Of the rows.
        room: Above the first row's middle and below the last one's, in rows.
    """
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
