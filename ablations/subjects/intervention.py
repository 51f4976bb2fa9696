"""A verified intervention: what one arm changes of the baseline, found by building both."""

from collections.abc import Collection
from dataclasses import dataclass

from ablations.errors import StudyError


@dataclass(frozen=True, kw_only=True)
class Intervention:
    """What one arm changes of the baseline's network."""

    label: str
    changed: tuple[str, ...]
    """Dotted settings of the network that differ from the baseline's."""
    added: tuple[str, ...]
    """Modules that the baseline's network has not."""
    removed: tuple[str, ...]
    """Modules that only the baseline's network has."""
    reshaped: tuple[str, ...]
    """Tensors in both, of other shapes."""
    params: int
    params_change: int
    output_change: float
    """Largest change of a logit, as a share of the baseline's largest; where an arm is compared by training it,
    the change of the metric that decides, as a share of the larger of the two."""
    problem: str | None = None
    """Why a study with this arm must not start; None if it may."""
    warnings: tuple[str, ...] = ()
    """What is to be known before it starts, a sentence each."""
    pairing: str = ""
    """What a run of the arm shares with the baseline's of the same seed; empty where that was not measured."""
    unnamed: int = 0
    """Random draws of its construction that belong to no tensor."""


def refuse(table: Collection[Intervention]) -> None:
    """Stop before the first run if an arm is not what it says.

    Raises:
        StudyError: With the reason for each such arm, naming both arms.
    """
    problems = [row.problem for row in table if row.problem is not None]
    if problems:
        listed = "\n".join(f"  {problem}" for problem in problems)
        raise StudyError(
            f"{len(problems)} arm(s) are not the intervention they are called:\n{listed}\n"
            "Leave such levels out (one of two that are one), or change them so that their arms train and differ."
        )
