"""Loss against cost: every arm with its interval, the front, and the prices at which the choice switches."""

from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter

from analysis.plots.frames import rows, spread
from analysis.plots.style import BLUE, GOLD, INK, MUTED


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
    """Names beside the points, moved up or down where two would cover each other."""
    ax.xaxis.set_major_formatter(EngFormatter(sep=""))
    ax.margins(x=0.12, y=0.1)
    ax.autoscale_view()
    named = arms if len(arms) <= 8 else arms[arms["standing"] == "front"]
    size = float(mpl.rcParams["font.size"])
    # Points of the figure, before its layout: near enough to keep names apart.
    points = ax.transData.transform(named[["cost", "mean"]].to_numpy(dtype=float))
    points *= 72 / ax.figure.dpi
    left_end, right_end = np.array(ax.get_window_extent().intervalx) * 72 / ax.figure.dpi
    taken: list[tuple[float, float, float]] = []
    for row, (x, y) in zip(rows(named), points, strict=True):
        left = x > (left_end + right_end) / 2
        room = (x - left_end if left else right_end - x) - 10
        name = _shortened(str(row.label), int(room / (0.6 * size)))
        width = 0.6 * size * len(name) + 5
        start = x - width if left else x
        shifts = sorted((k * 1.1 * size for k in range(-8, 9)), key=abs)
        shift = next((d for d in shifts if not _covers(taken, start, y + d, width, size)), 0.0)
        taken.append((start, y + shift, width))
        text = ax.annotate(
            name,
            (row.cost, row.mean),
            xytext=(-5 if left else 5, 4 + shift),
            textcoords="offset points",
            ha="right" if left else "left",
        )
        text.set_in_layout(False)  # a long name would squeeze the axes
    return ax


def _shortened(name: str, most: int) -> str:
    return name if len(name) <= most else f"{name[: max(most - 1, 1)]}…"


def _covers(
    taken: list[tuple[float, float, float]], x: float, y: float, width: float, height: float
) -> bool:
    return any(
        x < other + length and other < x + width and abs(y - level) < 1.05 * height
        for other, level, length in taken
    )
