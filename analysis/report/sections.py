"""The evidence as sections: planned comparisons first, then what was only looked at, then the record."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from analysis.report import provenance, shown
from analysis.report.evidence import Evidence
from analysis.report.page import Drawing, Section
from analysis.report.tables import Column, Table

Drawings = dict[str, Drawing]


def sections(evidence: Evidence, drawings: Drawings) -> tuple[Section, ...]:
    """Every section that the study has something for, in reading order."""
    kind = "exploratory" if evidence.table.selected else "planned"
    made = [
        *_ratio(evidence, drawings, kind),
        *_effects(evidence, drawings, kind),
        *_arms(evidence, drawings, kind),
        *_training(evidence, drawings),
        *_exploration(evidence, drawings),
        *_selection(evidence, drawings),
        *_absent(evidence, drawings),
        provenance.left_out(evidence.table),
        provenance.provenance(evidence.table),
        _reproduce(evidence),
    ]
    return tuple(made)


def _ratio(evidence: Evidence, drawings: Drawings, kind: str) -> Iterator[Section]:
    if evidence.ratio is None:
        return
    fit = evidence.ratio.fit
    yield Section(
        anchor="ratio",
        title="What the reduction ratio is worth",
        kind=kind,
        text=tuple(fit.sentences()),
        parts=(
            *_drawn(drawings, "ratio"),
            _tested(evidence),
            *_drawn(drawings, "prices"),
            *([_sweep(fit.sweep)] if len(fit.sweep) else []),
            *([_switches(fit.switch_prices)] if len(fit.switch_prices) else []),
            *_drawn(drawings, "diagnostics"),
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
        caption=f"Regret {at}; its limit is simultaneous over the ratios. One-sided tests against the best.",
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
    frame["not_worse"] = [", ".join(f"{r:g}" for r in ratios) for ratios in sweep["not_worse"]]
    return Table(
        name="price_sweep",
        title="The best ratio at every price",
        caption="Price in the metric's unit per weight; r* by the theory with its 95 % interval.",
        frame=frame,
        columns=(
            Column(title="Price", name="price", form="number"),
            Column(title="r*", name="r_star", form="number"),
            Column(title="Interval", name="low", high="high", form="number"),
            Column(title="Best tested", name="best_tested", form="level"),
            Column(title="Not worse than it", name="not_worse"),
        ),
        folded=True,
    )


def _switches(frame: pd.DataFrame) -> Table:
    return Table(
        name="switch_prices",
        title="Prices at which the best tested arm changes",
        caption="From the means alone, no model: edges of the lower convex hull of loss and weights.",
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
            Column(title="95 % interval", name="low", high="high", form="number"),
        ),
        folded=True,
    )


def _effects(evidence: Evidence, drawings: Drawings, kind: str) -> Iterator[Section]:
    found = evidence.effects
    if found is None:
        return
    planned, looked = _planned_apart(evidence)
    name = f"Comparisons with the baseline ({found.baseline})"
    yield Section(
        anchor="effects",
        title="What each component does",
        kind=kind,
        text=(*found.sentences(), _how_planned(evidence)),
        parts=(
            *_drawn(drawings, "effects"),
            effects_table("effects", name, planned, margin=found.margin),
            *_drawn(drawings, "interactions"),
        ),
    )
    if len(looked):
        yield Section(
            anchor="effects-exploratory",
            title="Comparisons that nobody planned",
            kind="exploratory",
            text=("They are shown to suggest what to test next, with fresh seeds.",),
            parts=(
                effects_table(
                    "effects_exploratory", "Not planned", looked, margin=None, folded=True
                ),
            ),
        )


def _planned_apart(evidence: Evidence) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The decided comparisons, and those that were only looked at."""
    assert evidence.effects is not None
    frame = evidence.effects.frame
    decided = frame["role"] != "cell"
    listed = (evidence.table.planned or {}).get("comparisons")
    if listed:
        decided &= np.array([_is_listed(row, listed) for row in frame.to_dict("records")])
    return frame[decided], frame[~decided]


