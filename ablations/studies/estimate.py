"""How long a study will take: from the runs that it has already, or else from a pilot of a few steps."""

from collections.abc import Sequence
from dataclasses import dataclass

from ablations.engine.records.folder import StudyFolder
from ablations.plan import PlannedRun
from ablations.subjects.subject import Subject
from ablations.subjects.values import flat


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Seconds that the runs of a study will take; what else the machine does comes on top."""

    runs: int
    """Runs that are still to do."""
    slots: int
    """Runs at a time."""
    shortest: float
    """Seconds of the shortest run."""
    longest: float
    total: float
    """Seconds of all the runs, one after another."""
    basis: str
    """Where the seconds come from, in words."""

    @property
    def seconds(self) -> float:
        """Of the clock, if every slot is always busy; no study is shorter than its longest run."""
        return max(self.total / self.slots, self.longest) if self.runs else 0.0


def estimate(
    wanted: Sequence[PlannedRun], *, subject: Subject, folder: StudyFolder | None, slots: int
) -> Estimate | None:
    """The time that the wanted runs take beyond those that the folder has; None where nothing says.

    Args:
        wanted: All runs of the design.
        subject: Of the study, whose pilot is asked where the folder has no run.
        folder: The study's folder, if it exists already.
        slots: Runs at a time, or stacks of them; of a run's time in a stack its share counts.
    """
    results = {} if folder is None else folder.results(run.run for run in wanted)
    to_do = [run for run in wanted if run.run not in results]
    took: dict[str, list[float]] = {}
    for run in wanted:
        result = results.get(run.run)
        if result is not None and result["state"] == "COMPLETE":
            share = float(result["seconds"]) / (result.get("stacked") or 1)
            took.setdefault(run.arm, []).append(share)
    if took:
        return _from_runs(to_do, took, slots=slots)
    return _from_pilot(subject, to_do, slots=slots)


def _from_runs(
    to_do: Sequence[PlannedRun], took: dict[str, list[float]], *, slots: int
) -> Estimate:
    known = [seconds for arm in took.values() for seconds in arm]
    mean = sum(known) / len(known)
    each = [sum(took[run.arm]) / len(took[run.arm]) if run.arm in took else mean for run in to_do]
    return _total(each, slots=slots, basis=f"from {len(known)} runs of this study")


def _from_pilot(subject: Subject, to_do: Sequence[PlannedRun], *, slots: int) -> Estimate | None:
    if subject.pilot is None:
        return None
    some = {run.arm: run for run in to_do}
    arms = [flat(run.settings["arm"]) for run in some.values()]
    pace = subject.pilot(arms, [run.cost for run in some.values()])
    if pace is None:
        return None
    seconds = dict(zip(some, pace.seconds, strict=True))
    return _total([seconds[run.arm] for run in to_do], slots=slots, basis=pace.basis)


def _total(each: Sequence[float], *, slots: int, basis: str) -> Estimate:
    return Estimate(
        runs=len(each),
        slots=slots,
        shortest=min(each, default=0.0),
        longest=max(each, default=0.0),
        total=sum(each),
        basis=basis,
    )
