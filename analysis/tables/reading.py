"""What a reader decided of a table that does not say it, and what to be wary of in its numbers."""

from collections.abc import Sequence

import pandas as pd

from analysis.tables.equal.repetition import arms_of, is_coarse

MEANINGS = {
    "hidden": "the attention's hidden widths",
    "channels": "the network's channels",
    "data": "the name of the data set",
    "device": "where the run was",
    "params": "the network's weights",
    "attention_params": "the attention's weights",
    "macs": "its multiply-adds",
    "c2_eff": "the sum of squared channels",
    "epochs_run": "the epochs that the run has behind it",
    "epochs_planned": "the epochs that it was to have",
    "stage": "the part of a study",
    "seconds": "how long it took",
}
"""Columns with a meaning of their own, which a user's table may use for a factor."""
PLACES = frozenset(
    (
        "gpu", "gpus", "host", "hostname", "node", "machine", "worker", "pid", "user", "username", "timestamp", "date",
        "time", "created", "started", "finished", "runtime", "duration", "commit", "notes", "note", "comment", "tags",
        "path", "checkpoint", "logfile",
    )
)  # fmt: skip
"""Names of columns that say where and when a run was, which vary by chance and are no factors by themselves."""
MEASURED = ("seconds", "device")
"""Such columns that differ between the runs of an arm as a matter of course."""
NEAR_ONE = 0.95
"""A share beyond it, or below 1 less it, has a noise that depends on its mean."""


def read_as(
    frame: pd.DataFrame, *, factors: Sequence[str], metric: str, direction: str, said: bool
) -> str:
    """The metric, its direction and the factors in one sentence.

    Args:
        frame: The runs table.
        factors: Its factors.
        metric: Its metric.
        direction: `minimize` or `maximize`.
        said: Whether somebody said the direction; it was taken from the name if not.
    """
    by = "" if said else ", by its name"
    good = "larger" if direction == "maximize" else "smaller"
    names = ", ".join(name.rpartition(".")[2] for name in factors) or "none"
    return f"Read: {metric} ({good} is better{by}); factors: {names}{_not_factors(frame, factors)}."


def _not_factors(frame: pd.DataFrame, factors: Sequence[str]) -> str:
    """The columns that vary within an arm but have a meaning of their own."""
    arm = arms_of(frame, [name for name in factors if name in frame])
    taken = []
    for name, meaning in MEANINGS.items():
        if name not in frame or name in factors or frame[name].isna().all():
            continue
        values = frame[name].astype(str).where(frame[name].notna())
        varies = values.groupby(arm).nunique().max() > 1
        if varies and (name not in MEASURED or not len(factors)):
            taken.append(f"`{name}` is read as {meaning}")
    places = [
        f"`{name}`"
        for name in frame.columns
        if is_place(name) and name not in factors and len(frame[name].dropna().unique()) > 1
    ]
    if places:
        taken.append(f"{' and '.join(places)} as where or when a run was")
    if not taken:
        return ""
    return f"; {', '.join(taken)}, not as a factor (name the factors with --factors if it is one)"


def is_place(name: str) -> bool:
    """Whether a column's name says that it tells where or when a run was."""
    return name.lower() in PLACES


def doubts(rows: pd.DataFrame, *, metric: str, by: Sequence[str], repeated: int) -> list[str]:
    """What makes errors of these runs too small, a sentence each.

    Args:
        rows: The complete runs, repetitions left out.
        metric: What they measure.
        by: The columns that tell arms apart.
        repeated: Runs that were left out since they repeat another.
    """
    said = []
    if repeated:
        runs = "1 run has" if repeated == 1 else f"{repeated} runs have"
        said.append(
            f"{runs} the value of another run of the same arm and counted once with it: repetition is not replication "
            "(was the seed applied?)."
        )
    if is_coarse(rows, metric=metric, by=by):
        said.append(
            f"{metric} is rounded so much that runs of one arm tie: no difference below its last digit is known. "
            "Give more digits, or the loss."
        )
    values = rows[metric]
    share = len(values) > 0 and bool(values.between(0, 1).all()) and values.min() < values.max()
    mean = values.groupby(arms_of(rows, by)).mean() if share else values
    if share and bool(((mean > NEAR_ONE) | (mean < 1 - NEAR_ONE)).any()) and _is_share(metric):
        said.append(
            f"{metric} comes near the end of its range, where noise shrinks and differences are squeezed: "
            "compare the loss, or the logarithm of the error."
        )
    return said


def _is_share(metric: str) -> bool:
    from analysis.tables.directions import direction_named

    return direction_named(metric) == "maximize"
