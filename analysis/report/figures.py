"""The thirteen figures by name: what each shows, what it needs, and how it is put together.

`draw` lays functions of `analysis.plots` out on one figure; nothing here fits or loads.
"""

import difflib
from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.errors import TableError
from analysis.plots import (
    curves,
    diagnostics,
    forest,
    interaction,
    parallel,
    pareto,
    price,
    ratio,
    seeds,
    selection,
)
from analysis.plots.style import Style, legend_below, look, new_figure
from analysis.report import shown
from analysis.report.captions import CAPTIONS
from analysis.report.evidence import Evidence


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One figure of the report."""

    name: str
    title: str
    draw: Callable[[Evidence, Figure], None]
    missing: Callable[[Evidence], str]
    """Why it cannot be drawn; empty where it can."""
    wide: bool = False
    height: Callable[[Evidence], float] = lambda _: 0.62
    """Height as a share of the width."""

    def caption(self, evidence: Evidence) -> str:
        """What is shown, from how many runs, and what the intervals mean."""
        return CAPTIONS[self.name](evidence)


def picture(name: str) -> Picture:
    """The figure of that name.

    Raises:
        TableError: If there is none; names the nearest.
    """
    if name in PICTURES:
        return PICTURES[name]
    near = difflib.get_close_matches(name, PICTURES, n=1, cutoff=0.4)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise TableError(f"there is no figure {name!r}; there are {', '.join(PICTURES)}.{hint}")


def draw(name: str, evidence: Evidence, *, style: Style = "screen") -> Figure:
    """The figure of that name, drawn in a style.

    Raises:
        TableError: If there is no such figure, or the study has not what it needs; says which.
    """
    wanted = picture(name)
    missing = wanted.missing(evidence)
    if missing:
        raise TableError(f"figure {name!r} cannot be drawn: {missing}")
    with look(style):
        figure = new_figure(style, wide=wanted.wide, height=wanted.height(evidence))
        wanted.draw(evidence, figure)
        # The layout is done here, once, while the style's settings hold.
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
    return figure


def metric_name(evidence: Evidence) -> str:
    """The metric as an axis label."""
    metric = evidence.table.metric
    known = {"val_loss": "validation loss (nats)", "val_accuracy": "validation accuracy"}
    return known.get(metric, metric)


def _ratio(evidence: Evidence, figure: Figure) -> None:
    assert evidence.ratio is not None
    ax = figure.subplots()
    found = evidence.ratio
    ratio.plot_ratio(found.fit, ax, runs=found.runs, means=found.means)
    ax.set_ylabel(metric_name(evidence))
    ax.set_title(shown.fit_in_numbers(found.fit), fontweight="normal", fontsize="medium")
    legend_below(ax)


def _prices(evidence: Evidence, figure: Figure) -> None:
    assert evidence.ratio is not None
    fit = evidence.ratio.fit
    left, right = figure.subplots(1, 2)
    price.plot_objective(fit, left, prices=shown.prices(evidence))
    left.set_ylabel(f"J(r) above its best, {metric_name(evidence)}")
    left.set_title("the trade-off at a price")
    left.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2))
    price.plot_sweep(fit, right, switches=fit.switch_prices)
    right.set_title("the best ratio against the price")
    right.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2))


def _pareto(evidence: Evidence, figure: Figure) -> None:
    assert evidence.front is not None
    ax = figure.subplots()
    pareto.plot_pareto(evidence.front.arms, ax, switches=evidence.front.switches)
    ax.set_xlabel("parameters of the network")
    ax.set_ylabel(metric_name(evidence))
    legend_below(ax)


def _effects(evidence: Evidence, figure: Figure) -> None:
    assert evidence.effects is not None
    ax = figure.subplots()
    forest.plot_forest(shown.effects(evidence), ax, margin=evidence.effects.margin)
    ax.set_xlabel(f"difference to the baseline in {metric_name(evidence)}")
    legend_below(ax)


def _interactions(evidence: Evidence, figure: Figure) -> None:
    pairs = shown.pairs(evidence)
    grid = figure.subplots(len(pairs), 2, squeeze=False)
    for (rows, columns), cells, (left, right) in zip(
        pairs, shown.cells(evidence), grid, strict=True
    ):
        interaction.plot_cells(cells, left, rows=rows, columns=columns)
        interaction.plot_profiles(cells, right, rows=rows, columns=columns)
        right.set_ylabel(metric_name(evidence))
        right.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _seeds(evidence: Evidence, figure: Figure) -> None:
    ax = figure.subplots()
    runs = evidence.runs.rename(columns={evidence.table.metric: "value"})
    runs = runs[runs["label"].isin(shown.arms(evidence))]
    seeds.plot_seeds(runs[["label", "seed", "value"]], ax, baseline=evidence.baseline)
    ax.set_xlabel(metric_name(evidence))
    legend_below(ax)


def _curves(evidence: Evidence, figure: Figure) -> None:
    ax = figure.subplots()
    curves.plot_curves(
        shown.curves(evidence),
        ax,
        named=shown.curves_named(evidence),
        evaluated=int(evidence.table.frame["epochs_planned"].max()),
    )
    ax.set_ylabel(metric_name(evidence))
    legend_below(ax)


def _parallel(evidence: Evidence, figure: Figure) -> None:
    ax = figure.subplots()
    runs, metric = evidence.runs, evidence.table.metric
    parallel.plot_parallel(runs, ax, factors=shown.axes(evidence), value=metric)


def _diagnostics(evidence: Evidence, figure: Figure) -> None:
    assert evidence.ratio is not None
    found = evidence.ratio
    grid: list[list[Axes]] = figure.subplots(2, 2).tolist()
    ratio.plot_residuals(found.runs, grid[0][0])
    grid[0][0].set_title("what the quadratic leaves")
    grid[0][0].legend(loc="upper left", bbox_to_anchor=(0, -0.2))
    diagnostics.plot_leverage(found.fit, grid[0][1])
    grid[0][1].set_title("leverage of each ratio")
    diagnostics.plot_left_out(found.dropped, grid[1][0])
    grid[1][0].set_title("κ without each ratio")
    diagnostics.plot_families(found.fit, grid[1][1])
    grid[1][1].set_title("rival curves")


def _selection(evidence: Evidence, figure: Figure) -> None:
    ax = figure.subplots()
    selection.plot_selection(shown.selected(evidence), ax)
    ax.set_xlabel(f"{metric_name(evidence)} that the search saw")
    ax.set_ylabel(f"{metric_name(evidence)}, fresh seeds")
    legend_below(ax)


def _no_ratio(evidence: Evidence) -> str:
    return "" if evidence.ratio else evidence.gaps.get("ratio", evidence.gaps.get("estimates", ""))


def _no_prices(evidence: Evidence) -> str:
    if evidence.ratio and evidence.ratio.fit.sweep.empty:
        return "the runs do not say how many channels the blocks have, so a weight has no number."
    return _no_ratio(evidence)


def _no_effects(evidence: Evidence) -> str:
    return (
        "" if evidence.effects else evidence.gaps.get("effects", evidence.gaps.get("estimates", ""))
    )


def _no_front(evidence: Evidence) -> str:
    if evidence.front is None:
        return evidence.gaps.get("estimates", "the runs do not say how many parameters they have.")
    return "" if len(evidence.front.arms) > 1 else "it needs two arms, and there is one."


def _no_runs(evidence: Evidence) -> str:
    return "" if len(evidence.runs) else evidence.gaps["estimates"]


def _no_pairs(evidence: Evidence) -> str:
    if shown.pairs(evidence):
        return ""
    return (
        _no_runs(evidence) or "no two factors were crossed: every pair of their levels must be run."
    )


def _no_curves(evidence: Evidence) -> str:
    return "" if len(evidence.epochs) else "no run has finished an epoch."


def _no_axes(evidence: Evidence) -> str:
    if len(shown.axes(evidence)) > 1:
        return ""
    return _no_runs(evidence) or "it needs two factors that vary."


def _no_selection(evidence: Evidence) -> str:
    if len(shown.selected(evidence)):
        return ""
    return (
        "no arm has both a search's value and fresh seeds; run "
        f"`ablate confirm {evidence.table.study}` after a search."
    )


def _rows(count: Callable[[Evidence], int]) -> Callable[[Evidence], float]:
    return lambda evidence: 0.16 + 0.045 * max(count(evidence), 4)


PICTURES = {
    p.name: p
    for p in (
        Picture(
            name="ratio",
            title="Loss against the reduction ratio",
            draw=_ratio,
            missing=_no_ratio,
            height=lambda _: 0.78,
        ),
        Picture(
            name="prices",
            title="The best ratio at a price",
            draw=_prices,
            missing=_no_prices,
            wide=True,
            height=lambda _: 0.5,
        ),
        Picture(name="pareto", title="Loss against parameters", draw=_pareto, missing=_no_front),
        Picture(
            name="effects",
            title="Effects against the baseline",
            draw=_effects,
            missing=_no_effects,
            wide=True,
            height=_rows(lambda e: len(shown.effects(e))),
        ),
        Picture(
            name="interactions",
            title="Interactions",
            draw=_interactions,
            missing=_no_pairs,
            wide=True,
            height=lambda e: 0.36 * len(shown.pairs(e)),
        ),
        Picture(
            name="seeds",
            title="Every run, by arm",
            draw=_seeds,
            missing=_no_runs,
            height=_rows(lambda e: len(shown.arms(e))),
        ),
        Picture(name="curves", title="Learning curves", draw=_curves, missing=_no_curves),
        Picture(
            name="parallel",
            title="Parallel coordinates",
            draw=_parallel,
            missing=_no_axes,
            wide=True,
            height=lambda _: 0.45,
        ),
        Picture(
            name="diagnostics",
            title="What the fit rests on",
            draw=_diagnostics,
            missing=_no_ratio,
            wide=True,
            height=lambda _: 0.7,
        ),
        Picture(
            name="selection",
            title="What the search saw against fresh seeds",
            draw=_selection,
            missing=_no_selection,
        ),
    )
}
