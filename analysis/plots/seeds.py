"""Seeds by arm: every run as a point, the mean, and a box where there are enough runs for one."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis.plots.drawing.listing import list_rows, note_row
from analysis.plots.drawing.style import BLUE, FAINT, INK, MUTED, RED

FEWEST_FOR_A_BOX = 8
"""Below this a box would show quartiles of a handful of points; the points say more."""


def plot_seeds(runs: pd.DataFrame, ax: Axes, *, baseline: str = "") -> Axes:
    """Draw the value of every complete run, one row an arm, in the order of first appearance.

    Args:
        runs: Columns `label`, `seed`, `value`; one row per run.
        baseline: Label of the arm that the others are compared with; its mean is the dashed line.
    """
    labels = list(dict.fromkeys(runs["label"]))
    jitter = np.random.default_rng(0)
    for row, label in enumerate(labels):
        values = runs.loc[runs["label"] == label, "value"].to_numpy(dtype=float)
        if len(values) >= FEWEST_FOR_A_BOX:
            _box(ax, row, values)
        offsets = (
            jitter.uniform(-0.16, 0.16, len(values)) if len(values) > 3 else np.zeros(len(values))
        )
        ax.plot(values, row + offsets, "o", color=BLUE, alpha=0.75, markeredgewidth=0, zorder=3)
        ax.plot([values.mean()] * 2, [row - 0.34, row + 0.34], color=INK, zorder=4)
        note_row(ax, row, f"n={len(values)}", gap=4)
    if baseline in labels:
        at = runs.loc[runs["label"] == baseline, "value"].mean()
        ax.axvline(at, color=RED, linestyle=(0, (5, 2)), zorder=1, label=f"mean of {baseline}")
    return list_rows(ax, labels)


def _box(ax: Axes, row: int, values: np.ndarray) -> None:
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    ax.broken_barh([(low, high - low)], (row - 0.28, 0.56), facecolor=FAINT, alpha=0.6, zorder=1)
    ax.plot([middle] * 2, [row - 0.28, row + 0.28], color=MUTED, zorder=2)
