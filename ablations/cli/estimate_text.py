"""How `ablate run --dry-run` says how long a study will take."""

from pathlib import Path

from ablations.designs.expand import expand, plan_arm, planned_run, runs
from ablations.engine.folder import StudyFolder
from ablations.engine.progress import duration
from ablations.engine.slots import find_slots
from ablations.estimate import Estimate, estimate
from ablations.plan import PlannedRun
from ablations.space import Space


def print_estimate(
    space: Space,
    *,
    design: str,
    seeds: int | None,
    trials: int,
    path: Path,
    workers: int | None,
    gpus_per_run: float,
    local: bool,
) -> None:
    """One line: the time left of a study that exists, or the time that a new one will take."""
    slots = len(find_slots(workers=workers, gpus_per_run=gpus_per_run)) if local else workers or 1
    wanted = _wanted(space, design=design, seeds=seeds, trials=trials)
    folder = StudyFolder.open(path) if (path / "study.json").exists() else None
    found = estimate(wanted, folder=folder, slots=slots)
    print(_sentence(found, at_most=design == "search"))


def _wanted(space: Space, *, design: str, seeds: int | None, trials: int) -> list[PlannedRun]:
    if design == "search":
        # Which arms it will try nobody knows: as many of the baseline.
        base = plan_arm(space, {})
        block = range(trials * (seeds or 1))
        return [planned_run(base, seed=seed, stage="search") for seed in block]
    block = range(space.seeds if seeds is None else seeds)
    return runs(expand(space, design=design).arms, seeds=block, stage="grid")


def _sentence(found: Estimate, *, at_most: bool) -> str:
    if not found.runs:
        return "time: all of its runs are done."
    each = duration(found.shortest)
    if duration(found.longest) != each:
        each += f" to {duration(found.longest)}"
    about = "at most about" if at_most else "about"
    return (
        f"time: {about} {duration(found.seconds)} for {found.runs} runs on {found.slots} slots, "
        f"{each} each ({found.basis})"
    )
