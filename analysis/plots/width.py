"""The best ratio against the width of the network, beside the slope that the theory gives."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from analysis.plots.drawing.frames import rows, spread
from analysis.plots.drawing.logarithmic_axis import plain_powers
from analysis.plots.drawing.marks import Mark, mark
from analysis.plots.drawing.style import BLUE, GOLD, INK, RED, open_arrow
from plain_files.numbers import interval, number

GUIDES = (
    (2 / 3, "slope 2/3 (the theory)", (0, (5, 2)), GOLD),
    (4 / 3, "slope 4/3 (its rival)", (0, (1, 1.2)), RED),
)


def plot_width(
    widths: pd.DataFrame,
    ax: Axes,
    *,
    slope: float,
    slope_ci: tuple[float, float],
    names: Sequence[str],
    is_relative: bool = False,
) -> Axes:
    """Draw r* with its interval at each width, on two logarithmic axes.

    Args:
        widths: Columns `channels`, `r_star`, `low`, `high`; `high` may be infinite, `r_star` too.
        slope: Fitted slope of log r* on log C; NaN where there is none.
        slope_ci: Its interval.
        names: Of the widths on the axis, as their user wrote them.
        is_relative: Whether r* is that of the first width times its number on the axis: without a price
            only its growth is known.
    """
    bounded = np.isfinite(widths["r_star"]) & np.isfinite(widths["high"])
    _draw_open(widths[~bounded & np.isfinite(widths["low"])], ax, widths=widths)
    known = widths[bounded]
    if len(known):
        bars = np.nan_to_num(spread(known, middle="r_star"))
        look: dict[str, Any] = {
            "fmt": "o",
            "color": BLUE,
            "capsize": 2,
            "label": "r* and its interval",
        }
        drawn = ax.errorbar(known["channels"], known["r_star"], yerr=bars, **look)
        at = dict(zip(widths["channels"], names, strict=True))
        mark(drawn[0], [_told(width, at[width.channels]) for width in rows(known)])
        _draw_slopes(known, ax, widths=widths, slope=slope, slope_ci=slope_ci)
    ax.set_xscale("log", base=2)
    ax.set_yscale("log", base=2)
    ax.set_xticks(widths["channels"], names)
    ax.xaxis.set_minor_locator(NullLocator())
    plain_powers(ax.yaxis)
    ax.set_ylabel("r* against the first width's" if is_relative else "r*")
    return ax


def _told(width: Any, name: str) -> Mark:
    return Mark(tip=f"width {name}: r* {number(width.r_star)} {interval(width.low, width.high)}")


def _draw_open(open_ended: pd.DataFrame, ax: Axes, *, widths: pd.DataFrame) -> None:
    """A bar from the lower limit to beyond everything else, with an arrow head on top."""
    finite = widths[["r_star", "low", "high"]].replace(np.inf, np.nan).to_numpy(dtype=float)
    for i, point in enumerate(rows(open_ended)):
        top = 1.3 * float(np.nanmax(finite))
        name = "r* with an open interval" if i == 0 else None
        ax.plot([point.channels] * 2, [point.low, top], color=BLUE, linewidth=1, label=name)
        open_arrow(ax, (point.channels, top), towards="up", colour=BLUE)
        if np.isfinite(point.r_star):
            ax.plot(point.channels, point.r_star, "o", color=BLUE, mfc="none")


def _draw_slopes(
    known: pd.DataFrame,
    ax: Axes,
    *,
    widths: pd.DataFrame,
    slope: float,
    slope_ci: tuple[float, float],
) -> None:
    """The fitted slope and the guides, through the geometric centre of the bounded points."""
    c = np.geomspace(widths["channels"].min(), widths["channels"].max(), 50)
    centre = math.exp(np.log(known["channels"]).mean())
    level = math.exp(np.log(known["r_star"]).mean())
    if np.isfinite(slope):
        name = f"fitted slope {slope:.2f} [{slope_ci[0]:.2f}, {slope_ci[1]:.2f}]"
        ax.plot(c, level * (c / centre) ** slope, color=INK, label=name)
    for guide, name, dash, colour in GUIDES:
        ax.plot(c, level * (c / centre) ** guide, color=colour, linestyle=dash, label=name)
