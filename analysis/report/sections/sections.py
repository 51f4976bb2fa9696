"""The evidence as sections: planned comparisons first, then what was only looked at, then the record."""

from collections.abc import Iterator

import pandas as pd

from analysis.report.evidence.evidence import Evidence
from analysis.report.page.page import Drawing, Drawings, Section, drawn
from analysis.report.page.tables import (
    ARM,
    INTERVAL,
    RUN,
    SEED,
    STATE,
    Column,
    Table,
    filled,
    if_any,
    listing,
    metric_column,
)
from analysis.report.sections import provenance
from analysis.report.sections.answer import asked
from analysis.report.sections.channels import channels_section, gates_by_arm
from analysis.report.sections.claims import claims_section
from analysis.report.sections.effects import by_epoch, effects_sections
from analysis.report.sections.limits import limits
from analysis.report.sections.pairing import pairing_section
from analysis.report.sections.ratio import ratio_section, width_section
from analysis.report.sections.stopped import stopped_section
from analysis.report.sections.test_set import test_section
from analysis.tables.runs_table import USUAL_METRICS
from plain_files.numbers import as_given
from plain_files.stopping_rules import changes_of

_COUNTED = " Parameters and multiply-adds are counted, not estimated."


def sections(evidence: Evidence, drawings: Drawings) -> tuple[Section, ...]:
    """Every section that the study has something for, in reading order."""
    table = evidence.table
    late = table.selected or table.added_seeds or changes_of(table.info)
    kind = "exploratory" if late else "planned"
    made = [
        *stopped_section(evidence, drawings),
        *claims_section(evidence),
        *_asked_first(evidence, drawings, kind),
        *test_section(evidence),
        *pairing_section(evidence),
        *_arms(evidence, drawings),
        *_training(evidence, drawings),
        *_exploration(evidence, drawings),
        *_absent(evidence, drawings),
        provenance.left_out(evidence.table),
        provenance.provenance(evidence.table),
        _reproduce(evidence),
    ]
    return tuple(made)


def _asked_first(evidence: Evidence, drawings: Drawings, kind: str) -> Iterator[Section]:
    """What the study was made for, then what it also tells."""
    parts = {
        "width": list(width_section(evidence, drawings, kind)),
        "ratio": list(ratio_section(evidence, drawings, kind)),
        "search": list(_selection(evidence, drawings)),
        "effects": list(effects_sections(evidence, drawings, kind)),
    }
    first = asked(evidence)
    yield from parts.pop(first)
    if first == "search":
        yield from parts.pop("effects")
    for rest in parts.values():
        yield from rest


