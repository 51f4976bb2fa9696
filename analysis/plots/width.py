"""The best ratio against the width of the network, beside the slope that the theory gives."""

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from analysis.plots.frames import rows, spread
from analysis.plots.style import BLUE, GOLD, INK, RED, open_arrow

GUIDES = (
    (2 / 3, "slope 2/3 (the theory)", (0, (5, 2)), GOLD),
    (4 / 3, "slope 4/3 (its rival)", (0, (1, 1.2)), RED),
)


def plot_width(
    widths: pd.DataFrame, ax: Axes, *, slope: float, slope_ci: tuple[float, float]
) -> Axes:
    """Draw r* with its interval at each width, on two logarithmic axes.

    Args:
        widths: Columns `channels`, `r_star`, `low`, `high`; `high` may be infinite, `r_star` too.
        slope: Fitted slope of log r* on log C; NaN where there is none.
        slope_ci: Its interval.
    """
    known = widths[np.isfinite(widths["r_star"]) & np.isfinite(widths["high"])]
    tallest = np.nanmax(widths[["r_star", "low", "high"]].replace(np.inf, np.nan).to_numpy())
    for point in rows(widths[~np.isfinite(widths["high"]) & np.isfinite(widths["low"])]):
        ax.plot([point.channels] * 2, [point.low, 1.3 * tallest], color=BLUE, linewidth=1)
        open_arrow(ax, (point.channels, 1.3 * tallest), towards="up", colour=BLUE)
        if np.isfinite(point.r_star):
            ax.plot(point.channels, point.r_star, "o", color=BLUE, mfc="none")
    bars = spread(known, middle="r_star")
    bars = np.where(np.isfinite(bars), bars, 0)
    ax.errorbar(
        known["channels"], known["r_star"], yerr=bars, fmt="o", color=BLUE, capsize=2, label="r*"
    )
    if len(known):
        c = np.geomspace(widths["channels"].min(), widths["channels"].max(), 50)
        centre = math.exp(np.log(known["channels"]).mean())
        level = math.exp(np.log(known["r_star"]).mean())
        if np.isfinite(slope):
            name = f"fitted slope {slope:.2f} [{slope_ci[0]:.2f}, {slope_ci[1]:.2f}]"
            ax.plot(c, level * (c / centre) ** slope, color=INK, label=name)
        for guide, name, dash, colour in GUIDES:
            ax.plot(c, level * (c / centre) ** guide, color=colour, linestyle=dash, label=name)
    ax.set_xscale("log", base=2)
    ax.set_yscale("log", base=2)
    ax.set_xticks(widths["channels"], [f"{c:g}" for c in widths["channels"]])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(lambda r, _: f"{r:g}")
    ax.set_xlabel("channels C")
    ax.set_ylabel("r*")
    return ax
