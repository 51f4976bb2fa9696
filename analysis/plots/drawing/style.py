"""How every figure looks: sizes, fonts, colours, the ratio axis, and saving to SVG, PDF and PNG.

Colours are Paul Tol's high- and medium-contrast sets: told apart by the colour-blind, and in grey
because each has its own luminance. Where more than three things share axes, a marker and a dash
pattern tell them apart as well.
"""

import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, get_args

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from analysis.errors import TableError
from analysis.plots.drawing.fonts import boxes_unsaid, families
from analysis.plots.drawing.marks import tell_marks
from plain_files.numbers import as_given
from plain_files.whole_files import written_whole

Style = Literal["paper", "screen"]
Format = Literal["svg", "pdf", "png"]

INK = "#1f2328"
MUTED = "#646c76"
FAINT = "#c4cad1"
BLUE, RED, GOLD = "#004488", "#bb5566", "#ddaa33"
COLOURS = (BLUE, RED, GOLD, "#6699cc", "#997700", "#ee99aa")
MARKERS = ("o", "s", "^", "D", "v", "P")
DASHES: tuple[Any, ...] = (
    "-",
    (0, (5, 2)),
    (0, (1, 1.5)),
    (0, (6, 2, 1, 2)),
    (0, (3, 1)),
    (0, (8, 3)),
)

VERDICT_COLOURS = {
    "matters": BLUE,
    "differs": BLUE,
    "negligible": GOLD,
    "depends": MUTED,
    "undecided": MUTED,
    "untested": MUTED,
}
VERDICT_MARKERS = {
    "matters": "o",
    "differs": "h",
    "negligible": "s",
    "depends": "X",
    "undecided": "D",
    "untested": "v",
}

_COMMON: dict[Any, Any] = {
    "figure.constrained_layout.use": True,
    # A page's reader may have a font somewhat wider than ours; it needs room at the sides.
    "figure.constrained_layout.w_pad": 0.09,
    "text.parse_math": False,  # an arm may be called what its user likes, dollars among it
    "text.hinting": "none",  # widths are then the same at every resolution
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": FAINT,
    "grid.linewidth": 0.5,
    "grid.alpha": 0.7,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.direction": "out",
    "legend.frameon": False,
    "font.family": "sans-serif",
    "pdf.fonttype": 42,  # TrueType: many publishers refuse Type 3
    "svg.hashsalt": "ablations",  # the same figure has the same ids on every machine
    "svg.fonttype": "none",  # text stays text: searchable, small
    "axes.formatter.useoffset": False,
    "axes.formatter.limits": (-3, 5),
}
_WHEN_SAVED: tuple[Any, ...] = ("svg.hashsalt", "svg.fonttype", "pdf.fonttype")
_SIZES = {
    "paper": {"font": 7.5, "line": 1.0, "marker": 3.2, "column": 3.35, "page": 6.9, "dpi": 300},
    "screen": {"font": 10.0, "line": 1.5, "marker": 5.0, "column": 6.4, "page": 9.6, "dpi": 130},
}


@contextmanager
def look(style: Style = "screen") -> Iterator[None]:
    """Draw in one of the two styles: `paper` (85 and 175 mm wide, 7.5 pt) or `screen`."""
    if style not in get_args(Style):
        raise TableError(f"`style` must be one of {get_args(Style)}, but got {style!r}.")
    size = _SIZES[style]
    font = size["font"]
    scaled: dict[Any, Any] = {
        "font.sans-serif": list(families()),
        "font.size": font,
        "axes.labelsize": font,
        "axes.titlesize": font * 1.05,
        "xtick.labelsize": font * 0.9,
        "ytick.labelsize": font * 0.9,
        "legend.fontsize": font * 0.9,
        "figure.titlesize": font * 1.1,
        "lines.linewidth": size["line"],
        "lines.markersize": size["marker"],
        "axes.linewidth": size["line"] * 0.6,
        "xtick.major.width": size["line"] * 0.6,
        "ytick.major.width": size["line"] * 0.6,
    }
    with mpl.rc_context({**_COMMON, **scaled}):
        yield


def new_figure(
    style: Style, *, wide: bool = False, height: float = 0.62, rows: int | None = None
) -> Figure:
    """An empty figure of one column or the page's width.

    Args:
        style: Sizes and fonts.
        wide: The page's width instead of a column's.
        height: As a share of the width.
        rows: Height by so many lines of text instead, for figures that list things.
    """
    width = _SIZES[style]["page" if wide else "column"]
    if rows is not None:
        height = (1.9 * rows + 4) * _SIZES[style]["font"] / 72 / width
    # Not pyplot: nothing is registered globally, so nothing has to be closed.
    dpi = _SIZES[style]["dpi"]
    return Figure(figsize=(width, width * height), dpi=dpi, layout="constrained")


