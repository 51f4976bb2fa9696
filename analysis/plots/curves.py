"""Learning curves: the median over seeds of each arm, with every run thin behind it."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.ticker import MaxNLocator

from analysis.plots.drawing.logarithmic_axis import plain_powers
from analysis.plots.drawing.marks import Mark, mark
from analysis.plots.drawing.style import COLOURS, DASHES, FAINT, MUTED
from plain_files.numbers import as_given, loss

MOST_NAMED = len(COLOURS)
"""Arms that get a colour and a name of their own; the others are drawn grey behind them."""


def plot_curves(epochs: pd.DataFrame, ax: Axes, *, named: list[str], evaluated: int) -> Axes:
    """Draw loss against epoch.

    Args:
        epochs: Columns `label`, `run`, `state`, `epoch`, `value`; one row per run and epoch.
        named: Labels of the arms to colour, at most `MOST_NAMED`.
        evaluated: The epoch whose value enters every estimate; a vertical line.
    """
    others = epochs[~epochs["label"].isin(named)]
    _thin(ax, others, FAINT)
    for label, colour, dash in zip(named, COLOURS, DASHES, strict=False):
        mine = epochs[epochs["label"] == label]
        _thin(ax, mine[mine["state"] != "PRUNED"], colour)
        _thin(ax, mine[mine["state"] == "PRUNED"], colour, linestyle=":")
        whole = mine[mine["state"] == "COMPLETE"]
        median = whole.groupby("epoch")["value"].median()
        seeds = whole["run"].nunique()
        # One epoch makes no line.
        marker = "o" if len(median) == 1 else ""
        ax.plot(
            median.index, median, color=colour, linestyle=dash, marker=marker,
            label=f"{label} (n={seeds})",
        )  # fmt: skip
    if len(others):
        count = others["label"].nunique()
        ax.plot([], [], color=FAINT, label=f"{count} other arm{'s' * (count > 1)}")
    ax.axvline(evaluated, color=MUTED, linewidth=0.8, linestyle=(0, (2, 2)))
    ax.annotate(
        "evaluated",
        (evaluated, 1.0),
        xycoords=ax.get_xaxis_transform(),
        xytext=(-3, -3),
        textcoords="offset points",
        ha="right",
        va="top",
        color=MUTED,
        rotation=90,
    )
    values = epochs["value"].dropna()
    if len(values) and values.min() > 0 and values.max() / values.min() > 10:
        ax.set_yscale("log")
        plain_powers(ax.yaxis)
    if epochs["epoch"].min() == epochs["epoch"].max():
        ax.set_xlim(evaluated - 1, evaluated + 1)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    ax.set_xlabel("epoch")
    return ax


def _thin(ax: Axes, epochs: pd.DataFrame, colour: str, *, linestyle: str = "-") -> None:
    by_run = list(epochs.groupby("run"))
    if by_run:
        lines = [run[["epoch", "value"]].to_numpy() for _, run in by_run]
        # One collection for all runs: thousands of separate lines take minutes to draw.
        drawn = LineCollection(
            lines, colors=colour, linewidths=0.5, linestyles=linestyle, alpha=0.45
        )
        mark(drawn, [_told(run) for _, run in by_run])
        ax.add_collection(drawn)
        ax.autoscale_view()


def _told(run: pd.DataFrame) -> Mark:
    first, last = run.iloc[0], run.iloc[-1]
    seed = "" if "seed" not in run or pd.isna(first["seed"]) else as_given(first["seed"])
    of = f", seed {seed}" if seed else ""
    tip = f"{first['label']}{of}: {loss(last['value'])} after epoch {as_given(last['epoch'])}"
    return Mark(tip=tip, arm=str(first["label"]), seed=seed, run=str(first["run"]))
