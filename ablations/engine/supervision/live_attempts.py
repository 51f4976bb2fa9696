"""The attempts that go on: started, heard of, and ended by force where they hang."""

import errno
import time
from collections.abc import Iterator
from typing import Any

from ablations.engine.executors.executor import (
    Beat,
    Ended,
    Epoch,
    Executor,
    Job,
    Lost,
    Message,
    Unwritten,
)
from ablations.engine.records.folder import StudyFolder
from ablations.engine.sources.source import Source
from ablations.engine.supervision import retry
from ablations.engine.supervision.agenda import Start
from ablations.engine.supervision.audience import Audience
from ablations.engine.supervision.live import Live
from ablations.plan import PlannedRun

TICK_SECONDS = 0.5


class LiveAttempts:
    """The attempts that a supervisor waits for, one of a run at most."""

    def __init__(
        self,
        folder: StudyFolder,
        source: Source,
        *,
        executor: Executor,
        audience: Audience,
        train: str,
        hang_timeout: float,
        start_timeout: float,
        checkpoint_minutes: float,
    ) -> None:
        self._folder, self._source = folder, source
        self._executor, self._audience = executor, audience
        self._train = train
        self._metric, self._metrics = folder.metric(), folder.metrics()
        self._hang_timeout, self._start_timeout = hang_timeout, start_timeout
        self._checkpoint_minutes = checkpoint_minutes
        self._tick = min(TICK_SECONDS, hang_timeout / 20)  # a hang is found 1.05 times late at most
        self._look = 0.0
        self._live: dict[str, Live] = {}
        self._numbers: dict[str, int] = {}
        self.started = 0
        self.lost = 0

    def __len__(self) -> int:
        return len(self._live)

    def __iter__(self) -> Iterator[Live]:
        return iter(self._live.values())

    def start(self, start: Start) -> None:
        """Start the next attempt at a run; the executor has room for it."""
        planned = start.planned
        attempt = self._folder.begin_attempt(planned.run)
        slot = self._executor.start(
            Job(
                run=planned.run,
                arm=planned.arm,
                attempt=attempt,
                folder=str(self._folder.run_folder(planned.run)),
                settings=planned.settings,
                train=self._train,
                metric=self._metric,
                metrics=self._metrics,
                checkpoint_minutes=self._checkpoint_minutes,
                ask=self._source.asks,
                alone=start.alone,
                apart=start.apart,
            )
        )
        live = self._live[planned.run] = Live(planned, attempt, slot)
        self._numbers[planned.run] = attempt
        self.started += 1
        self._audience.run_started(live)

    def made_here(self, run: str, attempt: int) -> bool:
        """Whether this supervisor started the attempt, or took it over."""
        return self._numbers.get(run) == attempt

    def adopt(self, planned: PlannedRun) -> bool:
        """Take over an attempt that outlived its supervisor, on a cluster; False where there is none."""
        attempts = self._folder.attempts(planned.run)
        if planned.run in self._live or not attempts:
            return False
        slot = self._executor.adopt(planned.run, attempts[-1])
        if slot is None:
            return False
        live = self._live[planned.run] = Live(planned, attempts[-1], slot)
        self._numbers[planned.run] = attempts[-1]
        self._audience.run_adopted(live)
        return True

    def listen(self) -> list[PlannedRun]:
        """Wait a moment for what the executor has to say; returns the runs whose attempts are over.

        Raises:
            OSError: A worker could not write its outcome.
        """
        over = []
        for message in self._executor.poll(self._tick):
            live = self._live.get(message.run)
            if live is not None and live.attempt == message.attempt and self._hear(live, message):
                over.append(live.planned)
        return over

    def kill_hung(self) -> None:
        """End by force those that have made no progress for too long; they are heard of as lost."""
        # With a thousand slots something is heard all the time, and looking at all after each message cost more
        # than all else that a run takes.
        moment = time.monotonic()
        if moment < self._look:
            return
        self._look = moment + self._tick / 2
        for live in self:
            if not live.hung and live.is_late(
                hang_timeout=self._hang_timeout, start_timeout=self._start_timeout
            ):
                live.hung = True
                self._executor.kill(live.planned.run)

    def _hear(self, live: Live, message: Message) -> bool:
        """Take a message in; True where it says that the attempt is over."""
        live.progressed()
        match message:
            case Epoch(record=record):
                self._epoch(live, record)
                return False
            case Beat():
                return False
            case Ended(state=state):
                if state == "HANDED_BACK":
                    self._audience.run_handed_back(live)
            case Lost():
                self._lose(live, message)
            case Unwritten(error=error, errno=number):
                raise OSError(number or errno.EIO, str(error.get("message")))
        del self._live[live.planned.run]
        return True

    def _epoch(self, live: Live, record: dict[str, Any]) -> None:
        live.took(record)
        self._audience.epoch(live)
        prune = self._source.epoch(live.planned, record)
        self._executor.answer(live.planned.run, "prune" if prune else "go")

    def _lose(self, live: Live, lost: Lost) -> None:
        error = (
            retry.hung(self._hang_timeout, lost.exit_code, lost.tail)
            if live.hung
            else retry.died(lost.exit_code, lost.tail, out_of_memory=lost.out_of_memory)
        )
        # Its record may stand already, where only the word of it was lost.
        if self._folder.end_attempt(
            live.planned.run, live.attempt, live.lost(error, self._metrics)
        ):
            self.lost += 1
            self._audience.run_lost(live, error)
