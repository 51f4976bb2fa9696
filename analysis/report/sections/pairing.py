"""The section on pairing: what runs of one seed shared at their start, and the correlation that came of it.

Of a program of the user's own only: a bundled subject's arms are paired by construction.
"""

from collections.abc import Iterator

import pandas as pd

from analysis.report.evidence.evidence import Evidence
from analysis.report.page.page import Section
from analysis.report.page.tables import ARM, Column, Table
from analysis.tables.starts import read_starts, share_nothing
from plain_files.numbers import as_given

TITLE = "What runs of one seed share"


def pairing_section(evidence: Evidence) -> Iterator[Section]:
    """What was shared, for each arm, or that nothing was measured; nothing of a subject that pairs by itself."""
    table = evidence.table
    if table.folder is None:
        return
    starts = read_starts(table.frame, table.folder, table.baseline_arm)
    if starts.empty:
        if "program" in (table.info.get("space") or {}):
            yield Section(anchor="pairing", title=TITLE, text=(_unmeasured(evidence),))
        return
    yield Section(
        anchor="pairing",
        title=TITLE,
        text=(_said(starts),),
        parts=(
            Table(
                name="pairing",
                title="Each arm's runs beside the baseline's of the same seed, at their start",
                caption=(
                    "Measured in every run: tensors that both have in one name and shape, and those of them that are "
                    "equal in every number; of those that are drawn at random apart; the first batches trained on. "
                    "Correlation: of the results over seeds, from three seeds on."
                ),
                frame=_shown(starts, evidence),
                columns=(
                    ARM,
                    Column(title="Seeds", name="seeds", form="count"),
                    Column(title="Tensors equal", name="tensors"),
                    Column(title="Drawn ones equal", name="drawn"),
                    Column(title="First batches equal", name="first_batches"),
                    Column(title="Draws of no tensor", name="unnamed", form="count"),
                    Column(title="Correlation", name="correlation", form="number"),
                ),
                folded=len(starts) > 40,
            ),
        ),
    )


def _unmeasured(evidence: Evidence) -> str:
    """That no run tells, as none of a function does, and what the analysis rests on instead."""
    said = (
        "Nothing of it was measured: no run says what it started with, since what a function draws belongs to no "
        "tensor. Runs of a seed share what the program draws from its seed. They were compared seed by seed, by the "
        "correlation that their results reached"
    )
    effects = evidence.effects
    reached = None if effects is None else effects.frame["correlation"].dropna()
    if reached is None or reached.empty:
        return f"{said}, which fewer than three seeds do not tell."
    low, high = reached.min(), reached.max()
    span = f"{low:.2f}" if f"{low:.2f}" == f"{high:.2f}" else f"{low:.2f} to {high:.2f}"
    return f"{said}: {span} with the baseline's."


def _said(starts: pd.DataFrame) -> str:
    if share_nothing(starts):
        return (
            "Runs of one seed share no random number: no drawn tensor and no first batch is equal. So they were "
            "compared as independent runs, each arm with its own noise."
        )
    drawn, equal = starts["random"].sum(), starts["random_equal"].sum()
    batches, same = int(starts["batches"].sum()), int(starts["batches_equal"].sum())
    tensors = (
        f"{equal / drawn:.0%} of the drawn tensors that an arm and the baseline both have were equal"
        if drawn
        else "no drawn tensor is in two arms"
    )
    seen = f"; the first batches were equal in {same} of {batches} pairs of runs" if batches else ""
    return f"At the start {tensors}{seen}. What is not equal varies between arms of a seed as it does between seeds."


def _shown(starts: pd.DataFrame, evidence: Evidence) -> pd.DataFrame:
    frame = starts.copy()
    frame["tensors"] = [_of(a, b) for a, b in zip(starts["equal"], starts["alike"], strict=True)]
    frame["drawn"] = [
        _of(a, b) for a, b in zip(starts["random_equal"], starts["random"], strict=True)
    ]
    frame["first_batches"] = [
        _of(a, b) if b else "not known"
        for a, b in zip(starts["batches_equal"], starts["batches"], strict=True)
    ]
    effects = evidence.effects
    reached = (
        {}
        if effects is None
        else dict(zip(effects.frame["label"], effects.frame["correlation"], strict=True))
    )
    frame["correlation"] = [reached.get(label, float("nan")) for label in starts["label"]]
    return frame


def _of(equal: float, all_: float) -> str:
    return f"{as_given(equal)} of {as_given(all_)}"