def _arms(evidence: Evidence, drawings: Drawings) -> Iterator[Section]:
    if evidence.arms.empty:
        return
    frame = evidence.arms
    yield Section(
        anchor="arms",
        title="The arms and what they cost",
        parts=(
            *drawn(drawings, "pareto"),
            *drawn(drawings, "seeds"),
            Table(
                name="arms",
                title="Every arm",
                caption=(
                    "Means over seeds; marginal 95 % t intervals. The baseline is bold."
                    + _COUNTED * bool(frame["params"].notna().any())
                ),
                frame=frame,
                columns=(
                    ARM,
                    Column(title="n", name="n", form="count"),
                    Column(title="Mean", name="mean", form="loss"),
                    Column(title="95 % interval", name="low", high="high", form="loss"),
                    Column(title="sd", name="sd", form="number"),
                    *filled(
                        frame,
                        *map(metric_column, evidence.table.beside),
                        Column(title="Parameters", name="params", form="count"),
                        Column(title="of attention", name="attention_params", form="count"),
                        Column(title="Multiply-adds", name="macs", form="count"),
                        Column(title="Seconds per run", name="seconds", form="number"),
                    ),
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
    table = evidence.table
    usual = table.measured == USUAL_METRICS
    shown = ("val_loss", "val_accuracy") if usual else (table.metric, *table.beside)
    names = ["run", "label", "seed", "stage", "state", *shown, "seconds"]
    return Table(
        name="runs",
        title="Every run",
        caption="The rows of the runs table, also those that entered no estimate.",
        frame=table.frame[names],
        columns=(
            RUN,
            ARM,
            SEED,
            Column(title="Stage", name="stage"),
            STATE,
            *map(metric_column, shown),
            Column(title="Seconds", name="seconds", form="number"),
        ),
        folded=True,
        drawn=True,
    )


def _training(evidence: Evidence, drawings: Drawings) -> Iterator[Section]:
    parts: list[Drawing | Table] = [*drawn(drawings, "curves"), *drawn(drawings, "over_time")]
    if evidence.components is not None:
        parts += if_any(by_epoch, evidence.components.by_epoch)
    parts += drawn(drawings, "gates")
    if evidence.gates is not None:
        parts += if_any(gates_by_arm, evidence.gates.arms)
    if parts:
        yield Section(
            anchor="training",
            title="How the runs trained",
            text=evidence.gates.remarks if evidence.gates else (),
            parts=tuple(parts),
        )
    yield from channels_section(evidence, drawings)


def _exploration(evidence: Evidence, drawings: Drawings) -> Iterator[Section]:
    parts: list[Drawing | Table] = [*drawn(drawings, "importance")]
    if evidence.importance is not None:
        parts.append(_shares(evidence.importance.frame))
    parts += drawn(drawings, "parallel")
    if parts:
        said = evidence.importance.sentences() if evidence.importance else []
        said = [line for line in said if "nan" not in line]  # a factor that another one fixes
        yield Section(
            anchor="exploration",
            title="To look at",
            kind="exploratory",
            text=("Nothing in this section concludes; it may suggest what to compare next.", *said),
            parts=tuple(parts),
        )


def _shares(frame: pd.DataFrame) -> Table:
    return Table(
        name="importance",
        title="Shares by factor",
        caption=(
            "Chance: of the factorial shares, what the F test tells from chance at 5 % over all factors "
            "(Holm); of the others, what 1 of 20 tables reaches whose losses are dealt out at random. "
            "Interval and p: of the factorial shares only."
        ),
        frame=frame,
        columns=(
            Column(title="Factor", name="factor"),
            Column(title="Question", name="question"),
            Column(title="Share", name="share", form="percent"),
            INTERVAL,
            Column(title="Chance", name="chance", form="percent"),
            Column(title="Holm p", name="p_holm", form="p"),
        ),
        folded=True,
    )


def _selection(evidence: Evidence, drawings: Drawings) -> Iterator[Section]:
    if evidence.winner is None:
        return
    yield Section(
        anchor="selection",
        title="What the search proposed, and what fresh seeds say",
        kind="planned",
        said=tuple(evidence.winner.sentences()),
        parts=(
            *drawn(drawings, "selection"),
            Table(
                name="selection",
                title="Search against fresh seeds",
                caption=(
                    "Optimism: confirmed mean less the value that the search saw. Intervals hold for all "
                    "arms at once."
                ),
                frame=evidence.winner.frame,
                columns=(
                    ARM,
                    Column(title="Searched", name="searched", form="loss"),
                    Column(title="Confirmed", name="mean", form="loss"),
                    Column(title="95 % interval", name="low", high="high", form="loss"),
                    Column(title="n", name="n", form="count"),
                    Column(title="Optimism", name="optimism", form="signed"),
                ),
            ),
        ),
    )


def _absent(evidence: Evidence, drawings: Drawings) -> Iterator[Section]:
    from analysis.report.figures.figures import PICTURES

    rows = [
        (picture.title, picture.missing(evidence))
        for picture in PICTURES.values()
        if picture.name not in drawings
    ]
    undrawn = listing(
        "absent",
        "Figures that could not be drawn",
        "And what each of them needs.",
        rows,
        of=("figure", "why"),
        folded=True,
    )
    yield Section(
        anchor="absent",
        title="What this study cannot show",
        text=tuple(limits(evidence)),
        parts=(undrawn,) if rows else (),
    )


def _reproduce(evidence: Evidence) -> Section:
    study = evidence.table.study
    price = "" if evidence.price is None else f" --price-per-param {as_given(evidence.price, 15)}"
    margin = "" if evidence.margin is None else f" --margin {as_given(evidence.margin, 15)}"
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
            listing(
                "reproduce",
                "Commands",
                "Each reads the study folder.",
                rows,
                of=("what", "command"),
            ),
            *([settings] if settings else []),
        ),
    )
