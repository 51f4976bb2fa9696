"""Loss against cost: every arm with its interval, the front, and the prices at which the choice switches."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter

from analysis.plots.drawing.frames import rows, spread
from analysis.plots.drawing.point_names import name_points
from analysis.plots.drawing.style import BLUE, GOLD, INK, MUTED

MOST_NAMED = 8
"""Of more arms only those on the front are named."""


def plot_pareto(arms: pd.DataFrame, ax: Axes, *, switches: pd.DataFrame) -> Axes:
    """Draw the mean loss of each arm against its cost; `name_arms` writes their names, once all is laid out.

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
    ax.xaxis.set_major_formatter(EngFormatter(sep=""))
    ax.margins(x=0.12, y=0.1)
    ax.autoscale_view()
    return ax


def name_arms(arms: pd.DataFrame, ax: Axes) -> Axes:
    """Write the arms' names beside their points.

    Args:
        arms: As in `plot_pareto`.
        ax: What `plot_pareto` drew, laid out (`style.lay_out`), its labels and legend there.
    """
    named = arms["standing"] == "front" if len(arms) > MOST_NAMED else arms["label"].notna()
    points = arms[["cost", "mean"]].to_numpy(dtype=float)
    name_points(ax, points, [str(label) for label in arms["label"]], shown=named.to_numpy(bool))
    return ax
