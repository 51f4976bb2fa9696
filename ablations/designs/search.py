"""A space in Optuna's hands: one trial is one arm, its levels suggested by a sampler."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from ablations.designs.assignments import Assignment, levels
from ablations.designs.expand import PlannedArm, plan_arm
from ablations.designs.levels import told
from ablations.designs.space import Factor, Space
from ablations.errors import SettingError, one_of
from ablations.plan import PlannedRun
from ablations.subjects.values import flat

if TYPE_CHECKING:  # Optuna takes half a second to import
    from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution

    from ablations.engine.sources.trials import RecordedTrial

RANK = ".rank"
"""Ends the name of the parameter that stands for an ordered factor."""


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
    sampler; the trial's user attribute `<factor>` has the level itself. The level None and lists are
    suggested as their texts (`levels.told`). Factors that are fixed are not asked for.
    """
    chosen: Assignment = dict(fixed or {})
    for factor in space.factors:
        if factor.name in chosen:
            continue
        if _is_used(factor, space, chosen):
            chosen[factor.name] = _level(trial, factor, space)
            trial.set_user_attr(factor.name, told(chosen[factor.name]))
    return chosen


def _is_used(factor: Factor, space: Space, chosen: Assignment) -> bool:
    """Whether an arm with these levels and one of the factor's uses the factor.

    The factor's own level decides, too: a hidden width takes the place of the baseline's reduction.
    """
    some = factor.levels[0] if factor.levels else factor.low
    try:
        arm = space.about.changed(space.baseline, {**chosen, factor.name: some})
    except SettingError:
        arm = space.about.changed(space.baseline, chosen)
    return factor.name not in space.about.unused(arm)


def propose(trial: Suggests, space: Space, *, fixed: Assignment | None = None) -> PlannedArm:
    """The arm that a trial chooses, around the factors that are fixed.

    Raises:
        SettingError: If the levels chosen do not make a legal network.
    """
    chosen = suggest(trial, space, fixed=fixed)
    unused = space.about.unused(space.about.changed(space.baseline, chosen))
    return plan_arm(space, {name: x for name, x in chosen.items() if name not in unused})


def recast(trial: "RecordedTrial", space: Space) -> "RecordedTrial":
    """A recorded trial among the levels that the space has now: a new level moves the ranks of others."""
    from optuna.distributions import distribution_to_json

    params, distributions = dict(trial.params), dict(trial.distributions)
    for factor in space.factors:
        if factor.name not in trial.levels:
            continue
        name, value = _parameter(factor, trial.levels[factor.name])
        if name in params:
            params[name] = value
            distributions[name] = distribution_to_json(distribution_of(factor, space))
    return replace(trial, params=params, distributions=distributions)


def distribution_of(factor: Factor, space: Space) -> "BaseDistribution":
    """What a sampler draws the factor's parameter from."""
    from optuna.distributions import CategoricalDistribution, IntDistribution

    if factor.levels and factor.ordered:
        return IntDistribution(0, len(factor.levels) - 1)
    if factor.levels:
        return CategoricalDistribution([told(level) for level in factor.levels])
    return range_of(factor, whole=space.is_whole(factor))


def range_of(factor: Factor, *, whole: bool) -> "IntDistribution | FloatDistribution":
    """The same for a factor with a range instead of levels; `whole` where it takes whole numbers only."""
    from optuna.distributions import FloatDistribution, IntDistribution

    assert factor.low is not None
    assert factor.high is not None
    if whole:
        return IntDistribution(int(factor.low), int(factor.high), log=factor.log)
    return FloatDistribution(factor.low, factor.high, log=factor.log)


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
        space.about.changed(space.baseline, {factor: x})[factor]
        for x in levels(space.factors[names.index(factor)])
    ]
    return {_search_name(level): {factor: level} for level in fixed}


def search_of(planned: PlannedRun, factor: str | None) -> str:
    """The name of the search that a run belongs to."""
    if factor is None:
        return "trials"
    return _search_name(flat(planned.settings["arm"])[factor])


def _search_name(level: Any) -> str:
    return f"trials-{level}"


def _level(trial: Suggests, factor: Factor, space: Space) -> Any:
    if factor.levels and factor.ordered:
        last = len(factor.levels) - 1
        return factor.ranked[trial.suggest_int(f"{factor.name}{RANK}", 0, last)]
    if factor.levels:
        words = {told(level): level for level in factor.levels}
        return words[trial.suggest_categorical(factor.name, list(words))]
    assert factor.low is not None
    assert factor.high is not None
    if space.is_whole(factor):
        return trial.suggest_int(factor.name, int(factor.low), int(factor.high), log=factor.log)
    return trial.suggest_float(factor.name, factor.low, factor.high, log=factor.log)


def _parameter(factor: Factor, level: Any) -> tuple[str, Any]:
    """The parameter that stands for a factor, and its value at a level."""
    if factor.levels and factor.ordered:
        return f"{factor.name}{RANK}", factor.ranked.index(level)
    return factor.name, told(level)
