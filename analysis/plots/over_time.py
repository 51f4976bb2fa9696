"""Effects against training time: each comparison with the baseline at a quarter, half, three quarters and the end."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from analysis.plots.drawing.frames import rows, spread
from analysis.plots.drawing.marks import Mark, mark
from analysis.plots.drawing.style import COLOURS, DASHES, FAINT, INK, MARKERS, MUTED
from plain_files.numbers import as_given, interval, signed

MOST_NAMED = len(COLOURS)
"""Comparisons with a colour and a name of their own; the others are drawn grey behind them."""


def plot_over_time(by_epoch: pd.DataFrame, ax: Axes, *, named: list[str]) -> Axes:
    """Draw the differences to the baseline against the epoch, with marginal 95 % intervals.

    Args:
        by_epoch: Columns `label`, `epoch`, `estimate`, `low`, `high`, `n_pairs`.
        named: Labels with a colour of their own, at most `MOST_NAMED`.
    """
    ax.axhline(0, color=INK, linewidth=0.8)
    others = by_epoch[~by_epoch["label"].isin(named)]
    for _, mine in others.groupby("label", sort=False):
        ax.plot(mine["epoch"], mine["estimate"], color=FAINT, linewidth=0.8, zorder=1)
    if len(others):
        ax.plot([], [], color=FAINT, label=f"{others['label'].nunique()} other comparisons")
    last = by_epoch["epoch"].max()
    for i, (label, colour, marker, dash) in enumerate(
        zip(named, COLOURS, MARKERS, DASHES, strict=False)
    ):
        mine = by_epoch[by_epoch["label"] == label]
        # A small shift keeps intervals at one epoch from covering each other.
        x = mine["epoch"] + 0.008 * last * (i - (len(named) - 1) / 2)
        drawn = ax.errorbar(
            x, mine["estimate"], yerr=np.nan_to_num(spread(mine, middle="estimate")), color=colour,
            marker=marker, linestyle=dash, elinewidth=0.8, capsize=2, label=label,
        )  # fmt: skip
        mark(
            drawn[0],
            [
                Mark(
                    tip=f"{label} at epoch {as_given(at.epoch)}: {signed(at.estimate)} {interval(at.low, at.high)}, "
                    f"n={as_given(at.n_pairs)}",
                    arm=label,
                )
                for at in rows(mine)
            ],
        )
    ax.axvline(last, color=MUTED, linewidth=0.8, linestyle=(0, (2, 2)))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    ax.set_xlabel("epoch")
    return ax
