"""A plan: the finite list of runs that a design makes of a space."""

from dataclasses import dataclass
from typing import Any, Literal

Stage = Literal["grid", "loco", "one_in", "fractional", "zip", "search", "confirm"]


@dataclass(frozen=True, kw_only=True)
class PlannedRun:
    """One run before it is executed: one line of `plan.jsonl`."""

    run: str
    """Id of the run, and the name of its folder."""
    arm: str
    """Id of the arm."""
    label: str
    """The arm in words, for example `reduction=4` or `no attention`."""
    seed: int
    stage: Stage
    settings: dict[str, Any]
    """The whole arm as a tree, the seed, and what its subject carries: what `train` gets."""
    factors: dict[str, Any]
    """Dotted setting -> value; None where the arm does not use the factor."""
    cost: dict[str, Any]
    """Known before training: hidden, channels, c2_eff, params, attention_params, macs."""
    epochs_planned: int

    def to_json(self) -> dict[str, Any]:
        """The run as plain values."""
        return dict(vars(self))
