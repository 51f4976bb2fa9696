"""A space in Optuna's hands: one trial is one arm, its levels suggested by a sampler."""

from typing import Any, Protocol

from ablations.designs.assignments import Assignment, levels
from ablations.designs.expand import PlannedArm, plan_arm
from ablations.errors import SettingError, one_of
from ablations.plan import PlannedRun
from ablations.settings import GROUPS, inactive, value_of, with_values
from ablations.space import Factor, Space


class Suggests(Protocol):
    """What is used of an `optuna.Trial`."""

    def suggest_categorical(self, name: str, choices: Any) -> Any:
        """One of the choices."""

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        """A whole number, both ends included."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """A number, both ends included."""

    def set_user_attr(self, key: str, value: Any) -> None:
        """Store a plain value with the trial."""


def suggest(trial: Suggests, space: Space, *, fixed: Assignment | None = None) -> Assignment:
    """Let a trial choose a level of every factor that its arm uses.

    Factors are asked for in the space's order, and one that the arm so far does not use is left at
    the baseline: a trial without attention has no ratio. Ordered levels are suggested as their rank,
    in the parameter `<factor>.rank`, because a categorical parameter would hide the order from the
    sampler; the trial's user attribute `<factor>` has the level itself. Factors that are fixed are not
    asked for.
    """
    chosen: Assignment = dict(fixed or {})
    for factor in space.factors:
        if factor.name in chosen:
            continue
        if factor.name not in inactive(with_values(space.baseline, chosen)):
            chosen[factor.name] = _level(trial, factor)
            trial.set_user_attr(factor.name, chosen[factor.name])
    return chosen


def propose(trial: Suggests, space: Space, *, fixed: Assignment | None = None) -> PlannedArm:
    """The arm that a trial chooses, around the factors that are fixed.

    Raises:
        SettingError: If the levels chosen do not make a legal network.
    """
    chosen = suggest(trial, space, fixed=fixed)
    unused = inactive(with_values(space.baseline, chosen))
    return plan_arm(space, {name: x for name, x in chosen.items() if name not in unused})


def per_level(space: Space, factor: str) -> dict[str, Assignment]:
    """One search for each level of a factor, over the others: name of a search -> what it fixes.

    Raises:
        SettingError: If there is no such factor, it has a range, or nothing is left to search.
    """
    names = [one.name for one in space.factors]
    if factor not in names:
        raise SettingError(one_of("per_arm", factor, names))
    if len(names) == 1:
        raise SettingError(
            f"`per_arm` must leave factors to search, but {factor!r} is the only one of the space."
        )
    # As the settings hold them: 8 is 8.0.
    fixed = [
        value_of(with_values(space.baseline, {factor: x}), factor)
        for x in levels(space.factors[names.index(factor)])
    ]
    return {_search_name(level): {factor: level} for level in fixed}


def search_of(planned: PlannedRun, factor: str | None) -> str:
    """The name of the search that a run belongs to."""
    if factor is None:
        return "trials"
    group, _, field = factor.partition(".")
    return _search_name(planned.settings["arm"][group][field])


def _search_name(level: Any) -> str:
    return f"trials-{level}"


def _level(trial: Suggests, factor: Factor) -> Any:
    if factor.levels and factor.ordered:
        ordered = sorted(factor.levels)
        return ordered[trial.suggest_int(f"{factor.name}.rank", 0, len(ordered) - 1)]
    if factor.levels:
        return trial.suggest_categorical(factor.name, list(factor.levels))
    assert factor.low is not None
    assert factor.high is not None
    group, _, field = factor.name.partition(".")
    if GROUPS[group].model_fields[field].annotation is int:
        return trial.suggest_int(factor.name, int(factor.low), int(factor.high), log=factor.log)
    return trial.suggest_float(factor.name, factor.low, factor.high, log=factor.log)
