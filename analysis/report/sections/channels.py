"""What the gates are worth: whether the most opened channels are the useful ones, and whether the gradient knows."""

from collections.abc import Iterator

import pandas as pd

from analysis.report.evidence.evidence import Evidence
from analysis.report.page.page import Drawing, Drawings, Section, drawn
from analysis.report.page.tables import ARM, Column, Table, if_any

LONG = 24
"""Rows from which a table is folded."""


def channels_section(evidence: Evidence, drawings: Drawings) -> Iterator[Section]:
    """Figures and tables of a study that recorded its channels."""
    found = evidence.channels
    if found is None:
        return
    parts: list[Drawing | Table] = [*drawn(drawings, "channels"), *drawn(drawings, "drops")]
    parts += if_any(_drops, found.drops)
    parts += if_any(_worth, found.worth)
    yield Section(
        anchor="channels",
        title="Which channels the gates open, and what these are worth",
        kind="exploratory",
        text=(
            "Measured at the end of each run on validation examples: a channel is dropped by setting its gate to 0, "
            "without training again. It tells what the trained network uses, not what another would need.",
            *found.remarks,
        ),
        parts=tuple(parts),
    )


def gates_by_arm(frame: pd.DataFrame) -> Table:
    """What the gates of each arm came to; without their classes where none were recorded."""
    classes = (
        (
            *_with_interval("Between classes", "by_class"),
            *_with_interval("less the first arm's", "gap"),
        )
        if frame["by_class"].notna().any()
        else ()
    )
    return Table(
        name="gates_by_arm",
        title="Gates by arm",
        caption=(
            "At the last epoch, over validation examples; all blocks count alike. Between classes: the share of a "
            "gate's variance that lies between classes; a gate that knows nothing of the class has next to 0 %. "
            "Less the first arm's: by seed, in percentage points. Saturated: within 5 % of an end of the gate's range. "
            "Means over seeds with 95 % t intervals; exploratory."
        ),
        frame=frame,
        columns=(
            ARM,
            Column(title="n", name="n", form="count"),
            Column(title="Mean gate", name="mean", form="number"),
            Column(title="95 % interval", name="mean_low", high="mean_high", form="number"),
            *classes,
            *_with_interval("Saturated", "saturated"),
        ),
        folded=len(frame) > LONG,
    )


def _drops(frame: pd.DataFrame) -> Table:
    return Table(
        name="channel_drops",
        title="Accuracy without channels",
        caption=(
            "Means over seeds with 95 % t intervals, cut at 0 and 100 %. Dropped: that share of the channels of every "
            "block, at least one; the most and the least opened are those of their own block, since blocks differ in "
            "level. Gap: most less least opened, by seed; below 0 where the opened channels carry more "
            "of the answer."
        ),
        frame=frame,
        columns=(
            ARM,
            Column(title="Dropped", name="share", form="percent"),
            Column(title="n", name="n", form="count"),
            Column(title="Intact", name="intact", form="percent"),
            *_with_interval("Without the most opened", "most"),
            *_with_interval("Without the least opened", "least"),
            *_with_interval("Gap", "gap"),
        ),
        folded=len(frame) > LONG,
    )


def _worth(frame: pd.DataFrame) -> Table:
    return Table(
        name="channel_worth",
        title="Gates against usefulness, by block",
        caption=(
            "Usefulness of a channel: the rise of the loss without it. Clear: the share of the channels measured whose "
            "usefulness is over two standard errors from 0. Useful: those above. Agreement: among the clear, the share "
            "where the mean gradient at the gate would open what is useful and close what harms; a coin gives 50 %. "
            "Judged: so many clear channels in so many runs are what the agreement and its interval rest on; a few say "
            "little. Rank: Spearman's correlation of gate and usefulness. Means over seeds with 95 % t intervals, "
            "cut at the ends of what can be."
        ),
        frame=frame,
        columns=(
            ARM,
            Column(title="Block", name="block"),
            Column(title="n", name="n", form="count"),
            Column(title="Channels", name="channels", form="count"),
            Column(title="Clear", name="told", form="percent"),
            Column(title="Useful", name="useful", form="percent"),
            *_with_interval("Agreement", "agree"),
            Column(title="Judged", name="judged", form="count"),
            Column(title="in runs", name="judged_runs", form="count"),
            Column(title="Rank", name="rank", form="signed"),
            Column(title="95 % interval", name="rank_low", high="rank_high", form="number"),
        ),
        folded=len(frame) > LONG,
    )


def _with_interval(title: str, name: str) -> tuple[Column, Column]:
    return (
        Column(title=title, name=name, form="percent"),
        Column(title="95 % interval", name=f"{name}_low", high=f"{name}_high", form="percent"),
    )
