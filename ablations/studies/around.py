"""A space around a search's winner: it is the baseline, and each tuned setting may go back to where it was before."""

from collections import defaultdict

from ablations.designs.space import Factor, Space
from ablations.engine.records.folder import StudyFolder
from ablations.engine.records.objectives import objective_of
from ablations.errors import StudyError
from ablations.plan import PlannedRun
from ablations.subjects.values import flat


def around(folder: StudyFolder, *, name: str) -> Space:
    """The space of the question whether each setting that a search tuned is worth it.

    The winner is the arm that is best on the confirm runs, whose seeds the search never saw. Its mean there
    was chosen, too, so that the seeds of this space begin behind all that the study has used.

    Args:
        folder: A study that searched and was confirmed.
        name: Of the new space.

    Raises:
        StudyError: If it is no search, has no confirmed arm, or its winner is what it started from.
    """
    study = folder.declaration()
    if "search" not in study:
        raise StudyError(
            f"{folder.path.name} is no search (its design is {study['design']}), so it has no winner to "
            f"compare around. "
            "Name a study of --design search."
        )
    base = Space(**study["space"])
    plan = folder.plan()
    winner = _winner(folder, base, plan, objectives=study["search"].get("objectives") or [])
    arm = flat(winner.settings["arm"])
    tuned = {
        factor: arm[factor]
        for factor, level in winner.factors.items()
        if level is not None and arm[factor] != base.baseline[factor]
    }
    if not tuned:
        raise StudyError(
            f"the best confirmed arm of {folder.path.name} is the baseline that its search started from, so "
            f"there is nothing "
            "to put back."
        )
    content = base.model_dump(exclude={"said"})
    return Space(
        **{
            **content,
            "name": name,
            "question": f"Which of the settings that {folder.path.name} tuned is worth it?",
            "baseline": {**base.baseline, **tuned},
            "factors": tuple(
                Factor(name=factor, levels=(level, base.baseline[factor]))
                for factor, level in tuned.items()
            ),
            "controls": {},
            "first_seed": 1 + max(run.seed for run in plan),
        }
    )


def _winner(
    folder: StudyFolder, base: Space, plan: list[PlannedRun], *, objectives: list[str]
) -> PlannedRun:
    """A confirming run of the arm with the best mean, among those that lost no run."""
    wanted = objectives[0] if objectives else base.about.metric
    confirming = [run for run in plan if run.stage == "confirm"]
    results = folder.results(run.run for run in confirming)
    values: dict[str, list[float]] = defaultdict(list)
    for run in confirming:
        result = results.get(run.run, {})
        if result.get("state") == "COMPLETE":
            value = objective_of(wanted, run.cost, result)
            if value is not None:
                values[run.arm].append(value)
    if not values:
        raise StudyError(
            f"{folder.path.name} has no confirmed arm yet: what a search found best is partly luck. Give "
            f"`ablate confirm {folder.path.name}` first."
        )
    most = max(map(len, values.values()))
    sign = 1 if base.about.searchable()[wanted].direction == "minimize" else -1
    means = {arm: sum(of) / len(of) for arm, of in values.items() if len(of) == most}
    best = min(means, key=lambda arm: sign * means[arm])
    return next(run for run in confirming if run.arm == best)
