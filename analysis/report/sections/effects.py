"""The sections on components: planned comparisons, effects, interactions, and what was only looked at."""

import math
from collections.abc import Iterator
from functools import partial

import pandas as pd

from analysis.effects.effects import Effects
from analysis.effects.effects_words import sentences
from analysis.planned.declared import added_late
from analysis.planned.planned import comparison
from analysis.report.evidence.evidence import Evidence
from analysis.report.page.numbers import as_given
from analysis.report.page.page import Drawings, Section, drawn
from analysis.report.page.tables import INTERVAL, Column, Table, if_any

MOST_SENTENCES = 15


def effects_sections(evidence: Evidence, drawings: Drawings, kind: str) -> Iterator[Section]:
    """What each component does; planned comparisons first and apart, where the study has any."""
    if evidence.components is None:
        return
    found = evidence.components
    if found.planned is not None:
        yield Section(
            anchor="planned",
            title="The planned comparisons",
            kind="planned",
            said=tuple(found.planned.sentences()),
            text=(f"They were written down before the runs (hash {evidence.table.planned_hash}).",),
            parts=tuple(if_any(_planned_table, found.planned.frame)),
        )
        kind = "exploratory"
    whole = found.effects.frame["role"] != "cell"
    # Where seeds were added, these tests hold all the same; those of interactions do not.
    holds = found.effects.tests == "any time" and found.planned is None
    yield Section(
        anchor="effects",
        title="What each component does",
        kind="planned" if holds else kind,
        text=(_how_planned(evidence),),
        said=tuple(_shortened(sentences(found.effects))),
        parts=(
            *drawn(drawings, "effects"),
            _effects_table("effects", found.effects.frame[whole], found.effects),
            *if_any(partial(_dead_weight, found=found.effects), found.dead_weight),
        ),
    )
    yield from _interactions(evidence, drawings, kind)
    if (~whole).any():
        yield Section(
            anchor="looked-at",
            title="Arms of the factorial, only looked at",
            kind="exploratory",
            text=(
                "Nobody asked for these comparisons one by one; they suggest what to test next.",
            ),
            parts=(_effects_table("effects_of_arms", found.effects.frame[~whole], found.effects),),
        )


def _interactions(evidence: Evidence, drawings: Drawings, kind: str) -> Iterator[Section]:
    assert evidence.components is not None
    found = evidence.components.interactions
    if found.frame.empty:
        return
    yield Section(
        anchor="interactions",
        title="Do effects depend on each other?",
        kind=kind,
        said=tuple(_shortened(found.sentences())),
        parts=(
            *drawn(drawings, "interactions"),
            _pairs_table(found.frame),
            *if_any(_simple_table, evidence.components.simple),
        ),
    )


def _shortened(sentences: list[str]) -> list[str]:
    """The sentences, or the first and last of very many; each comparison is in the table anyway."""
    if len(sentences) <= MOST_SENTENCES:
        return sentences
    between = f"... {len(sentences) - MOST_SENTENCES:,} more comparisons are in the table below."
    return [*sentences[: MOST_SENTENCES - 5], between, *sentences[-5:]]


def _how_planned(evidence: Evidence) -> str:
    if evidence.effects is not None and evidence.effects.stopped is not None:
        return (
            "Verdicts, estimates and intervals are those of the look that settled each comparison."
        )
    if evidence.table.planned:
        return "These comparisons were not among the planned ones, or are shown beside them: exploratory."
    if evidence.winner is not None:
        return (
            "The search chose the arms. Only fresh seeds enter these comparisons, which were fixed before "
            "the first of them was run; no margin was declared beside them."
        )
    if late := added_late(evidence.table):
        return f"The design fixed these comparisons before the first run; {late}."
    return (
        "The design fixed these comparisons before the first run; no list of planned comparisons and no "
        "margin were declared beside it."
    )


def _effects_table(name: str, rows: pd.DataFrame, found: Effects) -> Table:
    several = (rows["backgrounds"] > 1).any()
    basis = [Column(title="Backgrounds", name="backgrounds", form="count")] if several else []
    told_by = [Column(title="Adjusted p", name="p_adjusted", form="p")]
    if found.margin is not None:
        told_by.append(Column(title="Equivalence p", name="p_equivalence_adjusted", form="p"))
    decides = "decide with the adjusted p: a difference is real where they leave 0 out"
    if found.stopped is not None:
        told_by = [Column(title="Of its boundary", name="evidence", form="number")]
        decides = "at all looks; the rule decides, by a statistic that passes its boundary"
    saved = (
        [Column(title="Parameters saved", name="saved_params", form="count")]
        if "saved_params" in rows
        else []
    )
    return Table(
        name=name,
        title=f"Comparisons with the baseline, {found.baseline}",
        caption=(
            "Positive is worse than the baseline. Simultaneous intervals hold for the whole family and "
            f"{decides}. Marginal ones hold one by one. Backgrounds: "
            "settings of the other factors that a difference is the mean over. Needed: beyond what there is, for 80 % "
            "power, and between which numbers that lies with 80 %."
        ),
        frame=rows.drop(columns=["level", "against"]),
        columns=(
            Column(title="Comparison", name="label"),
            *basis,
            Column(title="Difference", name="estimate", form="signed"),
            Column(title="95 % marginal", name="ci95_low", high="ci95_high", form="number"),
            Column(title="95 % simultaneous", name="sim_low", high="sim_high", form="number"),
            *told_by,
            Column(title="Verdict", name="verdict"),
            Column(
                title=f"{found.replicates.capitalize()} needed", name="seeds_needed", form="count"
            ),
            Column(
                title="Between", name="seeds_needed_low", high="seeds_needed_high", form="count"
            ),
            Column(title="Pairs", name="n_pairs", form="count"),
            *saved,
        ),
        mark=tuple(str(verdict) for verdict in rows["verdict"]),
        folded=name != "effects",
    )