def lay_out(figure: Figure) -> None:
    """Place everything, once, while the style's settings hold; what is drawn later goes where it is.

    Not `draw_without_rendering`, which draws all of it for that.
    """
    # A canvas that can measure text; without one each question after a size makes a renderer of its own.
    FigureCanvasAgg(figure)
    engine = figure.get_layout_engine()
    assert engine is not None
    with boxes_unsaid():
        engine.execute(figure)
    figure.set_layout_engine("none")


def ratio_axis(ax: Axes, ratios: Iterable[float], *, label: str = "reduction ratio r") -> Axes:
    """A log2 x axis whose ticks are the tested ratios and nothing else."""
    tested = sorted({float(r) for r in ratios})
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_locator(FixedLocator(tested))
    ax.xaxis.set_major_formatter(FixedFormatter([as_given(r) for r in tested]))
    ax.xaxis.set_minor_locator(NullLocator())
    if tested:
        ax.set_xlim(tested[0] / 1.25, tested[-1] * 1.25)
    ax.set_xlabel(label)
    return ax


def ordered_colours(count: int) -> list[Any]:
    """`count` colours from dark to light for levels that lie on a scale, readable in grey."""
    return [mpl.colormaps["cividis"](x) for x in np.linspace(0.12, 0.9, max(count, 1))]


def open_arrow(
    ax: Axes,
    end: tuple[float, float],
    *,
    towards: Literal["left", "right", "up", "down"],
    colour: str = INK,
) -> None:
    """An arrow head at `end` (data units) where an interval has no limit on that side."""
    head = {"left": "<", "right": ">", "up": "^", "down": "v"}[towards]
    ax.plot(*end, marker=head, color=colour, linestyle="none", clip_on=False, zorder=5)


def legend_below(ax: Axes) -> None:
    """The legend under the axes, where it hides nothing; the figure grows by what it needs."""
    handles, labels = ax.get_legend_handles_labels()
    if not handles:
        return
    figure = ax.get_figure(root=True)
    assert figure is not None
    # A character is about 0.6 of the font size wide, the handle about six characters.
    size = float(mpl.rcParams["legend.fontsize"]) / 72
    across = int(figure.get_figwidth() / (0.6 * size)) - 6
    labels = [textwrap.fill(label, across) for label in labels]
    longest = max(len(line) for label in labels for line in label.split("\n")) + 6
    columns = max(1, min(4, len(labels), across // longest))
    lines = sum(label.count("\n") + 1 for label in labels)
    figure.set_figheight(figure.get_figheight() + (-(-lines // columns) + 0.5) * 1.55 * size)
    figure.legend(handles, labels, loc="outside lower center", ncols=columns)


def save(figure: Figure, folder: Path, name: str, formats: Sequence[Format]) -> list[Path]:
    """Write the figure as `folder/name.<format>`; SVG and PDF carry no date, so they repeat exactly."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for kind in formats:
        if kind not in get_args(Format):
            raise TableError(f"`format` must be one of {get_args(Format)}, but got {kind!r}.")
        path = folder / f"{name}.{kind}"
        # These are read when a file is written, which may be after the figure's `look` has ended.
        with mpl.rc_context({name: _COMMON[name] for name in _WHEN_SAVED}), boxes_unsaid():
            dpi = figure.dpi
            with written_whole(path) as beside:
                _WRITERS[kind](figure, beside)
            figure.dpi = dpi  # the vector formats leave theirs behind
        paths.append(path)
    return paths


def _write_svg(figure: Figure, path: Path) -> None:
    canvas: Any = FigureCanvasSVG(figure)
    canvas.print_svg(path, metadata={"Date": None})
    path.write_text(tell_marks(path.read_text(encoding="utf-8")), encoding="utf-8")


def _write_pdf(figure: Figure, path: Path) -> None:
    canvas: Any = FigureCanvasPdf(figure)
    canvas.print_pdf(path, metadata={"CreationDate": None})


def _write_png(figure: Figure, path: Path) -> None:
    canvas: Any = FigureCanvasAgg(figure)
    canvas.print_png(path)


# Not `savefig`, which draws every figure once more before it writes it.
_WRITERS: dict[str, Callable[[Figure, Path], None]] = {
    "svg": _write_svg,
    "pdf": _write_pdf,
    "png": _write_png,
}
