"""What a search may optimise: numbers of a run's result or of its cost, and which way each is better."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

from ablations.errors import SettingError, one_of

Direction = Literal["minimize", "maximize"]


def check_objectives(names: Sequence[str], known: Collection[str]) -> None:
    """Refuse objectives that no run has, or that are named twice.

    Raises:
        SettingError: Says which are known.
    """
    if not names or len(set(names)) != len(names):
        raise SettingError(
            f"`objectives` must name at least one number, each once, but got {names}."
        )
    for name in names:
        if name not in known:
            raise SettingError(one_of("objectives", name, known))


def objective_of(name: str, cost: Mapping[str, Any], result: Mapping[str, Any]) -> float | None:
    """The number in a run's result, or else in its planned cost; None where neither has it."""
    value = result.get(name, cost.get(name))
    return None if value is None else float(value)


def front(
    points: Mapping[str, Sequence[float]], directions: Sequence[Direction]
) -> list[list[str]]:
    """Names in layers: those that no other beats in every objective, then those that only these beat, ...

    Args:
        points: Name -> one number for each objective.
        directions: Of the objectives.
    """
    signs = [1.0 if way == "minimize" else -1.0 for way in directions]
    left = {name: [s * x for s, x in zip(signs, xs, strict=True)] for name, xs in points.items()}
    layers = []
    while left:
        best = [
            name
            for name, mine in left.items()
            if not any(_dominates(other, mine) for other in left.values())
        ]
        layers.append(best)
        left = {name: xs for name, xs in left.items() if name not in best}
    return layers


def _dominates(one: Sequence[float], other: Sequence[float]) -> bool:
    pairs = list(zip(one, other, strict=True))
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)
