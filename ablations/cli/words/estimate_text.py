"""How `ablate run --dry-run` says how long a study will take."""

from collections.abc import Sequence
from pathlib import Path

from ablations.designs.expand import expand, plan_arm, planned_run, runs
from ablations.designs.space import Space
from ablations.engine.executors.slots import find_slots
from ablations.engine.records.folder import StudyFolder
from ablations.engine.supervision.progress import duration
from ablations.plan import PlannedRun
from ablations.studies.adaptive_search import Search
from ablations.studies.estimate import Estimate, estimate
from ablations.subjects.subject import Subject


def print_estimate(
    space: Space,
    *,
    design: str,
    seeds: int | None,
    search: Search | None,
    path: Path,
    workers: int | None,
    gpus_per_run: float,
    local: bool,
) -> None:
    """One line: the time left of a study that exists, or the time that a new one will take."""
    folder = StudyFolder.open(path) if (path / "study.json").exists() else None
    if search is None:
        arms = expand(space, design=design).arms
        wanted = runs(arms, seeds=space.first_seeds(seeds), stage="grid")
    else:
        wanted = _proposed(space, search, folder)
    print_time(
        wanted, subject=space.about, folder=folder, workers=workers, gpus_per_run=gpus_per_run,
        local=local, at_most=search is not None,
    )  # fmt: skip


def print_time(
    wanted: Sequence[PlannedRun],
    *,
    subject: Subject,
    folder: StudyFolder | None,
    workers: int | None,
    gpus_per_run: float,
    local: bool,
    at_most: bool = False,
) -> None:
    """One line: how long these runs take on this machine's places, or on so many of a cluster's."""
    here = find_slots(workers=workers, gpus_per_run=gpus_per_run) if local else []
    slots = len(here) if local else workers or 1
    found = estimate(wanted, subject=subject, folder=folder, slots=slots)
    if found is None:
        why = (
            "this subject has no pilot"
            if subject.pilot is None
            else "a pilot came neither to the end of a run nor to that of an epoch"
        )
        print(f"time: unknown, because no run has ended yet and {why}.")
    else:
        print(_sentence(found, at_most=at_most))


def _proposed(space: Space, search: Search, folder: StudyFolder | None) -> list[PlannedRun]:
    """The search's runs so far, and as many of the baseline as it may still propose: which, nobody knows."""
    searches = len(search.parts(space))
    plan = [] if folder is None else folder.plan()
    so_far = [run for run in plan if run.stage == "search"]
    base = plan_arm(space, {})
    # Seeds that no run has: these stand for arms of any kind.
    first = 1 + max((run.seed for run in plan), default=0)
    left = max(0, searches * search.trials * search.seeds - len(so_far))
    stand_in = [planned_run(base, seed=first + i, stage="search") for i in range(left)]
    return so_far + stand_in


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
