"""The runs that are tried again, and when each of them may start."""

from collections import deque
from dataclasses import dataclass

from ablations.engine.executors.executor import Executor
from ablations.engine.supervision.retry import Again
from ablations.plan import PlannedRun


@dataclass(frozen=True, kw_only=True)
class Start:
    """A run to start now, and what may not be beside it (`executor.Job`)."""

    planned: PlannedRun
    apart: bool = False
    alone: bool = False


class Agenda:
    """Runs whose attempts so far gave no outcome.

    They come before the runs that a source gives. Only one that must have its device alone comes after all
    others: the device has to be empty first.
    """

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._again: deque[PlannedRun] = deque()
        self._apart: deque[PlannedRun] = deque()
        self._alone: deque[PlannedRun] = deque()

    def __bool__(self) -> bool:
        return bool(self._again or self._apart or self._alone)

    def add(self, planned: PlannedRun, how: Again) -> None:
        """Take in a run that is tried again."""
        {"again": self._again, "apart": self._apart, "alone": self._alone}[how].append(planned)

    def next(self) -> Start | None:
        """A run to start; the executor has room for one."""
        if self._apart and self._executor.room(apart=True):
            return Start(planned=self._apart.popleft(), apart=True)
        if self._again:
            return Start(planned=self._again.popleft())
        return None

    def last(self) -> Start | None:
        """A run to start alone; asked for where nothing else is left to start."""
        if self._alone and self._executor.room(alone=True):
            return Start(planned=self._alone.popleft(), alone=True, apart=True)
        return None
