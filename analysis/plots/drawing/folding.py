"""Names of any length in a figure: whole, on as many lines as they need."""

import re
from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.axes import Axes

CHARACTER = 0.62
"""Width of a character as a share of the font's size."""
LINE = 1.3
"""Height of a line as a share of the font's size."""
_MARKS = "-_.:=,/ "
_PIECES = re.compile(r"[^-_.:=,/ ]*[-_.:=,/ ]*")


def folded(name: str, width: int) -> str:
    """The name with line ends, best behind a mark, where a line would be longer than `width` characters."""
    lines = [""]
    for piece in _PIECES.findall(name):
        rest = piece
        if lines[-1] and len(lines[-1]) + len(rest.rstrip(_MARKS)) > width:
            lines.append("")
        while len(rest.rstrip(_MARKS)) > width:
            lines[-1], rest = rest[:width], rest[width:]
            lines.append("")
        lines[-1] += rest
    return "\n".join(line.rstrip() for line in lines if line.strip()) or name


def fold_all(names: Sequence[str], *, points: float, size: float) -> list[str]:
    """The names folded to a width in points, at a font's size."""
    return [folded(name, max(8, int(points / (CHARACTER * size)))) for name in names]


def lines_of(names: Sequence[str]) -> int:
    """Lines of the name that has most."""
    return max((name.count("\n") + 1 for name in names), default=1)


def make_room(ax: Axes, lines: float) -> None:
    """Make the figure so many lines of text higher."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    points = max(0.0, lines) * LINE * float(mpl.rcParams["font.size"])
    figure.set_figheight(figure.get_figheight() + points / 72)