def _is_listed(row: dict[Any, Any], listed: list[dict[str, Any]]) -> bool:
    for item in listed:
        factor, levels = str(item.get("factor", "")), item.get("levels")
        same = factor in (row["factor"], str(row["factor"]).rpartition(".")[2], row["label"])
        if same and (not levels or row["level"] in levels):
            return True
    return False


def _how_planned(evidence: Evidence) -> str:
    if (evidence.table.planned or {}).get("comparisons"):
        return (
            f"Planned comparisons were written before the runs (hash {evidence.table.planned_hash}); "
            "the others stand apart, below."
        )
    return (
        "The design fixed these comparisons before the first run; no list of planned comparisons and no "
        "margin were declared beside it."
    )


def _arm_note(backgrounds: int) -> str:
    return f"mean over {backgrounds} backgrounds" if backgrounds > 1 else "one arm"


def effects_table(
    name: str, title: str, rows: pd.DataFrame, *, margin: float | None, folded: bool = False
) -> Table:
    """Comparisons with the baseline, one a row."""
    frame = rows.assign(basis=[_arm_note(n) for n in rows["backgrounds"]])
    equivalence = (
        [Column(title="Equivalence p", name="p_equivalence_holm", form="p")]
        if margin is not None
        else []
    )
    saved = (
        [Column(title="Parameters saved", name="saved_params", form="count")]
        if "saved_params" in rows
        else []
    )
    return Table(
        name=name,
        title=title,
        caption=(
            "Positive is worse than the baseline. Intervals are marginal, beside them simultaneous for "
            "the family; Holm's p decides."
        ),
        frame=frame.drop(columns=["level", "against"]),
        columns=(
            Column(title="Comparison", name="label"),
            Column(title="Basis", name="basis"),
            Column(title="Difference", name="estimate", form="number"),
            Column(title="95 % marginal", name="ci95_low", high="ci95_high", form="number"),
            Column(title="95 % simultaneous", name="sim_low", high="sim_high", form="number"),
            Column(title="Holm p", name="p_holm", form="p"),
            *equivalence,
            Column(title="Verdict", name="verdict"),
            Column(title="Seeds needed", name="seeds_needed", form="count"),
            Column(title="Pairs", name="n_pairs", form="count"),
            *saved,
        ),
        mark=tuple(str(verdict) for verdict in rows["verdict"]),
        folded=folded,
    )


def _arms(evidence: Evidence, drawings: Drawings, kind: str) -> Iterator[Section]:
    if evidence.arms.empty:
        return
    frame = evidence.arms
    yield Section(
        anchor="arms",
        title="The arms and what they cost",
        kind=kind,
        parts=(
            *_drawn(drawings, "pareto"),
            *_drawn(drawings, "seeds"),
            Table(
                name="arms",
                title="Every arm",
                caption=(
                    "Means over seeds; marginal 95 % t intervals. The baseline is bold. Parameters and "
                    "multiply-adds are counted, not estimated."
                ),
                frame=frame,
                columns=(
                    Column(title="Arm", name="label"),
                    Column(title="n", name="n", form="count"),
                    Column(title="Mean", name="mean", form="loss"),
                    Column(title="95 % interval", name="low", high="high", form="loss"),
                    Column(title="sd", name="sd", form="number"),
                    Column(title="Accuracy", name="val_accuracy", form="percent"),
                    Column(title="Parameters", name="params", form="count"),
                    Column(title="of attention", name="attention_params", form="count"),
                    Column(title="Multiply-adds", name="macs", form="count"),
                    Column(title="Seconds per run", name="seconds", form="number"),
                ),
                mark=tuple(
                    "baseline" if arm == evidence.table.baseline_arm else "" for arm in frame["arm"]
                ),
                folded=len(frame) > 60,
            ),
            *([_runs(evidence)] if len(evidence.table.frame) <= 400 else []),
        ),
    )


def _runs(evidence: Evidence) -> Table:
    names = ["run", "label", "seed", "stage", "state", "val_loss", "val_accuracy", "seconds"]
    return Table(
        name="runs",
        title="Every run",
        caption="The rows of the runs table, also those that entered no estimate.",
        frame=evidence.table.frame[names],
        columns=(
            Column(title="Run", name="run"),
            Column(title="Arm", name="label"),
            Column(title="Seed", name="seed", form="count"),
            Column(title="Stage", name="stage"),
            Column(title="State", name="state"),
            Column(title="Loss", name="val_loss", form="loss"),
            Column(title="Accuracy", name="val_accuracy", form="percent"),
            Column(title="Seconds", name="seconds", form="number"),
        ),
        folded=True,
    )


