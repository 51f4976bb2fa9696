"""The seventeen figures by name: what each shows, what it needs, and how it is put together.

`draw` lays functions of `analysis.plots` out on one figure; nothing here fits or loads.
"""

import difflib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from analysis.errors import TableError
from analysis.plots.drawing.style import Style, lay_out, look, new_figure
from analysis.report.evidence import shown
from analysis.report.evidence.evidence import Evidence
from analysis.report.figures import layouts
from analysis.report.figures.captions import CAPTIONS

Views = dict[str, Callable[[Evidence, Figure], None]]
MOST_ON_A_LINE = 5.0
"""Times the cheapest cost that a linear axis shows well."""
FEWEST_FOR_A_LOGARITHM = 1.5
LONG_NAME = 24
"""Characters of an arm's name."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One figure of the report."""

    name: str
    title: str
    draw: Callable[[Evidence, Figure], None]
    missing: Callable[[Evidence], str]
    """Why it cannot be drawn; empty where it can."""
    wide: Callable[[Evidence], bool] = lambda _: False
    """Whether it takes the page's width instead of a column's."""
    height: Callable[[Evidence], float] = lambda _: 0.6
    """Height as a share of the width, the legend aside."""
    rows: Callable[[Evidence], int] | None = None
    """Number of things that it lists, which then sets the height."""
    view: Callable[[Evidence], str] = lambda _: "usual"
    """What `draw` shows by itself."""
    views: Callable[[Evidence], Views] = lambda _: {}
    """Other views by name: another axis, another adjustment."""

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


def draw(
    name: str, evidence: Evidence, *, style: Style = "screen", view: str | None = None
) -> Figure:
    """The figure of that name, drawn in a style.

    Args:
        name: A key of `PICTURES`.
        evidence: What it shows.
        style: Sizes and fonts.
        view: One of the figure's other views, such as `log`; the first without it.

    Raises:
        TableError: If there is no such figure or view, or the study has not what it needs; says which.
    """
    wanted = picture(name)
    missing = wanted.missing(evidence)
    if missing:
        raise TableError(f"figure {name!r} cannot be drawn: {missing}")
    draw_view = wanted.draw
    usual = wanted.view(evidence)
    if view is not None and view != usual:
        views = wanted.views(evidence)
        if view not in views:
            there = ", ".join([usual, *views])
            raise TableError(f"figure {name!r} has no view {view!r} of this study; it has {there}.")
        draw_view = views[view]
    with look(style):
        rows = wanted.rows(evidence) if wanted.rows else None
        height = wanted.height(evidence)
        figure = new_figure(style, wide=wanted.wide(evidence), height=height, rows=rows)
        draw_view(evidence, figure)
        lay_out(figure)
    return figure


def _absent(part: str) -> Callable[[Evidence], str]:
    """Why a part of the evidence is not there; it was said when it was tried."""

    def why(evidence: Evidence) -> str:
        if getattr(evidence, part) is not None:
            return ""
        return evidence.why(part)

    return why


def _no_prices(evidence: Evidence) -> str:
    if evidence.ratio and evidence.ratio.fit.sweep.empty:
        return "the runs do not say how many channels the blocks have, so a weight has no number."
    return _absent("ratio")(evidence)


def _no_width(evidence: Evidence) -> str:
    if evidence.width is None:
        return _absent("width")(evidence)
    if np.isfinite(evidence.width.widths[["r_star", "low"]]).any().any():
        return ""
    return "κ is positive at no width, so the theory gives no ratio at any price."


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


def _no_drops(evidence: Evidence) -> str:
    if evidence.channels is None or len(evidence.channels.drops):
        return _absent("channels")(evidence)
    return " ".join(evidence.channels.remarks)


def _no_time(evidence: Evidence) -> str:
    if evidence.components is None:
        return _absent("effects")(evidence)
    by_epoch = evidence.components.by_epoch
    if by_epoch.empty or by_epoch["epoch"].nunique() < 2:
        return "it needs two recorded epochs of runs that are compared."
    return ""


def _pareto_views(evidence: Evidence) -> Views:
    """The other scale of the cost where it makes a difference, and the front alone where others crowd it."""
    assert evidence.front is not None
    arms = evidence.front.arms
    front = arms[arms["standing"] == "front"]
    views: Views = {}
    if _spans(evidence) > MOST_ON_A_LINE:
        views["linear"] = layouts.linear_pareto_figure
    elif _spans(evidence) > FEWEST_FOR_A_LOGARITHM:
        views["log"] = layouts.logarithmic_pareto_figure
    if 2 < len(front) < len(arms):
        views["front"] = layouts.front_figure
    return views


