"""Loss against the reduction ratio: runs, means, the fitted curves, r* and the arm without attention."""

import math
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from analysis.plots.drawing.frames import rows, spread
from analysis.plots.drawing.marks import Mark, mark
from analysis.plots.drawing.style import BLUE, FAINT, GOLD, INK, MUTED, RED, open_arrow, ratio_axis
from analysis.tradeoff.kappa import Interval
from analysis.tradeoff.reduction_fit import ReductionFit
from plain_files.numbers import LOSS, as_given, interval, loss, number

BASIS = {"average": "average", "monotone": "best tested", "theory": "theory", "given": "given"}
"""What r* rests on, in a legend."""


def plot_ratio(fit: ReductionFit, ax: Axes, *, runs: pd.DataFrame, means: pd.DataFrame) -> Axes:
    """Draw the fit over what it was fitted to.

    Args:
        fit: The trade-off. Its r* and intervals are drawn where a price was named.
        runs: Columns `label`, `run`, `r`, `seed` (NaN where runs share none), `loss`, `adjusted` (loss with the
            seed's own level taken out).
        means: Columns `r`, `mean`, `low`, `high`; NaN ends where there are no replicates.
    """
    ratio_axis(ax, fit.tested["r"])
    _runs(runs, ax)
    r = np.geomspace(fit.tested["r"].min(), fit.tested["r"].max(), 200)
    _curves(fit, ax, r)
    bars = spread(means, middle="mean")
    drawn = ax.errorbar(
        means["r"],
        means["mean"],
        yerr=bars,
        fmt="o",
        color=INK,
        capsize=2,
        zorder=4,
        label="mean",
    )
    mark(drawn[0], [_told(mean) for mean in rows(means)])
    ends = ax.get_ylim()
    _controls(fit, ax)
    _keep_in_sight(fit, ax, ends)
    _best_ratio(fit, ax)
    return ax


def _runs(runs: pd.DataFrame, ax: Axes) -> None:
    """A point for each run, and a line through the runs of each seed."""
    by_seed = list(runs.sort_values("r").groupby("seed"))
    lines = [run[["r", "adjusted"]].to_numpy() for _, run in by_seed]
    joined = LineCollection(lines, colors=FAINT, linewidths=0.7, zorder=1)
    mark(joined, [Mark(tip=f"seed {as_given(seed)}", seed=as_given(seed)) for seed, _ in by_seed])
    ax.add_collection(joined)
    look: dict[str, Any] = {"color": FAINT, "markersize": 2.5, "markeredgewidth": 0, "zorder": 1}
    (points,) = ax.plot(runs["r"], runs["adjusted"], "o", **look)
    mark(points, [_run(run) for run in rows(runs)])
    name = "one seed, its own level taken out" if by_seed else "one run"
    ax.plot([], [], color=FAINT, linewidth=0.7, marker="o", markersize=2.5, label=name)


def _run(run: Any) -> Mark:
    seed = "" if pd.isna(run.seed) else as_given(run.seed)
    of = f", seed {seed}" if seed else ""
    return Mark(tip=f"{run.label}{of}: {loss(run.loss)}", arm=run.label, seed=seed, run=run.run)


def _told(mean: Any) -> Mark:
    ends = f" {interval(mean.low, mean.high, LOSS)}" if np.isfinite(mean.low) else ""
    return Mark(tip=f"r = {as_given(mean.r)}: {loss(mean.mean)}{ends}")


def _keep_in_sight(fit: ReductionFit, ax: Axes, ends: tuple[float, float]) -> None:
    """What was fitted fills the axes, and of the controls the lines; their bands go on beyond them."""
    at_best = float(fit.tested["loss"].to_numpy()[fit.tested["J"].to_numpy().argmin()])
    levels = [at_best + difference for difference in fit.control["difference"]]
    low, high = min([ends[0], *levels]), max([ends[1], *levels])
    room = 0.04 * (high - low)
    ax.set_ylim(low if low == ends[0] else low - room, high if high == ends[1] else high + room)


