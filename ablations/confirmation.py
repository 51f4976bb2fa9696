"""Confirm: fresh seeds, unpruned, for the arms that a search or a fit proposed. Only these conclude."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ablations.data import fingerprint
from ablations.designs.expand import PlannedArm, plan_arm, planned_run
from ablations.designs.search import search_of
from ablations.engine.folder import StudyFolder
from ablations.errors import SettingError, StudyError
from ablations.identity import run_id
from ablations.plan import PlannedRun
from ablations.settings import Run
from ablations.space import Space


def confirm_runs(
    folder: StudyFolder, *, top: int, seeds: int, at: Mapping[str, Any] | None = None
) -> list[PlannedRun]:
    """The runs that confirm a study's proposals: stage `confirm`, seeds that no run has used.

    The baseline is among the arms, so that every proposal has something to be compared with. Runs of
    an earlier call that was interrupted are returned again, not planned anew.

    Args:
        folder: The study.
        top: How many of the best arms to confirm, by their mean `val_loss` over complete runs; of a
            search with a budget per arm, how many of each level.
        seeds: Fresh seeds for each arm.
        at: Instead of the best arms: one arm at these settings (`{"attention.reduction": 6}`), and
            the nearest tested levels below and above it.

    Raises:
        StudyError: If the study has no complete run to choose from.
        SettingError: If `at` is illegal.
    """
    plan = folder.plan()
    open_confirm = [run for run in plan if run.stage == "confirm"]
    results = folder.results(run.run for run in plan)
    if any(run.run not in results for run in open_confirm):
        return open_confirm
    space = Space(**folder.study()["space"])
    base = plan_arm(space, {})
    per_arm = folder.study().get("search", {}).get("per_arm")
    if at is None:
        chosen = _best(plan, results, top=top, per_arm=per_arm)
    else:
        chosen = [planned_run(arm, seed=0, stage="confirm") for arm in _around(space, at)]
    arms = {run.arm: run for run in [planned_run(base, seed=0, stage="confirm"), *chosen]}
    first = 1 + max(run.seed for run in plan)
    return [_reseed(run, seed) for seed in range(first, first + seeds) for run in arms.values()]


def _best(
    plan: Sequence[PlannedRun],
    results: Mapping[str, Mapping[str, Any]],
    *,
    top: int,
    per_arm: str | None,
) -> list[PlannedRun]:
    losses: dict[str, list[float]] = defaultdict(list)
    some: dict[str, PlannedRun] = {}
    for run in plan:
        result = results.get(run.run)
        if result is not None and result["state"] == "COMPLETE" and run.stage != "confirm":
            losses[run.arm].append(result["val_loss"])
            some[run.arm] = run
    if not losses:
        raise StudyError("the study has no complete run yet, so there is nothing to confirm.")
    ranked = sorted(losses, key=lambda arm: sum(losses[arm]) / len(losses[arm]))
    chosen: dict[str, list[PlannedRun]] = defaultdict(list)
    for arm in ranked:
        chosen[search_of(some[arm], per_arm)].append(some[arm])
    return [run for arms in chosen.values() for run in arms[:top]]


def _around(space: Space, at: Mapping[str, Any]) -> list[PlannedArm]:
    """The arm at the settings, and at the nearest tested levels of its first numeric factor."""
    arms = [plan_arm(space, dict(at))]
    for factor in space.factors:
        if factor.name in at and factor.levels and factor.ordered:
            value = float(at[factor.name])
            numbers = sorted(float(level) for level in factor.levels)
            below = [level for level in numbers if level < value][-1:]
            above = [level for level in numbers if level > value][:1]
            arms += [plan_arm(space, {**at, factor.name: x}) for x in below + above]
            return arms
    raise SettingError(f"`at` must set a numeric factor of the space, but got {dict(at)}.")


def _reseed(run: PlannedRun, seed: int) -> PlannedRun:
    arm = Run(**run.settings).arm
    return replace(
        run,
        run=run_id(arm, seed, fingerprint(arm.data)),
        seed=seed,
        stage="confirm",
        settings=Run(arm=arm, seed=seed).model_dump(mode="json"),
    )
