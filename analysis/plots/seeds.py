"""Seeds by arm: every run as a point, joined with its seed's other runs, the mean, and a box of many runs."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from analysis.plots.drawing.frames import rows
from analysis.plots.drawing.listing import list_rows, note_row
from analysis.plots.drawing.marks import Mark, mark
from analysis.plots.drawing.style import BLUE, FAINT, INK, MUTED, RED
from plain_files.numbers import as_given, loss

FEWEST_FOR_A_BOX = 8
"""Below this a box would show quartiles of a handful of points; the points say more."""
ROOM = 0.22
"""Half of a row's height that the seeds share, each at its own place in every row."""


def plot_seeds(runs: pd.DataFrame, ax: Axes, *, baseline: str = "") -> Axes:
    """Draw the value of every complete run, one row an arm, in the order of first appearance.

    A seed lies at the same height within every row, and a line joins its runs: lines that run side by side are
    seeds that find the same arms hard.

    Args:
        runs: Columns `label`, `seed`, `run`, `value`; one row per run.
        baseline: Label of the arm that the others are compared with; its mean is the dashed line.
    """
    labels = list(dict.fromkeys(runs["label"]))
    at = {label: row for row, label in enumerate(labels)}
    seeds = sorted(runs["seed"].dropna().unique())
    heights = dict(zip(seeds, np.linspace(-ROOM, ROOM, len(seeds)), strict=True))
    shift = runs["seed"].map(heights).fillna(0.0) if len(seeds) > 1 else 0.0
    placed = runs.assign(height=runs["label"].map(at) + shift)
    _join(ax, placed)
    for label, mine in placed.groupby("label", sort=False):
        values = mine["value"].to_numpy(dtype=float)
        row = at[str(label)]
        if len(values) >= FEWEST_FOR_A_BOX:
            _box(ax, row, values)
        (points,) = ax.plot(
            values, mine["height"], "o", color=BLUE, alpha=0.75, markeredgewidth=0, zorder=3
        )
        mark(points, [_told(run) for run in rows(mine)])
        ax.plot([values.mean()] * 2, [row - 0.34, row + 0.34], color=INK, zorder=4)
        note_row(ax, row, f"n={len(values)}", gap=4)
    if baseline in labels:
        mean = runs.loc[runs["label"] == baseline, "value"].mean()
        ax.axvline(mean, color=RED, linestyle=(0, (5, 2)), zorder=1, label=f"mean of {baseline}")
    return list_rows(ax, labels)


def _join(ax: Axes, placed: pd.DataFrame) -> None:
    """A line through the runs of each seed, from row to row."""
    by_seed = [(seed, mine) for seed, mine in placed.groupby("seed") if len(mine) > 1]
    if not by_seed:
        return
    lines = [mine.sort_values("height")[["value", "height"]].to_numpy() for _, mine in by_seed]
    joined = LineCollection(lines, colors=MUTED, linewidths=0.5, alpha=0.6, zorder=2)
    mark(joined, [Mark(tip=f"seed {as_given(seed)}", seed=as_given(seed)) for seed, _ in by_seed])
    ax.add_collection(joined)
    ax.plot([], [], color=MUTED, linewidth=0.5, label="one seed")


def _told(run: Any) -> Mark:
    seed = "" if pd.isna(run.seed) else as_given(run.seed)
    said = f", seed {seed}" if seed else ""
    tip = f"{run.label}{said}: {loss(run.value)}"
    return Mark(tip=tip, arm=str(run.label), seed=seed, run=str(run.run))


def _box(ax: Axes, row: int, values: np.ndarray) -> None:
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    ax.broken_barh([(low, high - low)], (row - 0.28, 0.56), facecolor=FAINT, alpha=0.6, zorder=1)
    ax.plot([middle] * 2, [row - 0.28, row + 0.28], color=MUTED, zorder=2)
