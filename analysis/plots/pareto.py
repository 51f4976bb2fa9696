"""Loss against cost: every arm with its interval, the front, and the prices at which the choice switches."""

import itertools
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, LogLocator, NullLocator

from analysis.plots.drawing.frames import rows, spread
from analysis.plots.drawing.marks import Mark, mark
from analysis.plots.drawing.point_names import name_points
from analysis.plots.drawing.style import BLUE, GOLD, INK, MUTED
from plain_files.numbers import LOSS, interval, loss

MOST_NAMED = 8
"""Of more arms only those on the front are named."""
SAMPLES = 50
"""Places of an interval, and of a step of the front, that names keep clear of."""


def plot_pareto(arms: pd.DataFrame, ax: Axes, *, switches: pd.DataFrame) -> Axes:
    """Draw the mean loss of each arm against its cost; `name_arms` writes their names, once all is laid out.

    Args:
        arms: Columns `label`, `cost`, `mean`, `low`, `high`, `n`, `standing` (`front`, `dominated`, or
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
            drawn = ax.errorbar(
                some["cost"], some["mean"], yerr=bars, linestyle="none", elinewidth=0.8, **look
            )
            mark(drawn[0], [_told(arm) for arm in rows(some)])
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


def logarithmic_cost(ax: Axes) -> None:
    """Set the cost on a logarithmic axis, with a few of its numbers written out."""
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    ax.xaxis.set_major_formatter(EngFormatter(sep=""))
    ax.xaxis.set_minor_locator(NullLocator())


def zoom_to_front(arms: pd.DataFrame, ax: Axes) -> None:
    """Show the part of the axes where the front lies.

    Args:
        arms: As in `plot_pareto`, two or more of them on the front.
        ax: What `plot_pareto` drew.
    """
    front = arms[arms["standing"] == "front"]
    costs, ends = front["cost"], front[["low", "high", "mean"]].to_numpy(dtype=float)
    low, high = np.nanmin(ends), np.nanmax(ends)
    room = 0.15 * (costs.max() - costs.min())
    ax.set_xlim(costs.min() - room, costs.max() + room)
    ax.set_ylim(low - 0.1 * (high - low), high + 0.1 * (high - low))


def _told(arm: Any) -> Mark:
    ends = f" {interval(arm.low, arm.high, LOSS)}" if np.isfinite(arm.low) else ""
    tip = f"{arm.label}: {loss(arm.mean)}{ends}, n={arm.n}, {arm.cost:,.0f} parameters, {_standing(arm)}"
    return Mark(tip=tip, arm=str(arm.label))


def _standing(arm: Any) -> str:
    return {"front": "on the front", "unclear": "not clearly dominated"}.get(
        arm.standing, "dominated"
    )


def name_arms(arms: pd.DataFrame, ax: Axes) -> Axes:
    """Write the arms' names beside their points.

    Args:
        arms: As in `plot_pareto`.
        ax: What `plot_pareto` drew, laid out (`style.lay_out`), its labels and legend there.
    """
    named = arms["standing"] == "front" if len(arms) > MOST_NAMED else arms["label"].notna()
    points = arms[["cost", "mean"]].to_numpy(dtype=float)
    (left, right), (bottom, top) = sorted(ax.get_xlim()), sorted(ax.get_ylim())
    inside = (left <= points[:, 0]) & (points[:, 0] <= right)
    inside &= (bottom <= points[:, 1]) & (points[:, 1] <= top)
    # A name across an interval or the front's steps would be struck through.
    lines = np.concatenate([np.zeros((0, 2)), *_along(arms), *_steps(arms)])
    labels = [str(label) for label in arms["label"]]
    name_points(ax, points, labels, shown=named.to_numpy(bool) & inside, spots=lines)
    return ax


def _along(arms: pd.DataFrame) -> list[Any]:
    """Points along the interval of each arm that has one, shape (`SAMPLES`, 2) each."""
    some = arms[np.isfinite(arms["low"]) & np.isfinite(arms["high"])]
    return [
        np.column_stack([np.full(SAMPLES, arm.cost), np.linspace(arm.low, arm.high, SAMPLES)])
        for arm in rows(some)
    ]


def _steps(arms: pd.DataFrame) -> list[Any]:
    """Points along the front: from an arm to the cost of the next, then to its mean; shape (`SAMPLES`, 2) each."""
    front = arms[arms["standing"] == "front"].sort_values("cost")[["cost", "mean"]].to_numpy(float)
    corners = [(a, np.array([b[0], a[1]]), b) for a, b in itertools.pairwise(front)]
    return [
        np.linspace(start, end, SAMPLES)
        for corner in corners
        for start, end in itertools.pairwise(corner)
    ]
