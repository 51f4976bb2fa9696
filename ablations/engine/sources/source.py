"""Where runs come from: a finite plan, or a search that proposes them one by one."""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from ablations.errors import SettingError
from ablations.plan import PlannedRun

Result = Mapping[str, Any]


class Source(Protocol):
    """Says what to run next and is told what became of it.

    A source keeps nothing on disk that matters: `resume` tells it what the records say.
    """

    @property
    def total(self) -> int:
        """Runs in all, as far as can be said."""

    @property
    def asks(self) -> bool:
        """Whether an epoch can be answered with *prune*; each epoch then waits for the answer."""

    def resume(self, plan: Sequence[PlannedRun], results: Mapping[str, Result]) -> list[PlannedRun]:
        """Take note of what is on disk, before the first `next`.

        Args:
            plan: All runs planned so far.
            results: The committed outcomes, by run.

        Returns:
            Runs to add to the plan now.
        """

    def next(self) -> PlannedRun | None:
        """A run that has no outcome and was not given out yet; None where there is none now."""

    def epoch(self, planned: PlannedRun, record: Mapping[str, Any]) -> bool:
        """Take note of an epoch; True gives the run up."""

    def ended(self, planned: PlannedRun, result: Result) -> None:
        """Take note of a committed outcome."""

    @property
    def finished(self) -> bool:
        """Whether no run will come any more and none is out."""

    @property
    def remark(self) -> str:
        """What is to be said at the end, if anything."""

    def news(self) -> list[str]:
        """What is to be said now, a sentence each: what was found since the last call."""


class PlannedSource:
    """The runs of a design. Never prunes: a pruned run of a plan would bias every contrast."""

    def __init__(self, runs: Sequence[PlannedRun], *, stack: int = 1) -> None:
        """Plan the runs; a run that the study's plan has already is not planned twice.

        Args:
            runs: What is asked for now.
            stack: Seeds of an arm that are given out one after another, to be trained in step
                (`slots.Slot.stack`); the plan on the disk keeps its order.

        Raises:
            SettingError: If `stack < 1`.
        """
        if stack < 1:
            raise SettingError(f"`stack >= 1` must hold, but got {stack}.")
        self._asked, self._stack = list(runs), stack
        self._waiting: deque[PlannedRun] = deque()
        self._out: set[str] = set()
        self._total = len(self._asked)

    @property
    def total(self) -> int:
        """Runs in the study's plan, whether asked for now or before."""
        return self._total

    @property
    def asks(self) -> bool:
        """Never: a planned run is not pruned."""
        return False

    def resume(self, plan: Sequence[PlannedRun], results: Mapping[str, Result]) -> list[PlannedRun]:
        """Join the study's plan with what is asked for now."""
        known = {planned.run for planned in plan}
        unique = {planned.run: planned for planned in self._asked}
        new = [planned for run, planned in unique.items() if run not in known]
        everything = [*plan, *new]
        ordered = _in_groups(everything, stack=self._stack)
        self._waiting.extend(planned for planned in ordered if planned.run not in results)
        self._total = len(everything)
        return new

    def next(self) -> PlannedRun | None:
        """The next run that has no outcome."""
        if not self._waiting:
            return None
        planned = self._waiting.popleft()
        self._out.add(planned.run)
        return planned

    def epoch(self, planned: PlannedRun, record: Mapping[str, Any]) -> bool:
        """Go on."""
        del planned, record
        return False

    def ended(self, planned: PlannedRun, result: Result) -> None:
        """Take note of a committed outcome."""
        del result
        self._out.discard(planned.run)

    @property
    def finished(self) -> bool:
        """Whether every run of the plan has its outcome."""
        return not self._waiting and not self._out

    @property
    def remark(self) -> str:
        """Nothing: all of the plan was run."""
        return ""

    def news(self) -> list[str]:
        """None: outcomes speak for themselves."""
        return []


def _in_groups(plan: Sequence[PlannedRun], *, stack: int) -> list[PlannedRun]:
    """The runs in groups of so many seeds, in each group arm after arm; stage after stage.

    Which seeds make a group is said by the whole plan, so that it stays the same when some have their outcome.
    With 1 it is the plan's order.
    """
    if stack == 1:
        return list(plan)
    stages: dict[str, list[PlannedRun]] = {}
    for planned in plan:
        stages.setdefault(planned.stage, []).append(planned)
    return [run for runs in stages.values() for run in _stage_in_groups(runs, stack=stack)]


def _stage_in_groups(runs: Sequence[PlannedRun], *, stack: int) -> list[PlannedRun]:
    seeds = {seed: i for i, seed in enumerate(dict.fromkeys(run.seed for run in runs))}
    arms = {arm: i for i, arm in enumerate(dict.fromkeys(run.arm for run in runs))}
    return sorted(runs, key=lambda run: (seeds[run.seed] // stack, arms[run.arm]))
