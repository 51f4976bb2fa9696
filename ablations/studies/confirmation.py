"""Confirm: fresh seeds, unpruned, for the arms that a search or a fit proposed. Only these conclude."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ablations.designs.expand import PlannedArm, plan_arm, planned_run, varied
from ablations.designs.search import search_of
from ablations.designs.space import MOST_RUNS, Space
from ablations.engine.records.folder import StudyFolder
from ablations.engine.records.objectives import front, objective_of
from ablations.errors import SettingError, StudyError
from ablations.plan import PlannedRun
from ablations.subjects.subject import Subject
from ablations.subjects.values import flat


def confirm_runs(
    folder: StudyFolder, *, top: int, seeds: int, at: Mapping[str, Any] | None = None
) -> list[PlannedRun]:
    """The runs that confirm a study's proposals: stage `confirm`, seeds that no run has used.

    The baseline is among the arms, so that every proposal has something to be compared with. Runs of
    an earlier call that was interrupted are returned again, not planned anew.

    Args:
        folder: The study.
        top: How many of the best arms to confirm, by what the search optimised (the metric otherwise), as the
            mean over complete runs. Arms that broke the search's constraint are none of them; with several
            objectives those come first that no other beats in all. Of a search with a budget per
            arm, so many of each level.
        seeds: Fresh seeds for each arm.
        at: Instead of the best arms: one arm at these dotted settings, and
            the nearest tested levels below and above it.

    Raises:
        StudyError: If the study has no complete run to choose from.
        SettingError: If a number is below 1, or `at` is illegal or names what the space does not vary.
    """
    if top < 1 or seeds < 1:
        raise SettingError(f"`top >= 1` and `seeds >= 1` must hold, but got {top} and {seeds}.")
    if (top + 1) * seeds > MOST_RUNS:
        raise SettingError(
            f"a confirmation must have at most {MOST_RUNS:,} runs, but got {top} arms with {seeds} seeds."
        )
    folder.refuse_incomplete_plan()
    plan = folder.plan()
    results = folder.results(run.run for run in plan)
    if _unfinished(plan, results):
        return [run for run in plan if run.stage == "confirm"]
    study = folder.declaration()
    space = Space(**study["space"])
    base = plan_arm(space, {})
    if at is None:
        chosen = _best(plan, results, top=top, search=study.get("search", {}), about=space.about)
    else:
        chosen = [planned_run(arm, seed=0, stage="confirm") for arm in _around(space, at)]
    arms = {run.arm: run for run in [planned_run(base, seed=0, stage="confirm"), *chosen]}
    first = 1 + max(run.seed for run in plan)
    fresh = range(first, first + seeds)
    return [_reseed(space.about, run, seed) for seed in fresh for run in arms.values()]


def unfinished_confirm(folder: StudyFolder) -> tuple[int, int]:
    """Arms and seeds of a confirmation that was interrupted; zeros where there is none."""
    plan = folder.plan()
    seeds = _unfinished(plan, folder.results(run.run for run in plan))
    return len({run.arm for run in plan if run.stage == "confirm" and run.seed in seeds}), len(
        seeds
    )


def _unfinished(plan: Sequence[PlannedRun], results: Mapping[str, Any]) -> set[int]:
    """Seeds of confirming runs that have no outcome."""
    return {run.seed for run in plan if run.stage == "confirm" and run.run not in results}


def _best(
    plan: Sequence[PlannedRun],
    results: Mapping[str, Mapping[str, Any]],
    *,
    top: int,
    search: Mapping[str, Any],
    about: Subject,
) -> list[PlannedRun]:
    objectives = search.get("objectives", [about.metric])
    limit = search.get("max_params")
    complete = [
        run
        for run in plan
        if run.stage != "confirm" and results.get(run.run, {}).get("state") == "COMPLETE"
    ]
    if not complete:
        raise StudyError("the study has no complete run yet, so there is nothing to confirm.")
    legal = [run for run in complete if limit is None or run.cost["params"] <= limit]
    if not legal:
        raise StudyError(
            f"no arm of the search has at most {limit} parameters (`max_params`), so there is nothing to "
            "confirm. Search on with more trials, or confirm one arm with --set."
        )
    values: dict[str, list[list[float]]] = defaultdict(list)
    for run in legal:
        numbers = [objective_of(name, run.cost, results[run.run]) for name in objectives]
        if None not in numbers:
            values[run.arm].append([number for number in numbers if number is not None])
    means = {
        arm: [sum(column) / len(column) for column in zip(*rows, strict=True)]
        for arm, rows in values.items()
    }
    ways = [about.searchable()[name].direction for name in objectives]
    sign = 1 if ways[0] == "minimize" else -1
    some = {run.arm: run for run in legal}
    chosen: dict[str, list[PlannedRun]] = defaultdict(list)
    for layer in front(means, ways):
        for arm in sorted(layer, key=lambda arm: sign * means[arm][0]):
            chosen[search_of(some[arm], search.get("per_arm"))].append(some[arm])
    return [run for arms in chosen.values() for run in arms[:top]]


def _around(space: Space, at: Mapping[str, Any]) -> list[PlannedArm]:
    """The arm at the settings, and at the nearest tested levels of its first numeric factor."""
    at = space.about.typed(at)
    factor = next((f for f in space.factors if f.name in at and f.levels and f.ordered), None)
    if factor is None:
        raise SettingError(
            f"`at` (`--set`) must set a numeric factor of the space, but got {dict(at)}."
        )
    for name in at:
        if name not in (known := varied(space)):
            raise SettingError(
                f"`at` (`--set`) must name what the study varies ({', '.join(known)}), but got {name!r}, in which "
                "this arm would differ from all others. Start a study with that setting, and confirm in it."
            )
    arms = [plan_arm(space, dict(at))]
    value = float(at[factor.name])
    numbers = list(map(float, factor.ranked))
    below = [level for level in numbers if level < value][-1:]
    above = [level for level in numbers if level > value][:1]
    return arms + [plan_arm(space, {**at, factor.name: x}) for x in below + above]


def _reseed(about: Subject, run: PlannedRun, seed: int) -> PlannedRun:
    return replace(
        run,
        run=about.run_id(flat(run.settings["arm"]), seed),
        seed=seed,
        stage="confirm",
        settings={**run.settings, "seed": seed},
    )
