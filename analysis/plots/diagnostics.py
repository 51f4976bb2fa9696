"""What the fit rests on: leverage, leaving a ratio out, the rival curves, the bootstrap of r*."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis.plots.drawing.frames import rows as rows_of
from analysis.plots.drawing.frames import spread
from analysis.plots.drawing.marks import Mark, mark
from analysis.plots.drawing.style import BLUE, FAINT, INK, MUTED, RED, open_arrow, ratio_axis
from analysis.tradeoff.reduction_fit import ReductionFit
from plain_files.numbers import as_given, interval, number


def plot_leverage(fit: ReductionFit, ax: Axes) -> Axes:
    """Draw the leverage of each ratio's mean; at 1 the fit goes through it whatever it is."""
    ratios = list(fit.leverage)
    bars = ax.bar(range(len(ratios)), list(fit.leverage.values()), color=BLUE, width=0.6)
    for bar, (ratio, leverage) in zip(bars, fit.leverage.items(), strict=True):
        mark(bar, [Mark(tip=f"r = {as_given(ratio)}: leverage {number(leverage)}")])
    ax.set_xticks(range(len(ratios)), [as_given(r) for r in ratios])
    ax.axhline(1, color=MUTED, linewidth=0.8, linestyle=(0, (2, 2)))
    ax.set_ylim(0, 1.08)
    ax.set_xlabel("reduction ratio r")
    ax.set_ylabel("leverage")
    return ax


def plot_left_out(dropped: pd.DataFrame, ax: Axes) -> Axes:
    """Draw κ with its interval when each ratio in turn is left out, and with all of them.

    Args:
        dropped: Columns `without` (a ratio, NaN for none), `kappa`, `low`, `high`.
    """
    rows = range(len(dropped))
    names = ["all" if np.isnan(r) else f"without {as_given(r)}" for r in dropped["without"]]
    bars = spread(dropped, middle="kappa")
    drawn = ax.errorbar(
        dropped["kappa"], rows, xerr=bars, fmt="o", color=BLUE, ecolor=INK, capsize=2
    )
    known = [row for row in zip(names, rows_of(dropped), strict=True) if not np.isnan(row[1].kappa)]
    mark(
        drawn[0],
        [
            Mark(tip=f"{name}: κ {number(row.kappa)} {interval(row.low, row.high)}")
            for name, row in known
        ],
    )
    ax.axvline(0, color=MUTED, linewidth=0.8)
    ax.set_yticks(rows, names)
    ax.set_ylim(len(dropped) - 0.5, -0.5)
    ax.grid(visible=True, axis="x")
    ax.grid(visible=False, axis="y")
    ax.set_xlabel("κ")
    return ax


def plot_families(fit: ReductionFit, ax: Axes) -> Axes:
    """Draw the AICc weight of each curve family, the heaviest on top."""
    models = fit.models
    rows = range(len(models))
    theory = models["family"].astype(str).str.startswith("quad0")
    colours = [BLUE if own else FAINT for own in theory]
    bars = ax.barh(rows, models["weight"], color=colours, height=0.65)
    for bar, family, weight in zip(bars, models["family"], models["weight"], strict=True):
        if not np.isnan(weight):
            mark(bar, [Mark(tip=f"{family}: weight {number(weight)}")])
    for row, weight in zip(rows, models["weight"], strict=True):
        ax.annotate(
            "no AICc" if np.isnan(weight) else f"{weight:.2f}",
            (np.nan_to_num(weight), row),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
        )
    ax.set_yticks(rows, list(models["family"]))
    ax.set_ylim(len(models) - 0.5, -0.5)
    ax.set_xlim(0, 1.1)
    ax.grid(visible=True, axis="x")
    ax.grid(visible=False, axis="y")
    ax.set_xlabel("AICc weight (blue: the theory)")
    return ax


def plot_bootstrap(draws: np.ndarray, ax: Axes, *, fit: ReductionFit) -> Axes:
    """Draw the distribution of the averaged r* over bootstrap data sets.

    Args:
        draws: The averaged r* of each data set; infinity where J falls to the end of the range.
        fit: Gives the tested ratios, the averaged r* and its interval.
    """
    ratio_axis(ax, fit.tested["r"], label="averaged r*")
    finite = draws[np.isfinite(draws)]
    low, high = ax.get_xlim()
    bins = np.geomspace(low, high, 40)
    share = np.histogram(np.clip(finite, low, high), bins)[0] / max(len(draws), 1)
    ax.stairs(share, bins, fill=True, color=FAINT)
    ax.axvline(fit.average.r_star, color=RED, linestyle=(0, (5, 2)))
    left, right = fit.average.ci
    ax.axvspan(max(left, low), min(right, high), color=RED, alpha=0.1, linewidth=0)
    ax.set_xlim(low, high)
    if len(finite) < len(draws):
        top = ax.get_ylim()[1]
        open_arrow(ax, (high, top), towards="right", colour=RED)
        # Above the axes: anywhere inside, bars and the line of r* can lie behind it.
        ax.annotate(
            f"{100 * (1 - len(finite) / len(draws)):.0f} % at or beyond the largest tested ratio",
            (high, top),
            xytext=(0, 6),
            textcoords="offset points",
            ha="right",
            va="bottom",
        )
        ax.set_ylim(0, top)
    ax.set_ylabel("share of data sets")
    return ax