def _training(evidence: Evidence, drawings: Drawings) -> Iterator[Section]:
    parts = [*_drawn(drawings, "curves"), *_drawn(drawings, "gates")]
    if parts:
        yield Section(anchor="training", title="How the runs trained", parts=tuple(parts))


def _exploration(evidence: Evidence, drawings: Drawings) -> Iterator[Section]:
    parts = [*_drawn(drawings, "parallel"), *_drawn(drawings, "importance")]
    if parts:
        yield Section(
            anchor="exploration",
            title="To look at",
            kind="exploratory",
            text=("Nothing in this section is a test. It may suggest what to compare next.",),
            parts=tuple(parts),
        )


def _selection(evidence: Evidence, drawings: Drawings) -> Iterator[Section]:
    arms = shown.selected(evidence)
    if arms.empty:
        return
    yield Section(
        anchor="selection",
        title="What the search proposed, and what fresh seeds say",
        kind="planned",
        parts=(
            *_drawn(drawings, "selection"),
            Table(
                name="selection",
                title="Search against fresh seeds",
                caption="Gap: confirmed mean less the value that the search saw; positive is optimism.",
                frame=arms,
                columns=(
                    Column(title="Arm", name="label"),
                    Column(title="Searched", name="searched", form="loss"),
                    Column(title="Confirmed", name="mean", form="loss"),
                    Column(title="95 % interval", name="low", high="high", form="loss"),
                    Column(title="n", name="n", form="count"),
                    Column(title="Gap", name="gap", form="number"),
                ),
            ),
        ),
    )


def _absent(evidence: Evidence, drawings: Drawings) -> Iterator[Section]:
    from analysis.report.figures import PICTURES

    rows = [
        {"figure": picture.title, "why": picture.missing(evidence)}
        for picture in PICTURES.values()
        if picture.name not in drawings
    ]
    if rows:
        yield Section(
            anchor="absent",
            title="What this study cannot show",
            parts=(
                Table(
                    name="absent",
                    title="Figures that could not be drawn",
                    caption="And what each of them needs.",
                    frame=pd.DataFrame(rows),
                    columns=(
                        Column(title="Figure", name="figure"),
                        Column(title="Why", name="why"),
                    ),
                    folded=True,
                ),
            ),
        )


def _reproduce(evidence: Evidence) -> Section:
    study = evidence.table.study
    price = "" if evidence.price is None else f" --price-per-param {evidence.price:g}"
    margin = "" if evidence.margin is None else f" --margin {evidence.margin:g}"
    named = price + margin
    rows = [
        ("this report", f"ablate report {study}{named}"),
        ("check every number against the records", f"ablate report {study}{named} --verify"),
        ("one figure", f"ablate plot {study} NAME --format svg,pdf,png --style paper"),
        ("the trade-off", f"ablate fit {study}{price}"),
        ("the effects", f"ablate effects {study}{margin}"),
        ("one run", f"ablate reproduce {study} RUN"),
        ("the table behind all of it", "tables/runs_table.csv, one row per planned run"),
    ]
    settings = provenance.settings(evidence.table)
    return Section(
        anchor="reproduce",
        title="How to get each number again",
        text=(
            "Every number is computed from runs/*/result.json of the study folder and from nothing else. "
            "numbers.json holds all of them unrounded.",
        ),
        parts=(
            Table(
                name="reproduce",
                title="Commands",
                caption="Each reads the study folder.",
                frame=pd.DataFrame(rows, columns=["what", "command"]),
                columns=(
                    Column(title="What", name="what"),
                    Column(title="Command", name="command"),
                ),
            ),
            *([settings] if settings else []),
        ),
    )


def _drawn(drawings: Drawings, name: str) -> list[Drawing]:
    return [drawings[name]] if name in drawings else []
