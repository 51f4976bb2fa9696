"""The section of a study that ran until it was decided: its rule, what settled each comparison, what it cost."""

from collections.abc import Iterator

from analysis.report.evidence.evidence import Evidence
from analysis.report.evidence.shown import stopped
from analysis.report.page.numbers import plural, signed
from analysis.report.page.page import Drawings, Section, drawn
from analysis.report.page.tables import Column, Table
from analysis.sequential.stopped import Stopped

ANOTHER = "Another study: seeds after which it would settle what is open, and between which they lie with 80 %."


def stopped_section(evidence: Evidence, drawings: Drawings) -> Iterator[Section]:
    """How the comparisons were settled; nothing for any other study."""
    found = stopped(evidence)
    if found is None:
        return
    parts = [] if found.frame.empty else [_table(found)]
    yield Section(
        anchor="until",
        title="Run until decided",
        kind="planned" if found.holds else "exploratory",
        text=(*found.sentences(), _rule(found)),
        parts=(*drawn(drawings, "looks"), *parts),
    )


def stopped_verdict(found: Stopped) -> str:
    """The comparisons by what settled them, in a line."""
    if found.frame.empty:
        return f"Comparisons: no look yet; the first is at {found.rule['first_look']} whole seeds."
    said = [
        f"{row['label']} {_word(row['verdict'])} after {row['look']} seeds ({signed(row['adjusted'])}"
        f"{', exploratory' if row['exploratory'] else ''})"
        for row in found.frame.to_dict("records")
    ]
    shown = said[:6] + ([f"and {len(said) - 6} more"] if len(said) > 6 else [])
    head = f"{plural(len(said), 'comparison')} with the baseline, run until decided"
    return f"{head}: {'; '.join(shown)}. {found.cost()}"


def _word(verdict: str) -> str:
    return {"differs": "differs, by less than the margin,", "undecided": "is undecided"}.get(
        verdict, verdict if verdict == "matters" else f"is {verdict}"
    )


def _rule(found: Stopped) -> str:
    rule = found.rule
    since = (
        "after runs had ended, in place of another one" if found.changes else "before the first run"
    )
    return (
        f"The rule was written down {since} (hash {rule['hash']}): a look after every seed from "
        f"{rule['first_look']} to {rule['max_seeds']}, {rule['alpha']:.0%} of error for all comparisons "
        f"together, spent as "
        f"{rule['spending']}, steps as Holm's, boundaries exact for few seeds. What was settled stays "
        f"settled. Seeds that "
        "were under way when a comparison was settled are in the table of runs, and in no verdict."
    )


def _table(found: Stopped) -> Table:
    level = f"{100 * (1 - float(found.rule['alpha'])):.0f} %"
    return Table(
        name="until",
        title="What settled each comparison",
        caption=(
            f"At the look at which it was settled, or the last one. {level} intervals hold at every look at once; "
            "simultaneous ones for all comparisons too. Adjusted: without the pull of having stopped where "
            "the mean was far "
            f"out. Lost: pairs of which one side gave no result.{' ' + ANOTHER if _is_open(found) else ''}"
        ),
        frame=found.frame,
        columns=(
            Column(title="Comparison", name="label"),
            Column(title="Verdict", name="verdict"),
            Column(title="Seeds", name="look", form="count"),
            Column(title="Adjusted", name="adjusted", form="signed"),
            Column(title="Raw mean", name="estimate", form="signed"),
            Column(title=level, name="low", high="high", form="number"),
            Column(title=f"{level} simultaneous", name="sim_low", high="sim_high", form="number"),
            Column(title="Margin", name="margin", form="level"),
            Column(title="Pairs", name="pairs", form="count"),
            Column(title="Lost", name="lost", form="count"),
            *([Column(title="Exploratory", name="exploratory")] if found.changes else []),
            *_open_columns(found),
        ),
        mark=tuple(map(str, found.frame["verdict"])),
    )


def _is_open(found: Stopped) -> bool:
    return bool(found.frame["seeds_expected"].notna().any())


def _open_columns(found: Stopped) -> list[Column]:
    """What would settle what is open; none where nothing is."""
    if not _is_open(found):
        return []
    return [
        Column(title="Another study", name="seeds_expected", form="count"),
        Column(title="Between", name="seeds_low", high="seeds_high", form="count"),
    ]
