"""Forest of effects: each comparison against the baseline with its intervals and its verdict."""

import math
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from analysis.plots.drawing.frames import rows
from analysis.plots.drawing.listing import list_rows, note_row
from analysis.plots.drawing.marks import Mark, mark
from analysis.plots.drawing.style import FAINT, INK, MUTED, VERDICT_COLOURS, VERDICT_MARKERS
from plain_files.numbers import as_given, interval, p_words, signed


def plot_forest(effects: pd.DataFrame, ax: Axes, *, margin: float | None) -> Axes:
    """Draw differences against the baseline; left of zero is better where less is better.

    The thick bar is the marginal 90 % interval (the one an equivalence test reads), the thin bar
    the marginal 95 % interval, the capped line the simultaneous 95 % interval of the whole family.

    Args:
        effects: Columns `name`, `estimate`, `ci95_low`, `ci95_high`, `ci90_low`, `ci90_high`,
            `sim_low`, `sim_high`, `p_adjusted`, `n_pairs`, and `verdict`
            (`analysis.contrasts.equivalence.Verdict`); a row that depends on other factors has no
            simultaneous interval and no p. Where they are there: `of_arm`, the label of the arm that a row is of, and
            `evidence`, which stands for p where a rule decided: a statistic as a share of its boundary.
        margin: Half-width of the zone called negligible, in the metric's unit; None for no zone.
    """
    if margin is not None:
        ax.axvspan(
            -margin,
            margin,
            color=FAINT,
            alpha=0.45,
            linewidth=0,
            label=f"margin ±{as_given(margin)}",
        )
    ax.axvline(0, color=INK, linewidth=0.8)
    for row, effect in enumerate(rows(effects)):
        verdict = str(effect.verdict)
        colour = VERDICT_COLOURS[verdict]
        _bar(ax, row, effect.sim_low, effect.sim_high, colour=MUTED, width=0.7, caps=True)
        _bar(ax, row, effect.ci95_low, effect.ci95_high, colour=colour, width=1.4)
        _bar(ax, row, effect.ci90_low, effect.ci90_high, colour=colour, width=3.8)
        (point,) = ax.plot(
            effect.estimate,
            row,
            VERDICT_MARKERS[verdict],
            color=colour,
            markeredgecolor="white",
            markersize=7,
            zorder=4,
        )
        mark(point, [_told(effect)])
        note_row(ax, row, _note(effect), gap=6)
    return list_rows(ax, [str(name) for name in effects["name"]])


def _bar(
    ax: Axes, row: int, low: float, high: float, *, colour: str, width: float, caps: bool = False
) -> None:
    if math.isnan(low) or math.isnan(high):
        return
    ends = [low, high]
    ax.plot(ends, [row, row], color=colour, linewidth=width, solid_capstyle="butt", zorder=3)
    if caps:
        ax.plot(ends, [row, row], "|", color=colour, markersize=6, markeredgewidth=width, zorder=3)


def _told(effect: Any) -> Mark:
    ends = interval(effect.sim_low, effect.sim_high)
    said = f" {ends} simultaneous" if math.isfinite(effect.sim_low) else ""
    tip = f"{effect.name}: {signed(effect.estimate)}{said}, {_note(effect)}"
    return Mark(tip=tip, arm=str(getattr(effect, "of_arm", "")))


def _note(effect: Any) -> str:
    pairs = f"n={effect.n_pairs}"
    if effect.verdict == "depends":
        return f"an average that depends on other factors, {pairs}"
    if effect.verdict == "untested":
        return f"no verdict, {pairs}"
    return f"{effect.verdict}, {_strength(effect)}, {pairs}"


def _strength(effect: Any) -> str:
    if hasattr(effect, "evidence"):
        known = math.isfinite(effect.evidence)
        return f"{effect.evidence:.2f} × its boundary" if known else "no look"
    if math.isnan(effect.p_adjusted):
        return "p not given"
    return p_words(effect.p_adjusted)
