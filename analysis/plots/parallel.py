"""Parallel coordinates: one line a run, one axis a factor, coloured by what it reached."""

from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize

from analysis.plots.drawing.frames import rows
from analysis.plots.drawing.marks import Mark, mark
from analysis.plots.drawing.style import MUTED
from plain_files.numbers import as_given, in_table, loss

LOSS_COLOURS = "cividis"
"""Dark is a low loss, light a high one; in every figure that shades it."""


def plot_parallel(
    runs: pd.DataFrame,
    ax: Axes,
    *,
    factors: list[str],
    value: str,
    name: str = "",
    highest_is_best: bool = False,
) -> Axes:
    """Draw complete runs across the factors' axes.

    Levels are spread evenly and in order on each axis; lines are moved a little so that those that
    share a level can be told apart. The best runs are drawn last, on top.

    Args:
        runs: One row per complete run, with the columns `factors` and `value`; where it has `label`, `seed` and
            `run`, each line says which run it is.
        value: Name of the column that colours a line.
        name: What it is, beside the scale; `value` without.
        highest_is_best: Of `value`; otherwise its lowest.
    """
    jitter = np.random.default_rng(0)
    heights = np.empty((len(runs), len(factors)))
    for column, factor in enumerate(factors):
        heights[:, column], ticks = _positions(runs[factor])
        _draw_axis(ax, column, ticks)
    heights += jitter.uniform(-0.018, 0.018, heights.shape)
    values = runs[value].to_numpy(dtype=float)
    worst_first = np.argsort(values if highest_is_best else -values)
    at = np.arange(len(factors))
    lines = [np.column_stack([at, heights[i]]) for i in worst_first]
    scale = Normalize(0, 1)
    if len(values):
        # Without the worst tenth: a few bad runs would otherwise make all others alike.
        scale = Normalize(*np.quantile(values, (0.1, 1) if highest_is_best else (0, 0.9)))
    shown = LineCollection(
        lines,
        array=values[worst_first],
        cmap=mpl.colormaps[LOSS_COLOURS],
        norm=scale,
        linewidths=0.9,
        alpha=0.7 if len(lines) < 200 else 0.3,
        rasterized=len(lines) > 500,
    )
    ax.add_collection(shown)
    if not shown.get_rasterized() and {"label", "seed", "run"} <= set(runs):
        told = rows(runs.iloc[worst_first])
        mark(
            shown, [_told(run, float(values[i])) for run, i in zip(told, worst_first, strict=True)]
        )
    bar = ax.figure.colorbar(
        shown, ax=ax, extend="min" if highest_is_best else "max", pad=0.02, label=name or value
    )
    bar.outline.set_visible(False)
    ax.set_xlim(-0.2, len(factors) - 0.5)
    ax.set_ylim(-0.06, 1.06)
    ax.set_xticks(at, [factor.rsplit(".", 1)[-1].replace("_", " ") for factor in factors])
    ax.set_yticks([])
    ax.grid(visible=False)
    ax.spines[["left", "bottom"]].set_visible(False)
    return ax


def _told(run: Any, reached: float) -> Mark:
    seed = "" if pd.isna(run.seed) else as_given(run.seed)
    of = f", seed {seed}" if seed else ""
    return Mark(
        tip=f"{run.label}{of}: {loss(reached)}", arm=str(run.label), seed=seed, run=str(run.run)
    )


def _positions(column: pd.Series) -> tuple[np.ndarray, dict[float, str]]:
    present = column.dropna()
    numeric = pd.to_numeric(present, errors="coerce")
    ordered = bool(len(present)) and bool(numeric.notna().all()) and present.dtype != bool
    if ordered and numeric.nunique() > 12:
        return _continuous(column, numeric)
    levels = sorted(present.unique(), key=float) if ordered else sorted(map(str, present.unique()))
    names = [as_given(x) if ordered else str(x) for x in levels]
    if column.isna().any():
        names.append("unused")
    span = max(len(names) - 1, 1)
    where = {name: i / span for i, name in enumerate(names)}
    keys = ["unused" if pd.isna(x) else as_given(x) if ordered else str(x) for x in column]
    return np.array([where[key] for key in keys]), {at: name for name, at in where.items()}


def _continuous(column: pd.Series, numeric: pd.Series) -> tuple[np.ndarray, dict[float, str]]:
    low, high = float(numeric.min()), float(numeric.max())
    logarithmic = low > 0 and high / low > 20
    scale = np.log if logarithmic else np.asarray
    ends = scale(np.array([low, high]))
    heights = (scale(pd.to_numeric(column).to_numpy(dtype=float)) - ends[0]) / (ends[1] - ends[0])
    return np.nan_to_num(heights, nan=1.06), {0.0: in_table(low), 1.0: in_table(high)}


def _draw_axis(ax: Axes, column: int, ticks: dict[float, str]) -> None:
    ax.axvline(column, 0.05, 0.95, color=MUTED, linewidth=0.8, zorder=1)
    for height, name in ticks.items():
        ax.annotate(
            name,
            (column, height),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            zorder=6,
            bbox={
                "boxstyle": "round,pad=0.1",
                "facecolor": "white",
                "edgecolor": "none",
                "alpha": 0.8,
            },
        )
