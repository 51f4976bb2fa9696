"""How each figure is laid out: functions of `analysis.plots` on the axes of one figure.

Nothing here fits or loads; what is not there was checked before (`figures.PICTURES`).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.plots import (
    curves,
    diagnostics,
    forest,
    importance,
    interaction,
    looks,
    over_time,
    parallel,
    pareto,
    price,
    ratio,
    seeds,
    selection,
    width,
)
from analysis.plots.drawing.style import lay_out, legend_below
from analysis.plots.gates import channels, distributions, drops
from analysis.report.evidence import shown
from analysis.report.evidence.evidence import Evidence
from plain_files.numbers import as_given

LOOKS_ACROSS = 3
"""Panels beside each other."""


def metric_name(evidence: Evidence) -> str:
    """The metric as an axis label."""
    table = evidence.table
    unit = table.unit or ("nats" if table.metric == "val_loss" else "")
    return shown.metric_name(evidence) + (f" ({unit})" if unit else "")


def unit_of(evidence: Evidence) -> str:
    """What a mean of the metric is called on a scale: `mean loss (nats)`."""
    name = metric_name(evidence)
    return "mean loss (nats)" if name == "validation loss (nats)" else f"mean {name}"


def ratio_figure(evidence: Evidence, figure: Figure) -> None:
    """Loss against the ratio, with the fit."""
    assert evidence.ratio is not None
    ax = figure.subplots()
    found = evidence.ratio
    ratio.plot_ratio(found.fit, ax, runs=found.runs, means=found.means)
    ax.set_ylabel(metric_name(evidence))
    ax.set_title(shown.fit_in_words(found.fit), fontweight="normal", fontsize="medium")
    legend_below(ax)


def prices_figure(evidence: Evidence, figure: Figure) -> None:
    """The trade-off at some prices, and the best ratio at every price."""
    assert evidence.ratio is not None
    fit = evidence.ratio.fit
    left, right = figure.subplots(1, 2)
    price.plot_objective(fit, left, prices=shown.prices(evidence))
    left.set_ylabel(f"J(r) above its best\n{metric_name(evidence)}")
    left.set_title("the trade-off at a price")
    left.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2))
    price.plot_sweep(fit, right, switches=fit.switch_prices)
    right.set_title("the best ratio against the price")
    right.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2))


def linear_pareto_figure(evidence: Evidence, figure: Figure) -> None:
    """Loss against parameters."""
    _pareto(evidence, figure, lambda _: None)


def logarithmic_pareto_figure(evidence: Evidence, figure: Figure) -> None:
    """The same with the parameters on a logarithmic axis."""
    _pareto(evidence, figure, pareto.logarithmic_cost)


def front_figure(evidence: Evidence, figure: Figure) -> None:
    """The same where the front lies."""
    assert evidence.front is not None
    arms = evidence.front.arms
    _pareto(evidence, figure, lambda ax: pareto.zoom_to_front(arms, ax))


def _pareto(evidence: Evidence, figure: Figure, scale: Callable[[Axes], None]) -> None:
    assert evidence.front is not None
    ax = figure.subplots()
    pareto.plot_pareto(evidence.front.arms, ax, switches=evidence.front.switches)
    scale(ax)
    ax.set_xlabel("parameters of the network")
    ax.set_ylabel(metric_name(evidence))
    legend_below(ax)
    lay_out(figure)  # where names have room depends on where the points are
    pareto.name_arms(evidence.front.arms, ax)


def effects_figure(evidence: Evidence, figure: Figure) -> None:
    """The forest of effects."""
    assert evidence.effects is not None
    ax = figure.subplots()
    forest.plot_forest(shown.effects(evidence), ax, margin=evidence.effects.margin)
    ax.set_xlabel(f"difference to the baseline in {metric_name(evidence)}")
    legend_below(ax)


def interactions_figure(evidence: Evidence, figure: Figure) -> None:
    """A row of two panels for each pair of crossed factors."""
    pairs = shown.pairs(evidence)
    grid = figure.subplots(len(pairs), 2, squeeze=False)
    for (rows, columns), cells, (left, right) in zip(
        pairs, shown.cells(evidence), grid, strict=True
    ):
        interaction.plot_cells(cells, left, rows=rows, columns=columns, unit=unit_of(evidence))
        interaction.plot_profiles(cells, right, rows=rows, columns=columns)
        right.set_ylabel(metric_name(evidence))
        right.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))


def looks_figure(evidence: Evidence, figure: Figure) -> None:
    """Evidence against seeds, a panel for each comparison of a study that ran until it was decided."""
    found = shown.stopped(evidence)
    assert found is not None
    rows = shown.looks_drawn(found)
    across = min(LOOKS_ACROSS, len(rows))
    down = -(-len(rows) // across)
    axes = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True)
    most = max(int(found.looks["seeds"].max()), int(found.rule["first_look"]) + 1)
    for ax in axes.flat[len(rows) :]:
        ax.set_visible(False)
    for ax, row in zip(axes.flat, rows.to_dict("records"), strict=False):
        mine = found.looks[found.looks["arm"] == row["arm"]]
        title = f"{row['label']}: {row['verdict']}"
        looks.plot_looks(mine, ax, title=title, most_seeds=most)
    for ax in axes[-1]:
        ax.set_xlabel("seeds")
    for ax in axes[:, 0]:
        ax.set_ylabel("share of the boundary")
    legend_below(axes.flat[0])


def seeds_figure(evidence: Evidence, figure: Figure) -> None:
    """Every run by arm."""
    _seeds(shown.seed_runs(evidence), evidence, figure)


def paired_seeds_figure(evidence: Evidence, figure: Figure) -> None:
    """The same with each seed's own level taken out, as the comparisons see the runs."""
    runs = shown.seed_runs(evidence)
    _seeds(
        runs.assign(value=runs["paired"]),
        evidence,
        figure,
        said=", each seed's own level taken out",
    )


