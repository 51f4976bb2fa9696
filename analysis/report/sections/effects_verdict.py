"""The verdict on the comparisons in plain words: planned ones, effects by what was found, interactions."""

import math
from typing import Any

import pandas as pd

from analysis.effects.effects import Effects
from analysis.effects.effects_words import needed
from analysis.planned.declared import added_late
from analysis.planned.planned import PlannedReport, comparison
from analysis.report.evidence.evidence import Evidence
from analysis.report.page.numbers import as_given, interval, plural, signed
from analysis.report.sections.stopped import stopped_verdict
from plain_files.numbers import p_words

MOST_NAMED = 3
"""Comparisons that the headline names per verdict; the others are counted."""


def effects_verdict(evidence: Evidence) -> str:
    """What the comparisons with the baseline say: the planned ones where there are any, or the search's."""
    if evidence.effects is None and evidence.winner is not None:
        return f"Search and fresh seeds: {' '.join(evidence.winner.sentences())}"
    if evidence.effects is None:
        return f"Comparisons: no answer, since {evidence.why('effects')}"
    found = evidence.effects
    assert evidence.components is not None
    if found.stopped is not None:
        return stopped_verdict(found.stopped)
    if evidence.components.planned is not None:
        return _planned(evidence.components.planned)
    rows = found.family.sort_values("estimate", key=abs, ascending=False)
    parts = rows.groupby(_standing(rows), sort=False)
    names = _standings(found)
    said = [
        f"{len(part)} {names[standing]}: {_few(part, found)}"
        for standing, part in sorted(parts, key=lambda pair: list(names).index(pair[0]))
    ]
    count = plural(len(rows), "comparison")
    late = added_late(evidence.table)
    told = f" ({late})" if late else ""
    return f"{count} with the baseline, {found.baseline}{told}: {'. '.join(said)}."


def interactions_verdict(evidence: Evidence) -> list[str]:
    """Which factors change each other's effect, where that was seen."""
    found = evidence.components and evidence.components.interactions
    if not found:
        return []
    seen = found.frame[found.frame["present"]]
    if seen.empty:
        return []
    best = seen.groupby(["first", "second"], sort=False)["p_adjusted"].min().reset_index()
    pairs = [
        f"{_last(row['first'])} and {_last(row['second'])} (adjusted {p_words(row['p_adjusted'])})"
        for row in best.to_dict("records")
    ]
    return [
        f"Not to be read one by one: {', '.join(pairs)} change each other's effect. Their simple effects are decided "
        "instead."
    ]


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _planned(found: PlannedReport) -> str:
    rows = []
    for row in found.frame.to_dict("records"):
        size = f"{signed(row['estimate'])} {interval(row['low'], row['high'])}".rstrip()
        rows.append(f"{comparison(row)} {row['verdict']} ({size})")
    departed = (
        f" {plural(len(found.deviations), 'departure')} from the plan." if found.deviations else ""
    )
    if found.pending:
        return f"Planned comparisons: no verdict yet: {found.pending}.{departed}"
    if not rows:
        return f"Planned comparisons: none of them has complete runs.{departed}"
    return (
        f"{plural(len(rows), 'planned comparison')} ({found.basis}): {'; '.join(rows)}.{departed}"
    )


def _standing(rows: pd.DataFrame) -> "pd.Series[str]":
    """Verdicts, with the undecided told apart by what their interval says."""
    unseen = (rows["ci95_low"] <= 0) & (rows["ci95_high"] >= 0)
    undecided = rows["verdict"] == "undecided"
    return rows["verdict"].mask(undecided & unseen, "unseen")


def _standings(found: Effects) -> dict[str, str]:
    known = [margin for margin in found.margins if not math.isnan(margin)]
    within = f" (within ±{' or ±'.join(map(as_given, known))})" if known else ""
    late = ", by a margin given after the runs" if found.exploratory else ""
    return {
        "matters": "found to matter",
        "differs": "different from zero, by less than the margin",
        "depends": "dependent on other factors, so not decided on average",
        "negligible": f"negligible{within}{late}",
        "unseen": "undecided, with no difference seen",
        "undecided": "undecided once all comparisons are allowed for",
        "untested": "without a verdict, since nothing tells their error",
    }


def _few(rows: pd.DataFrame, found: Effects) -> str:
    more = len(rows) - MOST_NAMED
    parts = [_row(row, found) for _, row in rows.head(MOST_NAMED).iterrows()]
    return "; ".join([*parts, *([f"and {more:,} more"] if more > 0 else [])])


def _row(row: "pd.Series[Any]", found: Effects) -> str:
    ends = interval(row["sim_low"], row["sim_high"])
    said = f"{row['label']} {signed(row['estimate'])} {ends}".rstrip()
    unseen = row["ci95_low"] <= 0 <= row["ci95_high"]
    # Without a margin no number of seeds decides that there is nothing; so none is asked for.
    decidable = not math.isnan(row["margin"]) or not unseen
    if row["verdict"] == "undecided" and decidable and math.isfinite(row["seeds_needed"]):
        return f"{said}, {needed(row.to_dict(), found).removeprefix('it ')}"
    return said
