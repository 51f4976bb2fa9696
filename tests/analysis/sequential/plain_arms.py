"""Arms of no subject, for rules."""

from dataclasses import dataclass, field
from typing import Any

from analysis.sequential.rule import UntilDecided


@dataclass(frozen=True)
class Arm:
    id: str
    label: str
    factors: dict[str, Any]
    cost: dict[str, Any] = field(default_factory=dict)


def arms(count: int) -> list[Arm]:
    """A baseline and its comparisons, by one factor."""
    return [Arm(f"a{i}", f"x={i}", {"x": i}) for i in range(count + 1)]


def declared(rule: UntilDecided, comparisons: int) -> dict[str, Any]:
    return rule.completed(rule.declared(arms(comparisons), metric="val_loss", direction="minimize"))