def _seeds(runs: pd.DataFrame, evidence: Evidence, figure: Figure, *, said: str = "") -> None:
    ax = figure.subplots()
    seeds.plot_seeds(runs, ax, baseline=evidence.baseline)
    ax.set_xlabel(metric_name(evidence) + said)
    legend_below(ax)


def over_time_figure(evidence: Evidence, figure: Figure) -> None:
    """Effects against training time."""
    assert evidence.components is not None
    ax = figure.subplots()
    over_time.plot_over_time(evidence.components.by_epoch, ax, named=shown.over_time(evidence))
    ax.set_ylabel(f"difference in {metric_name(evidence)}")
    legend_below(ax)


def curves_figure(evidence: Evidence, figure: Figure) -> None:
    """Learning curves."""
    ax = figure.subplots()
    curves.plot_curves(
        shown.curves(evidence),
        ax,
        named=shown.curves_named(evidence),
        evaluated=int(evidence.table.frame["epochs_planned"].max()),
    )
    ax.set_ylabel(metric_name(evidence))
    legend_below(ax)


def parallel_figure(evidence: Evidence, figure: Figure) -> None:
    """Parallel coordinates."""
    ax = figure.subplots()
    runs, metric = evidence.runs, evidence.table.metric
    parallel.plot_parallel(
        runs, ax, factors=shown.axes(evidence), value=metric, name=unit_of(evidence),
        highest_is_best=evidence.table.direction == "maximize",
    )  # fmt: skip


def diagnostics_figure(evidence: Evidence, figure: Figure) -> None:
    """Four panels on what the fit rests on, and under a price the bootstrap of the averaged r*."""
    assert evidence.ratio is not None
    found = evidence.ratio
    panels: list[Any] = [["residuals", "leverage"], ["left out", "families"]]
    if len(found.draws):
        panels.append(["bootstrap", "bootstrap"])
    at = figure.subplot_mosaic(panels, height_ratios=[3, 3, 2][: len(panels)])
    ratio.plot_residuals(found.runs, at["residuals"])
    at["residuals"].set_title("what the quadratic leaves")
    at["residuals"].legend(loc="upper left", bbox_to_anchor=(0, -0.2))
    diagnostics.plot_leverage(found.fit, at["leverage"])
    at["leverage"].set_title("leverage of each ratio")
    diagnostics.plot_left_out(found.dropped, at["left out"])
    at["left out"].set_title("κ without each ratio")
    diagnostics.plot_families(found.fit, at["families"])
    at["families"].set_title("rival curves")
    if len(found.draws):
        diagnostics.plot_bootstrap(found.draws, at["bootstrap"], fit=found.fit)
        at["bootstrap"].set_title("the averaged r* of bootstrap data sets")


