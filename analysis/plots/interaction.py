"""Interactions of two factors: the means of their cells, and the profile of one at each level of the other."""

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from analysis.plots.drawing.folding import CHARACTER, LINE, fold_all, folded, lines_of, make_room
from analysis.plots.drawing.frames import rows as rows_of
from analysis.plots.drawing.marks import Mark, mark
from analysis.plots.drawing.style import COLOURS, DASHES, MARKERS
from analysis.plots.parallel import LOSS_COLOURS
from plain_files.numbers import LOSS, as_given, interval, loss

LONGEST = 24
"""Characters of a name on one line."""
BESIDE = 0.6
"""Of the width of the axes, for names beside them."""
FEWEST = 8
"""Characters on a line of a folded name; where there is room for less, names are turned."""
SMALLEST = 4.5
"""Points below which numbers in cells are left out."""
LEFT = 0.56
"""Of the width of the axes, beside labels, a colour bar or a legend."""


def plot_cells(
    cells: pd.DataFrame, ax: Axes, *, rows: str, columns: str, unit: str = "mean loss"
) -> Axes:
    """Draw the mean of every cell as a shade with its number in it.

    Args:
        cells: Columns `rows`, `columns`, `mean`; one row per cell.
        rows: Factor down the side.
        columns: Factor along the bottom.
        unit: What the numbers are, beside the scale.
    """
    means = cells.pivot_table(index=rows, columns=columns, values="mean", sort=False).astype(float)
    size = _number_size(ax, columns=len(means.columns))
    sns.heatmap(
        means,
        ax=ax,
        annot=bool(size >= SMALLEST),
        fmt="#.4g",
        annot_kws={"size": size},
        cmap=LOSS_COLOURS,
        linewidths=1.5,
        linecolor="white",
        # Its own labels would be turned where they overlap, for which it draws the whole figure.
        xticklabels=False,
        yticklabels=False,
        cbar_kws={"label": unit},
    )
    mark(
        ax.collections[0],
        [
            Mark(
                tip=f"{_last(rows)}={as_given(row)}, {_last(columns)}={as_given(column)}: {loss(mean)}"
            )
            for row, across in means.iterrows()
            for column, mean in across.items()
        ],
    )
    for text in ax.texts:
        # Seaborn's pure white is the page's paper colour, which is dark in the dark look; shades are not.
        if to_hex(text.get_color()) == "#ffffff":
            text.set_color("#fdfdfd")
    ax.tick_params(axis="both", rotation=0, length=0)
    _name_levels(ax, list(means.columns), shift=0.5)
    size = mpl.rcParams["ytick.labelsize"]
    names = fold_all([as_given(v) for v in means.index], points=BESIDE * _width(ax), size=size)
    ax.set_yticks([at + 0.5 for at in range(len(names))], names)
    make_room(ax, len(names) * (lines_of(names) - 2))
    ax.set_xlabel(folded(_last(columns), LONGEST))
    ax.set_ylabel(folded(_last(rows), LONGEST))
    _turn_if_crowded(ax)
    return ax


def plot_profiles(cells: pd.DataFrame, ax: Axes, *, rows: str, columns: str) -> Axes:
    """Draw the mean against `columns` with its interval, one line per level of `rows`.

    Parallel lines mean no interaction.

    Args:
        cells: Columns `rows`, `columns`, `mean`, `low`, `high`, `n`; one row per cell.
        rows: Factor that tells the lines apart.
        columns: Factor along the bottom.
    """
    ticks = list(dict.fromkeys(cells[columns]))
    at = {level: i for i, level in enumerate(ticks)}
    levels = list(dict.fromkeys(cells[rows]))
    for i, level in enumerate(levels):
        mine = cells[cells[rows] == level]
        # A small shift keeps intervals at one level from covering each other.
        x = [at[c] + 0.06 * (i - (len(levels) - 1) / 2) for c in mine[columns]]
        spread = [mine["mean"] - mine["low"], mine["high"] - mine["mean"]]
        drawn = ax.errorbar(
            x,
            mine["mean"],
            yerr=spread,
            color=COLOURS[i % len(COLOURS)],
            marker=MARKERS[i % len(MARKERS)],
            linestyle=DASHES[i % len(DASHES)],
            capsize=2,
            label=folded(f"{_last(rows)}={as_given(level)}", LONGEST),
        )
        named = mine.rename(columns={rows: "row", columns: "column"})
        mark(
            drawn[0],
            [
                Mark(
                    tip=f"{_last(rows)}={as_given(cell.row)}, {_last(columns)}={as_given(cell.column)}: "
                    f"{loss(cell.mean)} {interval(cell.low, cell.high, LOSS)}, n={cell.n}"
                )
                for cell in rows_of(named)
            ],
        )
    _name_levels(ax, ticks)
    ax.set_xlim(-0.4, len(ticks) - 0.6)
    ax.set_xlabel(folded(_last(columns), LONGEST))
    _turn_if_crowded(ax)
    return ax


def _number_size(ax: Axes, *, columns: int) -> float:
    """Points at which a number of six characters fits into a cell."""
    return min(float(mpl.rcParams["font.size"]), _width(ax) / columns / (6.5 * CHARACTER))


def _name_levels(ax: Axes, levels: list[object], *, shift: float = 0.0) -> None:
    """Levels along the bottom; those that are too long to be turned a little take several lines."""
    names = [as_given(level) for level in levels]
    size, each = float(mpl.rcParams["xtick.labelsize"]), _width(ax) / len(names)
    if max(map(len, names)) > LONGEST and each < FEWEST * CHARACTER * size:
        _stand_upright(ax, names, shift=shift, lines=max(1, int(each / (LINE * size))))
        return
    if max(map(len, names)) > LONGEST:
        names = fold_all(names, points=each, size=size)
    ax.set_xticks([at + shift for at in range(len(names))], names)
    make_room(ax, lines_of(names) - 1)


def _stand_upright(ax: Axes, names: list[str], *, shift: float, lines: int) -> None:
    """Levels read from below, each on so many lines at most."""
    across = max(LONGEST, -(-max(map(len, names)) // lines) + 4)
    names = [folded(name, across) for name in names]
    ax.set_xticks([at + shift for at in range(len(names))], names, rotation=90)
    make_room(ax, max(len(line) for name in names for line in name.split("\n")) * CHARACTER / LINE)


def _turn_if_crowded(ax: Axes) -> None:
    labels = ax.get_xticklabels()
    names = [label.get_text() for label in labels]
    if lines_of(names) > 1 or any(label.get_rotation() for label in labels):
        return
    needed = max(map(len, names)) + 2
    if needed * CHARACTER * float(mpl.rcParams["xtick.labelsize"]) > _width(ax) / len(names):
        for label in labels:
            label.set(rotation=40, ha="right", rotation_mode="anchor")


def _width(ax: Axes) -> float:
    """About the axes' width in points, before labels and a legend have taken their part."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    return 72 * figure.get_figwidth() * ax.get_position().width * LEFT


def _last(name: str) -> str:
    return name.rsplit(".", 1)[-1]
