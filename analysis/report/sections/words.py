"""The verdicts of a report in plain words, and what must be known before they are used."""

from analysis.planned.declared import added_late
from analysis.plots.drawing.fonts import without_font
from analysis.report.evidence.evidence import Evidence
from analysis.report.page.numbers import plural, typeset
from analysis.report.sections.answer import answer, asked
from analysis.report.sections.effects_verdict import effects_verdict, interactions_verdict
from analysis.report.sections.ratio_verdict import ratio_verdict
from analysis.sequential.until_width.words import width_sentences
from analysis.tables.runs_table import REDUCTION
from analysis.tradeoff.tradeoff_words import FLAG_WORDS

MOST_NAMED = 3
"""Arms that a notice names; the others are counted."""


def verdict_lines(evidence: Evidence) -> list[str]:
    """What was asked first (how r* grows, what the ratio is worth, or what was compared); then what all rests on."""
    # Of a search nobody asks for one ratio: what cannot be fitted is then no answer that is owed.
    owed = REDUCTION in evidence.table.frame and (evidence.ratio or asked(evidence) != "search")
    ratio = [ratio_verdict(evidence)] if owed else []
    others = [effects_verdict(evidence), *interactions_verdict(evidence)]
    width = _width(evidence) if asked(evidence) == "width" else []
    found = (
        [*width, *ratio, *others] if asked(evidence) in ("width", "ratio") else [*others, *ratio]
    )
    # Its best arm may differ from the baseline in several settings, so that no comparison below is of it.
    confirmed = asked(evidence) == "search" and evidence.winner and evidence.effects
    lines = [*([answer(evidence)] if confirmed else []), *found, _basis(evidence)]
    return [f"Exploratory. {line}" for line in lines] if evidence.table.selected else lines


def notices(evidence: Evidence) -> list[str]:
    """What a reader must know before using any number."""
    said = [*evidence.table.remarks, *evidence.remarks]
    if evidence.unfinished:
        done = len(evidence.table.frame) - evidence.unfinished
        said.append(
            f"This study has not ended: {done:,} of {len(evidence.table.frame):,} runs have. Every number "
            "here will change, and a verdict read now and again later is two looks at the data."
        )
    failed = evidence.table.frame[evidence.table.frame["state"] == "FAILED"]
    if len(failed):
        # Only the type: these words go to W&B and to the dashboard, and a message can quote a secret.
        types = failed["error"].dropna().astype(str).str.split(":").str[0].value_counts()
        most = f" ({types.iloc[0]:,} with {types.index[0]})" if len(types) else ""
        listed = "it is" if len(failed) == 1 else "they are"
        said.append(
            f"{plural(len(failed), 'run')} failed and entered nothing{most}; {listed} listed below."
        )
    boxes = without_font("".join(map(str, evidence.table.frame["label"].unique())))
    if boxes:
        said.append(
            f"No font here has {boxes}: figures saved as PNG or PDF show boxes in its place until one that has it is "
            "installed (Noto Sans CJK, say). This page and the SVG files use the fonts of whoever reads them."
        )
    late = added_late(evidence.table)
    if late and evidence.ratio is not None:
        said.append(f"{_capital(late)}: the fit of the ratio is of one look, and exploratory.")
    if evidence.table.selected:
        said.append(
            "All runs were chosen by a search as it went. What follows is exploratory: intervals and "
            "p values do not hold for data that were selected by their values."
        )
    frame = evidence.table.frame
    ended = frame[frame["state"].isin(("COMPLETE", "PRUNED", "FAILED"))]
    lost = ended.groupby("label", sort=False)["state"].agg(lambda of: bool((of == "FAILED").all()))
    if lost.any() and not lost.all():
        names = ", ".join(map(str, lost.index[lost][:MOST_NAMED]))
        more = f" and {lost.sum() - MOST_NAMED} more" if lost.sum() > MOST_NAMED else ""
        said.append(f"No result of {names}{more}: every run of it failed.")
    said += evidence.effects.remarks if evidence.effects else ()
    said += width_sentences(evidence.table)
    said += evidence.table.doubts
    if evidence.ratio and asked(evidence) in ("ratio", "width"):
        said += [_sentence(FLAG_WORDS[flag]) for flag in evidence.ratio.fit.flags]
    return said


def _width(evidence: Evidence) -> list[str]:
    """How r* grows with the channels, where that is what was asked."""
    if evidence.width is None:
        return [f"Width: no answer, since {evidence.why('width')}"]
    return [f"Width: {typeset(evidence.width.sentences()[0])}"]


def _basis(evidence: Evidence) -> str:
    frame = evidence.table.frame
    if not len(frame):
        return "Basis: the plan is empty; no run was planned."
    seeds = plural(int(evidence.runs["seed"].nunique()), "seed")
    arms = plural(len(evidence.arms), "arm")
    # A program's own data have no name.
    data = sorted(set(frame["data"].dropna()))
    of = ", ".join([arms, seeds, *data])
    out = len(frame) - len(evidence.runs)
    lost = f"; {out:,} left out" if out else ""
    return (
        f"Basis: {len(evidence.runs):,} of {len(frame):,} planned runs ({of}){lost}. "
        "Intervals of comparisons hold for all of them at once, others are marginal 95 %."
    )


def _sentence(text: str) -> str:
    return _capital(text) + "."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