def _planned_table(rows: pd.DataFrame) -> Table:
    names = [comparison(row) for row in rows.to_dict("records")]
    return Table(
        name="planned",
        title="Planned comparisons",
        caption="Holm's p over these comparisons decides, with every declared look allowed for.",
        frame=rows.drop(columns=["level", "against"]).assign(name=names),
        columns=(
            Column(title="Comparison", name="name"),
            Column(title="Direction", name="direction"),
            Column(title="Margin", name="margin", form="level"),
            Column(title="Difference", name="estimate", form="signed"),
            Column(title="Interval", name="low", high="high", form="number"),
            Column(title="Adjusted p", name="p_adjusted", form="p"),
            Column(title="Equivalence p", name="p_equivalence", form="p"),
            Column(title="Verdict", name="verdict"),
            Column(title="Seeds", name="seeds", form="count"),
        ),
        mark=tuple(str(verdict) for verdict in rows["verdict"]),
    )


def _pairs_table(rows: pd.DataFrame) -> Table:
    return Table(
        name="interactions",
        title="Interactions",
        caption=(
            "How much the effect of one level changes when the other is switched on (a difference of "
            "differences), simultaneous 95 % intervals, decided together."
        ),
        frame=rows.drop(columns=["first_level", "second_level"]).rename(
            columns={"first_name": "one", "second_name": "other"}
        ),
        columns=(
            Column(title="One", name="one"),
            Column(title="Other", name="other"),
            Column(title="Interaction", name="estimate", form="signed"),
            Column(title="95 % simultaneous", name="sim_low", high="sim_high", form="number"),
            Column(title="Adjusted p", name="p_adjusted", form="p"),
            Column(title="Pairs", name="n_pairs", form="count"),
        ),
        folded=len(rows) > 12,
    )


def _simple_table(rows: pd.DataFrame) -> Table:
    return Table(
        name="simple_effects",
        title="Simple effects",
        caption="The effect of a level where the factors that it depends on stand as given. They decide in place of "
        "the averages, together with all other comparisons.",
        frame=rows,
        columns=(
            Column(title="Effect", name="label"),
            Column(title="Difference", name="estimate", form="signed"),
            Column(title="95 % simultaneous", name="sim_low", high="sim_high", form="number"),
            Column(title="Adjusted p", name="p_adjusted", form="p"),
            Column(title="Verdict", name="verdict"),
        ),
        mark=tuple(str(verdict) for verdict in rows["verdict"]),
        folded=len(rows) > 12,
    )


def _dead_weight(rows: pd.DataFrame, *, found: Effects) -> Table:
    margins = " or ±".join(as_given(m) for m in found.margins if not math.isnan(m))
    costs = [
        Column(title=title, name=name, form="count")
        for title, name in (
            ("Parameters saved", "saved_params"),
            ("Multiply-adds saved", "saved_macs"),
        )
        if name in rows
    ]
    return Table(
        name="dead_weight",
        title="What can go",
        caption=f"Changes that are negligible (within ±{margins}) and make the network cheaper.",
        frame=rows.drop(columns=["level", "against"], errors="ignore"),
        columns=(
            Column(title="Change", name="label"),
            Column(title="Difference", name="estimate", form="signed"),
            *costs,
        ),
    )


def by_epoch(rows: pd.DataFrame) -> Table:
    """The differences to the baseline at some epochs."""
    return Table(
        name="effects_by_epoch",
        title="Differences against training time",
        caption="At a quarter, half, three quarters and all of the epochs; only the last decides. Each interval "
        "is what the comparison would have had if the runs had ended there; the last is the one above.",
        frame=rows,
        columns=(
            Column(title="Comparison", name="label"),
            Column(title="Epoch", name="epoch", form="count"),
            Column(title="Difference", name="estimate", form="signed"),
            INTERVAL,
            Column(title="Pairs", name="n_pairs", form="count"),
        ),
        folded=True,
        drawn=True,
    )
