"""What a ratio is worth at a price: J(r) for some prices, and r* against the price."""

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from analysis.plots.drawing.logarithmic_axis import plain_powers
from analysis.plots.drawing.marks import Mark, mark
from analysis.plots.drawing.style import (
    BLUE,
    COLOURS,
    DASHES,
    GOLD,
    INK,
    MARKERS,
    RED,
    ratio_axis,
)
from analysis.tradeoff.reduction_fit import ReductionFit
from plain_files.numbers import as_given, loss

MOST_PRICES = 4
MOST_OF_SPAN = 1.52
"""Of the loss's range over the ratios, above which a point is left out."""


def plot_objective(fit: ReductionFit, ax: Axes, *, prices: list[float]) -> Axes:
    """Draw J(r) = L(r) + price x weights above its own tested minimum, a curve per price.

    Args:
        fit: A fit whose `c2_eff` is known.
        prices: In the metric's unit per weight, at most `MOST_PRICES`.
    """
    ratio_axis(ax, fit.tested["r"])
    tested = fit.tested["r"].to_numpy(dtype=float)
    weights = 2 * float(fit.c2_eff or math.nan)
    r = np.geomspace(tested.min(), tested.max(), 300)
    # A price far from the others would press all curves flat: the loss's own range sets the scale.
    span = float(np.ptp(fit.tested["loss"])) or 1.0
    bottom = 0.0
    looks = zip(prices, COLOURS, MARKERS, DASHES, strict=False)
    for price, colour, marker, dash in looks:
        paid = fit.tested["loss"].to_numpy(dtype=float) + price * weights / tested
        # Each price has its own zero: curves that differ by the whole cost could not share an axis.
        curve = fit.average_curve(r) + price * weights / r
        ax.plot(r, curve - paid.min(), color=colour, linestyle=dash)
        # A point at the edge would be cut in half, and one beyond it is not of this scale.
        near = paid - paid.min() <= MOST_OF_SPAN * span
        points = ax.plot(tested[near], (paid - paid.min())[near], marker, color=colour)
        mark(points[0], [_told(*one, price) for one in zip(tested[near], paid[near], strict=True)])
        name = f"{as_given(price, 3)} per weight: best tested r = {as_given(tested[paid.argmin()])}"
        ax.plot([], [], marker=marker, linestyle=dash, color=colour, label=name)
        low = int(curve.argmin())
        bottom = min(bottom, float(curve[low] - paid.min()))
        ax.plot(
            r[low], curve[low] - paid.min(), "|", color=colour, markersize=11, markeredgewidth=2
        )
    ax.set_ylim(bottom - 0.12 * span, 1.6 * span)
    return ax


def _told(ratio: float, paid: float, price: float) -> Mark:
    return Mark(
        tip=f"r = {as_given(ratio)} at {as_given(price, 3)} per weight: {loss(paid)} in all"
    )


def plot_sweep(fit: ReductionFit, ax: Axes, *, switches: pd.DataFrame) -> Axes:
    """Draw r* with its band against the price, and what the theory and the tested ratios say.

    Args:
        fit: A fit whose sweep is not empty.
        switches: Columns `price`, `best_below`, `best_above`; marked on the price axis.
    """
    sweep = fit.sweep
    price = sweep["price"].to_numpy(dtype=float)
    tested = sorted(fit.tested["r"])
    bottom, top = tested[0] / 1.6, tested[-1] * 1.6
    if np.isfinite(sweep["low"]).any():
        high = sweep["high"].fillna(np.inf).clip(upper=top * 4)
        ax.fill_between(price, sweep["low"], high, color=RED, alpha=0.15, linewidth=0)
    rejected = fit.status in ("quadratic_rejected", "curves_rejected")
    theory = "r* by the theory" + (" (rejected)" if rejected else "")
    for column, colour, name in (("theory", BLUE, theory), ("r_star", RED, "r*")):
        finite = np.isfinite(sweep[column])
        if finite.any():
            ax.plot(price[finite], sweep[column][finite], color=colour, label=name)
    ax.step(
        price,
        sweep["best_tested"],
        where="mid",
        color=INK,
        linestyle=(0, (5, 2)),
        label="best tested ratio",
    )
    for at in switches["price"]:
        ax.axvline(at, color=GOLD, linewidth=0.8, zorder=1)
    if len(switches):
        ax.plot([], [], color=GOLD, linewidth=0.8, label="the best tested arm changes")
    ax.set_xscale("log")
    plain_powers(ax.xaxis)
    ax.set_yscale("log", base=2)
    ax.set_yticks(tested, [as_given(r) for r in tested])
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set_ylim(bottom, top)
    ax.set_xlim(price.min(), price.max())
    if fit.price_per_param is not None and price.min() <= fit.price_per_param <= price.max():
        ax.axvline(fit.price_per_param, color=INK, linestyle=(0, (1, 1.2)), label="the named price")
    ax.set_xlabel("price of one weight (loss)")
    ax.set_ylabel("ratio r")
    return ax