def importance_figure(evidence: Evidence, figure: Figure) -> None:
    """Shares of the factors."""
    assert evidence.importance is not None
    ax = figure.subplots()
    importance.plot_importance(evidence.importance.frame, ax)
    legend_below(ax)


def width_figure(evidence: Evidence, figure: Figure) -> None:
    """The best ratio against the width."""
    assert evidence.width is not None
    ax = figure.subplots()
    fit = evidence.width
    names, title = shown.width_names(evidence)
    widths = fit.widths
    is_relative = evidence.price is None
    if is_relative:
        first = widths["r_star"].replace(np.inf, np.nan).dropna()
        of_first = float(first.iloc[0]) if len(first) else float(widths["low"].dropna().iloc[0])
        widths = widths.assign(**(widths[["r_star", "low", "high"]] / of_first))
    width.plot_width(
        widths, ax, slope=fit.slope, slope_ci=fit.slope_ci, names=names, is_relative=is_relative
    )
    ax.set_xlabel(title)
    legend_below(ax)


def gates_figure(evidence: Evidence, figure: Figure) -> None:
    """Distributions of the gates above, their variance, saturation and gradients below."""
    assert evidence.gates is not None
    found = evidence.gates
    classes = shown.gate_classes(found)
    upper, lower = figure.subfigures(2, 1, squeeze=False)[:, 0]
    for ax, stage in zip(
        upper.subplots(1, len(found.stages), squeeze=False)[0],
        found.stages.to_dict("records"),
        strict=True,
    ):
        bins = found.bins[found.bins["stage"] == stage["stage"]]
        distributions.plot_gate_histogram(bins, ax, summary=pd.Series(stage), named=classes)
        ax.set_title(str(stage["stage"]))
    parts = shown.gate_parts(found)
    axes = dict(zip(parts, lower.subplots(1, len(parts), squeeze=False)[0], strict=True))
    if "variance" in axes:
        distributions.plot_gate_variance(found.blocks, axes["variance"])
    distributions.plot_gate_saturation(found.blocks, axes["saturation"])
    named = [axes["saturation"]]
    if "gradients" in axes:
        distributions.plot_gate_gradients(found.gradients, axes["gradients"])
        named += [axes["gradients"]] if len(set(found.gradients["epoch"])) > 1 else []
    for ax in (upper.axes[-1], *named):
        ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))


def channels_figure(evidence: Evidence, figure: Figure) -> None:
    """The gates of one block by class and channel above, the worth of each channel below."""
    assert evidence.channels is not None
    found = evidence.channels
    order = np.argsort(found.single["gate"].to_numpy(float), kind="stable")
    measured = found.single["usefulness"].notna().any()
    axes = figure.subplots(2 if measured else 1, 1, squeeze=False)[:, 0]
    channels.plot_channel_gates(found.gates, axes[0], order=order)
    axes[0].set_title(
        f"{found.block} of {found.label}, seed {as_given(found.seed)}", fontweight="normal"
    )
    if measured:
        channels.plot_channel_usefulness(found.single, axes[1], order=order)
        legend_below(axes[1])
    else:
        axes[0].set_xlabel(f"{len(found.single)} channels: least opened to most opened")


def drops_figure(evidence: Evidence, figure: Figure) -> None:
    """Accuracy when channels are dropped, of a few arms."""
    ax = figure.subplots()
    drops.plot_drops(shown.drops(evidence), ax)
    legend_below(ax)


def selection_figure(evidence: Evidence, figure: Figure) -> None:
    """Search against fresh seeds."""
    assert evidence.winner is not None
    ax = figure.subplots()
    selection.plot_selection(evidence.winner.frame, ax)
    ax.set_xlabel(f"{metric_name(evidence)} that the search saw")
    ax.set_ylabel(f"{metric_name(evidence)}, fresh seeds")
    legend_below(ax)
