"""Importance of factors: one bar per factor and evaluator, each evaluator named by its question."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis.plots.drawing.frames import spread
from analysis.plots.drawing.listing import list_rows
from analysis.plots.drawing.marks import Mark, mark
from analysis.plots.drawing.style import COLOURS, INK
from plain_files.numbers import interval, number

NOTHING = 1e-6
"""Share below which a factor without an interval has no row: nothing would be seen in it."""
_HATCHES = ("", "///", "...", "xxx")


def plot_importance(shares: pd.DataFrame, ax: Axes) -> Axes:
    """Draw shares between 0 and 1 with their intervals, and the level that pure chance reaches.

    Args:
        shares: Columns `factor`, `question`, `share`, `low`, `high`, `chance` (the share that chance
            reaches in 1 of 20 cases). NaN where one is not known.
    """
    drawn = (shares["share"] > NOTHING) | shares["high"].notna()
    shares = shares[shares["factor"].isin(shares.loc[drawn, "factor"])]
    factors = list(dict.fromkeys(shares["factor"]))
    questions = list(dict.fromkeys(shares["question"]))
    thick = 0.8 / max(len(questions), 1)
    for i, question in enumerate(questions):
        mine = shares[shares["question"] == question].set_index("factor").reindex(factors)
        at = np.arange(len(factors)) + (i - (len(questions) - 1) / 2) * thick
        bars = ax.barh(
            at,
            mine["share"],
            height=thick * 0.9,
            color=COLOURS[i],
            hatch=_HATCHES[i % len(_HATCHES)],
            edgecolor="white",
            linewidth=0,
            label=question,
        )
        for bar, (factor, row) in zip(bars, mine.iterrows(), strict=True):
            between = f" {interval(row['low'], row['high'], 2)}" if np.isfinite(row["low"]) else ""
            mark(bar, [Mark(tip=f"{factor}: {number(row['share'], 2)}{between} ({question})")])
        ends = spread(mine, middle="share")
        ax.errorbar(
            mine["share"], at, xerr=ends, linestyle="none", ecolor=INK, elinewidth=1, capsize=2
        )
        ax.vlines(
            mine["chance"],
            at - thick / 2,
            at + thick / 2,
            color=INK,
            linestyle=(0, (1, 1)),
            label="what chance reaches" if i == 0 and mine["chance"].notna().any() else "",
        )
    ax.set_xlim(0, 1)
    ax.set_xlabel("share")
    return list_rows(ax, [name.rsplit(".", 1)[-1] for name in factors], room=0.55)
