"""The section on the reduction ratio: the fit, the tested ratios, every price, and what the fit rests on."""

from collections.abc import Iterator
from functools import partial

import pandas as pd

from analysis.report.evidence.evidence import Evidence
from analysis.report.page.page import Drawings, Section, drawn
from analysis.report.page.tables import INTERVAL, Column, Table, if_any
from analysis.tradeoff.tradeoff_words import sentences
from plain_files.numbers import as_given


def ratio_section(evidence: Evidence, drawings: Drawings, kind: str) -> Iterator[Section]:
    """What the ratio is worth, where the study varies it."""
    if evidence.ratio is None:
        return
    fit = evidence.ratio.fit
    yield Section(
        anchor="ratio",
        title="What the reduction ratio is worth",
        kind=kind,
        said=tuple(sentences(fit)),
        parts=(
            *drawn(drawings, "ratio"),
            _tested(evidence),
            *drawn(drawings, "prices"),
            *if_any(_sweep, fit.sweep),
            *if_any(
                partial(_switches, open_=len(fit.argmin_set) == len(fit.tested)), fit.switch_prices
            ),
            *drawn(drawings, "diagnostics"),
            _families(fit.models),
            _dropped(evidence.ratio.dropped),
        ),
    )


def _tested(evidence: Evidence) -> Table:
    assert evidence.ratio is not None
    frame = evidence.ratio.fit.tested
    at = (
        "at the named price" if evidence.price is not None else "by loss alone (no price was named)"
    )
    return Table(
        name="tested_ratios",
        title="What the tested ratios say, without a curve",
        caption=(
            f"Regret {at}; its limit is simultaneous over the ratios. One-sided tests against the best; "
            "bold: not worse than it."
        ),
        frame=frame,
        columns=(
            Column(title="r", name="r", form="level"),
            Column(title="Runs", name="n", form="count"),
            Column(title="Loss", name="loss", form="loss"),
            Column(title="Weights", name="params", form="count"),
            Column(title="Regret", name="regret", form="number"),
            Column(title="At most", name="regret_upper", form="number"),
            Column(title="p", name="p", form="p"),
            Column(title="Not worse", name="not_worse", form="number"),
            Column(title="Leverage", name="leverage", form="number"),
        ),
        mark=tuple("baseline" if mark else "" for mark in frame["not_worse"]),
    )


def _sweep(sweep: pd.DataFrame) -> Table:
    frame = sweep.copy()
    frame["not_worse"] = [", ".join(as_given(r) for r in ratios) for ratios in sweep["not_worse"]]
    return Table(
        name="price_sweep",
        title="The best ratio at every price",
        caption="Price in the metric's unit per weight; r* with its 95 % interval, and the theory's.",
        frame=frame,
        columns=(
            Column(title="Price", name="price", form="number"),
            Column(title="r*", name="r_star", form="number"),
            Column(title="Interval", name="low", high="high", form="number"),
            Column(title="By the theory", name="theory", form="number"),
            Column(title="Best tested", name="best_tested", form="level"),
            Column(title="Not worse than it", name="not_worse"),
        ),
        folded=True,
        drawn=True,
    )


def _switches(frame: pd.DataFrame, *, open_: bool) -> Table:
    doubt = (
        " No tested ratio can be ruled out, so another set of runs may have others."
        if open_
        else ""
    )
    return Table(
        name="switch_prices",
        title="Prices at which the best tested arm changes",
        caption=f"From the means alone, no model: edges of the lower convex hull of loss and weights.{doubt}",
        frame=frame,
        columns=(
            Column(title="Best below", name="best_below"),
            Column(title="Best above", name="best_above"),
            Column(title="Price per weight", name="price", form="number"),
        ),
    )


def _families(models: pd.DataFrame) -> Table:
    return Table(
        name="curve_families",
        title="Rival curves",
        caption="AICc on contrasts within seeds; r* only where a price was named.",
        frame=models,
        columns=(
            Column(title="Curve", name="family"),
            Column(title="Parameters", name="k", form="count"),
            Column(title="AICc", name="aicc", form="loss"),
            Column(title="Weight", name="weight", form="number"),
            Column(title="r*", name="r_star", form="number"),
        ),
        folded=True,
    )


def _dropped(dropped: pd.DataFrame) -> Table:
    return Table(
        name="without_each_ratio",
        title="κ without each ratio",
        caption="An empty first cell is the fit to all ratios.",
        frame=dropped,
        columns=(
            Column(title="Without r", name="without", form="level"),
            Column(title="κ", name="kappa", form="number"),
            INTERVAL,
        ),
        folded=True,
    )


def width_section(evidence: Evidence, drawings: Drawings, kind: str) -> Iterator[Section]:
    """How the best ratio grows with the network's width, where several were run."""
    if evidence.width is None:
        return
    fit = evidence.width
    # Without a price r* has no height, only a growth.
    height = (Column(title="r*", name="r_star", form="number"), INTERVAL)
    yield Section(
        anchor="width",
        title="The best ratio against the width",
        kind=kind,
        said=tuple(fit.sentences()),
        parts=(
            *drawn(drawings, "width"),
            Table(
                name="widths",
                title="κ by width" if evidence.price is None else "κ and r* by width",
                caption="C is the root mean square over the blocks."
                + (
                    ""
                    if evidence.price is not None
                    else " No price was named, so there is no single r*."
                ),
                frame=fit.widths,
                columns=(
                    Column(title="C", name="channels", form="width"),
                    Column(title="ΣC²", name="c2_eff", form="count"),
                    Column(title="Seeds", name="seeds", form="count"),
                    Column(title="κ", name="kappa", form="number"),
                    *(height if evidence.price is not None else ()),
                ),
            ),
        ),
    )