def _spans(evidence: Evidence) -> float:
    """How many times the cheapest arm the dearest costs."""
    assert evidence.front is not None
    costs = evidence.front.arms["cost"]
    return float(costs.max() / costs.min()) if costs.min() > 0 else 1.0


def _seeds_views(evidence: Evidence) -> Views:
    """What pairing does, where seeds are shared."""
    shared = evidence.runs.groupby("seed")["arm"].nunique().max() if len(evidence.runs) else 0
    return {"paired": layouts.paired_seeds_figure} if shared > 1 else {}


def _no_looks(evidence: Evidence) -> str:
    found = shown.stopped(evidence)
    if found is None:
        return "the study did not run until it was decided (`ablate run --until decided`)."
    return "" if len(found.looks) else "there was no look yet."


def _looks_height(evidence: Evidence) -> float:
    found = shown.stopped(evidence)
    count = 1 if found is None else len(shown.looks_drawn(found))
    down = -(-count // layouts.LOOKS_ACROSS)
    return 0.18 + 0.22 * down


def _always(_: Evidence) -> bool:
    return True


PICTURES = {
    p.name: p
    for p in (
        Picture(
            name="ratio",
            title="Loss against the reduction ratio",
            draw=layouts.ratio_figure,
            missing=_absent("ratio"),
            height=lambda _: 0.68,
        ),
        Picture(
            name="prices",
            title="The best ratio at a price",
            draw=layouts.prices_figure,
            missing=_no_prices,
            wide=_always,
            height=lambda _: 0.5,
        ),
        Picture(
            name="pareto",
            title="Result against parameters",
            draw=lambda e, figure: (
                layouts.logarithmic_pareto_figure(e, figure)
                if _spans(e) > MOST_ON_A_LINE
                else layouts.linear_pareto_figure(e, figure)
            ),
            missing=_no_front,
            view=lambda e: "log" if _spans(e) > MOST_ON_A_LINE else "linear",
            views=_pareto_views,
        ),
        Picture(
            name="width",
            title="The best ratio against the width",
            draw=layouts.width_figure,
            missing=_no_width,
        ),
        Picture(
            name="effects",
            title="Effects against the baseline",
            draw=layouts.effects_figure,
            missing=_absent("effects"),
            wide=_always,
            rows=lambda e: len(shown.effects(e)),
        ),
        Picture(
            name="looks",
            title="Evidence against seeds",
            draw=layouts.looks_figure,
            missing=_no_looks,
            wide=_always,
            height=_looks_height,
        ),
        Picture(
            name="interactions",
            title="Interactions",
            draw=layouts.interactions_figure,
            missing=_no_pairs,
            wide=_always,
            height=lambda e: 0.36 * len(shown.pairs(e)),
        ),
        Picture(
            name="gates",
            title="What the gates do",
            draw=layouts.gates_figure,
            missing=_absent("gates"),
            wide=_always,
            height=lambda _: 0.62,
        ),
        Picture(
            name="channels",
            title="One block, channel by channel",
            draw=layouts.channels_figure,
            missing=_absent("channels"),
            wide=_always,
            height=lambda _: 0.62,
        ),
        Picture(
            name="drops",
            title="What is left when channels are dropped",
            draw=layouts.drops_figure,
            missing=_no_drops,
        ),
        Picture(
            name="seeds",
            title="Every run, by arm",
            draw=layouts.seeds_figure,
            missing=_no_runs,
            view=lambda _: "raw",
            views=_seeds_views,
            # Long names would leave a column no room for what they name.
            wide=lambda e: max(map(len, shown.arms(e))) > LONG_NAME,
            rows=lambda e: len(shown.arms(e)),
        ),
        Picture(
            name="curves", title="Learning curves", draw=layouts.curves_figure, missing=_no_curves
        ),
        Picture(
            name="over_time",
            title="Effects against training time",
            draw=layouts.over_time_figure,
            missing=_no_time,
        ),
        Picture(
            name="parallel",
            title="Parallel coordinates",
            draw=layouts.parallel_figure,
            missing=_no_axes,
            wide=_always,
            height=lambda _: 0.45,
        ),
        Picture(
            name="importance",
            title="Importance of the factors",
            draw=layouts.importance_figure,
            missing=_absent("importance"),
            height=lambda e: 0.35 + 0.04 * len(e.importance.frame) if e.importance else 0.6,
        ),
        Picture(
            name="diagnostics",
            title="What the fit rests on",
            draw=layouts.diagnostics_figure,
            missing=_absent("ratio"),
            wide=_always,
            height=lambda e: 0.95 if e.ratio is not None and len(e.ratio.draws) else 0.7,
        ),
        Picture(
            name="selection",
            title="What the search saw against fresh seeds",
            draw=layouts.selection_figure,
            missing=_absent("winner"),
        ),
    )
}