def _curves(fit: ReductionFit, ax: Axes, r: np.ndarray) -> None:
    rejected = fit.status in ("quadratic_rejected", "curves_rejected")
    name = "L0 + κ r²/2 (the theory" + (", rejected)" if rejected else ")")
    ax.plot(r, fit.curve(r), color=BLUE, linewidth=0.8 if rejected else None, label=name, zorder=3)
    low, high = fit.curve_band(r)
    if np.isfinite(low).all() and not rejected:
        ax.fill_between(r, low, high, color=BLUE, alpha=0.15, linewidth=0, zorder=2)
    ax.plot(
        r,
        fit.average_curve(r),
        color=RED,
        linestyle=(0, (5, 2)),
        label="average of eight curve families",
        zorder=3,
    )


def _controls(fit: ReductionFit, ax: Axes) -> None:
    # The interval of the paired difference: that of the arm's own mean would hold the seeds' spread too.
    at_best = float(fit.tested["loss"].to_numpy()[fit.tested["J"].to_numpy().argmin()])
    for i, control in enumerate(rows(fit.control)):
        if np.isfinite(control.low) and len(fit.control) <= 2:
            ends = at_best + control.low, at_best + control.high
            name = f"its 95 % interval ({control.label})"
            ax.axhspan(*ends, color=GOLD, alpha=0.14, linewidth=0, zorder=0, label=name)
        level = at_best + control.difference
        dash = ((0, (1, 1.2)), (0, (6, 2, 1, 2)), (0, (3, 1)))[i % 3]
        ax.axhline(level, color=GOLD, linestyle=dash, label=str(control.label), zorder=1)


def _best_ratio(fit: ReductionFit, ax: Axes) -> None:
    """The answer with its interval; beside it the theory's r*, where its curve is not rejected."""
    if fit.r_star_ci is None:
        return
    left, right = ax.get_xlim()
    _interval(fit.r_star_ci, ax, name=f"{as_given(100 * fit.confidence)} % interval of r*")
    if fit.r_star is not None and left <= fit.r_star <= right:
        name = f"r* = {number(fit.r_star)} ({BASIS[str(fit.basis)]})"
        ax.axvline(fit.r_star, color=RED, linewidth=0.9, linestyle=(0, (5, 2)), label=name)
    theory = fit.theory_r_star
    if (
        fit.status == "ok"
        and fit.basis != "theory"
        and theory is not None
        and left <= theory <= right
    ):
        ax.axvline(
            theory, color=BLUE, linewidth=0.9, label=f"r* = {number(theory)} (if the theory holds)"
        )
    ax.set_xlim(left, right)


def _interval(ends: Interval, ax: Axes, *, name: str) -> None:
    left, right = ax.get_xlim()
    low, high = ends
    if not math.isfinite(low):
        return
    if low < right and high > left:
        ax.axvspan(max(low, left), min(high, right), color=RED, alpha=0.1, linewidth=0, label=name)
    if high > right:
        bottom, top = ax.get_ylim()
        open_arrow(ax, (right, bottom + 0.04 * (top - bottom)), towards="right", colour=RED)


def plot_residuals(runs: pd.DataFrame, ax: Axes) -> Axes:
    """Draw what the quadratic leaves of each run, against the ratio, one line per seed.

    A bend that all seeds share is lack of fit; a fan is noise that grows with the ratio.

    Args:
        runs: Columns `r`, `seed`, `residual`.
    """
    ratio_axis(ax, runs["r"])
    lines = [run[["r", "residual"]].to_numpy() for _, run in runs.sort_values("r").groupby("seed")]
    ax.add_collection(LineCollection(lines, colors=FAINT, linewidths=0.7))
    ax.plot(runs["r"], runs["residual"], "o", color=BLUE, alpha=0.7, markeredgewidth=0)
    mean = runs.groupby("r")["residual"].mean()
    ax.plot(mean.index, mean, color=RED, label="mean over seeds")
    ax.axhline(0, color=MUTED, linewidth=0.8)
    ax.set_ylabel("residual")
    return ax
