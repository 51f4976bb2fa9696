"""The supervisor: brings what is (records, live workers) towards what should be (the plan), until it is.

Level-triggered: every decision is made from the folder's content, so starting again after any
crash is the same code as starting.
"""

import errno
import time
from collections import deque
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ablations.engine import retry
from ablations.engine.display import Display, reason
from ablations.engine.executor import (
    TRAIN,
    Beat,
    Ended,
    Epoch,
    Executor,
    Job,
    Lost,
    Message,
    Unwritten,
)
from ablations.engine.folder import StudyFolder, cannot_write, now
from ablations.engine.live import Live
from ablations.engine.local import LocalExecutor
from ablations.engine.lock import held
from ablations.engine.progress import NoProgress, Progress
from ablations.engine.source import Source
from ablations.engine.stopping import StopSignals
from ablations.engine.summary import Summary
from ablations.engine.tally import Tally
from ablations.engine.tracker import GuardedTracker, Tracker
from ablations.errors import StudyError
from ablations.plan import PlannedRun

if TYPE_CHECKING:  # Optuna takes a third of a second to import
    from ablations.engine.index import Index

RETRIES = 3
HANG_SECONDS = 600.0
START_SECONDS = 300.0
"""For a worker to start and to import what it trains with."""
GRACE_SECONDS = 25.0
"""For runs to hand themselves back; a scheduler kills 30 s after its SIGTERM."""
TICK_SECONDS = 0.5
FREE_BYTES = 32 * 2**20


def execute(
    folder: StudyFolder,
    source: Source,
    *,
    executor: Executor | None = None,
    train: str = TRAIN,
    tracker: Tracker | None = None,
    progress: Progress | None = None,
    index: "Index | None" = None,
    retries: int = RETRIES,
    hang_timeout: float = HANG_SECONDS,
    start_timeout: float = START_SECONDS,
    grace: float = GRACE_SECONDS,
    wait: bool = False,
    keep_checkpoints: bool = False,
    free_bytes: int = FREE_BYTES,
) -> Summary:
    """Run a study until every run has its outcome, or until it is asked to stop.

    Call it again after whatever happened: it goes on where the records stand.

    Args:
        folder: An existing study folder.
        source: Where runs come from.
        executor: Where they run; this machine's slots by default. It is closed at the end.
        train: Import path of the function that trains, `package.module:function`.
        tracker: A view of the study, for example W&B; it cannot fail the study.
        progress: What the user sees.
        index: The Optuna study that mirrors the records; none by default.
        retries: Further attempts after a worker died or hung; deterministic errors get none.
        hang_timeout: Seconds without an epoch or a beat after which a run counts as hung.
        start_timeout: The same, while a run has not begun yet: its worker imports.
        grace: Seconds that runs get to hand themselves back when the study is stopped.
        wait: Wait where another supervisor runs the study, instead of refusing.
        keep_checkpoints: Keep the checkpoint of a complete run.
        free_bytes: Refuse to start with less free space than this.

    Raises:
        StudyError: Another supervisor runs the study, or the disk is full.
    """
    executor = LocalExecutor() if executor is None else executor
    supervisor = _Supervisor(
        folder,
        source,
        executor=executor,
        train=train,
        tracker=GuardedTracker(tracker, warn=folder.event),
        progress=NoProgress() if progress is None else progress,
        index=index,
        retries=retries,
        hang_timeout=hang_timeout,
        start_timeout=start_timeout,
        grace=grace,
        keep_checkpoints=keep_checkpoints,
    )
    try:
        _refuse_full_disk(folder, free_bytes)
        with held(folder.lock_file, wait=wait), StopSignals() as signals:
            return supervisor.run(signals)
    except OSError as error:
        raise cannot_write(folder.path, error) from error
    finally:
        executor.close()
        supervisor.close()


class _Supervisor:
    def __init__(
        self,
        folder: StudyFolder,
        source: Source,
        *,
        executor: Executor,
        train: str,
        tracker: GuardedTracker,
        progress: Progress,
        index: "Index | None",
        retries: int,
        hang_timeout: float,
        start_timeout: float,
        grace: float,
        keep_checkpoints: bool,
    ) -> None:
        self._folder, self._source, self._executor = folder, source, executor
        self._train, self._tracker, self._progress = train, tracker, progress
        self._index = index
        self._retries, self._grace = retries, grace
        self._hang_timeout, self._start_timeout = hang_timeout, start_timeout
        self._keep_checkpoints = keep_checkpoints
        self._tick = min(TICK_SECONDS, hang_timeout / 20)  # a hang is found 1.05 times late at most
        self._study = folder.study()
        self._tally = Tally.of(self._study)
        self._display = Display(
            progress,
            study=self._study.get("study", folder.path.name),
            tally=self._tally,
            slots=executor.slots,
        )
        self._live: dict[str, Live] = {}
        self._again: deque[PlannedRun] = deque()
        self._apart: deque[PlannedRun] = deque()
        self._alone: deque[PlannedRun] = deque()
        self._over: list[PlannedRun] = []
        self._known: set[str] = set()
        self._begun: set[str] = set()
        self._notes: list[dict[str, Any]] = []
        self._attempts = self._lost = 0
        self._has_more = True

    def run(self, signals: StopSignals) -> Summary:
        try:
            self._resume()
            while signals.received is None and not self._finished():
                self._fill(signals)
                self._step()
                self._end_hung()
            if signals.received is not None:
                self._hand_back(signals)
            return self._finish(signals)
        finally:
            self._write_notes()

    def close(self) -> None:
        self._tracker.close()
        self._progress.close()
        if self._index is not None:
            self._index.close()

    def _finished(self) -> bool:
        # A source that has nothing to give and nothing out has ended, one way or the other.
        return self._source.finished or not (
            self._live or self._again or self._apart or self._alone or self._over or self._has_more
        )

    # -- from the records to what is left to do ---------------------------------------------------

    def _resume(self) -> None:
        """Read the records and say what is left to do."""
        plan = self._folder.plan()
        results = self._folder.results(planned.run for planned in plan)
        new = self._source.resume(plan, results)
        if new:
            self._folder.append_plan(new)
        self._begun = self._folder.begun()
        if self._index is not None:
            self._index.prepare([*plan, *new])
        for planned in plan:
            if planned.run in results:
                self._tally.add(planned, results[planned.run])
                self._mirror(planned, results[planned.run])
        self._known = {planned.run for planned in (*plan, *new)}
        self._note(
            "study_started", slots=list(self._executor.slots), total=self._source.total,
            ended=self._tally.ended,
        )  # fmt: skip
        self._tracker.study_started(self._study)

    def _fill(self, signals: StopSignals) -> None:
        """Start runs while there are runs to start and room for them."""
        while signals.received is None and self._executor.room():
            if self._apart and self._executor.room(apart=True):
                self._start(self._apart.popleft(), apart=True)
                continue
            if self._again:
                self._start(self._again.popleft())
                continue
            planned = self._source.next()
            self._has_more = planned is not None
            if planned is not None:
                self._place(planned)
            elif self._over:
                self._settle()
            else:
                break
        if self._alone and not self._has_more and self._executor.room(alone=True):
            self._start(self._alone.popleft(), alone=True, apart=True)

    def _place(self, planned: PlannedRun) -> None:
        """Start a run, unless its attempts so far say something else."""
        if planned.run not in self._known:
            self._folder.append_plan([planned])
            self._known.add(planned.run)
        if planned.run not in self._begun:
            self._start(planned)
        elif not self._adopt(planned):
            self._over.append(planned)

    def _adopt(self, planned: PlannedRun) -> bool:
        """Take over an attempt that outlived its supervisor, on a cluster."""
        attempts = self._folder.attempts(planned.run)
        if planned.run in self._live or not attempts:
            return False
        slot = self._executor.adopt(planned.run, attempts[-1])
        if slot is None:
            return False
        self._live[planned.run] = Live(planned, attempts[-1], slot)
        self._note("run_adopted", run=planned.run, attempt=attempts[-1], slot=slot)
        return True

    def _start(self, planned: PlannedRun, *, alone: bool = False, apart: bool = False) -> None:
        attempt = self._folder.begin_attempt(planned.run)
        self._begun.add(planned.run)
        slot = self._executor.start(
            Job(
                run=planned.run,
                arm=planned.arm,
                attempt=attempt,
                folder=str(self._folder.run_folder(planned.run)),
                settings=planned.settings,
                train=self._train,
                ask=self._source.asks,
                alone=alone,
                apart=apart,
            )
        )
        self._live[planned.run] = Live(planned, attempt, slot)
        self._attempts += 1
        self._note("run_started", run=planned.run, attempt=attempt, slot=slot)
        self._tracker.run_started(planned, attempt)

    # -- what happened ------------------------------------------------------------------------------

    def _step(self) -> None:
        self._write_notes()
        for message in self._executor.poll(self._tick):
            self._hear(message)
        self._settle()
        self._display.show(self._live.values(), total=self._source.total)

    def _hear(self, message: Message) -> None:
        live = self._live.get(message.run)
        if live is None or live.attempt != message.attempt:
            return
        live.progressed()
        match message:
            case Epoch(record=record):
                self._epoch(live, record)
            case Beat():
                pass
            case Ended(state=state):
                self._end(live, state)
            case Lost():
                self._lose(live, message)
            case Unwritten(error=error, errno=number):
                raise OSError(number or errno.EIO, str(error.get("message")))

    def _epoch(self, live: Live, record: dict[str, Any]) -> None:
        live.record = record
        self._tracker.epoch(live.planned, live.attempt, record)
        prune = self._source.epoch(live.planned, record)
        self._executor.answer(live.planned.run, "prune" if prune else "go")

    def _end(self, live: Live, state: str) -> None:
        self._leave(live)
        if state == "HANDED_BACK":
            self._note("run_handed_back", run=live.planned.run, attempt=live.attempt)
            self._tracker.run_ended(live.planned, live.attempt, {"state": state})

    def _lose(self, live: Live, lost: Lost) -> None:
        error = (
            retry.hung(self._hang_timeout, lost.exit_code, lost.tail)
            if live.hung
            else retry.died(lost.exit_code, lost.tail, out_of_memory=lost.out_of_memory)
        )
        # Its record may stand already, where only the word of it was lost.
        if self._folder.end_attempt(live.planned.run, live.attempt, live.lost(error)):
            self._lost += 1
            self._note(
                "run_lost", run=live.planned.run, attempt=live.attempt, error=error["message"]
            )
        self._leave(live)

    def _leave(self, live: Live) -> None:
        del self._live[live.planned.run]
        self._over.append(live.planned)

    # -- from attempts to outcomes ------------------------------------------------------------------

    def _settle(self) -> None:
        """Commit the outcomes of runs whose attempts are over, or try again."""
        over, self._over = self._over, []
        decided = [(planned, result) for planned in over if (result := self._decide(planned))]
        committed = self._folder.commit(
            [(planned.run, result["attempt"]) for planned, result in decided]
        )
        for planned, result in decided:
            # A run that had its outcome before keeps that one.
            known = planned.run not in committed and self._folder.result(planned.run)
            self._ended(planned, known or result)

    def _decide(self, planned: PlannedRun) -> dict[str, Any] | None:
        """The attempt's result that is the run's outcome; None where the run is tried again."""
        numbers = self._folder.attempts(planned.run)
        found = [self._folder.attempt_result(planned.run, number) for number in numbers]
        results = [result for result in found if result is not None]
        for result in results:
            if result["state"] != "FAILED":
                return result
        errors = [result["error"] for result in results]
        match retry.decide(errors, retries=self._retries):
            case "commit":
                return results[-1]
            case "alone":
                self._alone.append(planned)
            case "again":
                # A run that ends its worker each time would end others with it again and again.
                (self._apart if errors else self._again).append(planned)
        if found and found[-1] is not None:
            self._tracker.run_ended(planned, numbers[-1], found[-1])
        return None

    def _ended(self, planned: PlannedRun, result: dict[str, Any]) -> None:
        """Tell everybody of a run's outcome."""
        self._tally.add(planned, result)
        self._source.ended(planned, result)
        self._has_more = True  # what a search has learnt may lead it on
        self._mirror(planned, result)
        keep = self._keep_checkpoints or result["state"] != "COMPLETE"
        interrupted = result["attempt"] > 1 or result["state"] == "FAILED"
        self._folder.tidy(planned.run, keep_checkpoint=keep, interrupted=interrupted)
        self._note(
            "run_ended", run=planned.run, attempt=result["attempt"], state=result["state"],
            seconds=result.get("seconds"), error=reason(result),
        )  # fmt: skip
        self._tracker.run_ended(planned, result["attempt"], result)
        self._display.outcome(planned, result, total=self._source.total)

    def _mirror(self, planned: PlannedRun, result: dict[str, Any]) -> None:
        if self._index is not None:
            self._index.add(planned, result)

    # -- hangs, stopping, the end -------------------------------------------------------------------

    def _end_hung(self) -> None:
        moment = time.monotonic()
        for live in self._live.values():
            limit = self._hang_timeout if live.begun else max(
                self._start_timeout, self._hang_timeout
            )  # fmt: skip
            if not live.hung and moment - live.since > limit:
                live.hung = True
                self._executor.kill(live.planned.run)

    def _hand_back(self, signals: StopSignals) -> None:
        """Let runs stop after their epoch; end by force those that take too long."""
        assert signals.received is not None
        self._note("stopping", signal=signals.received.name)
        self._display.line(
            f"{signals.received.name}: handing {len(self._live)} runs back "
            f"(at most {self._grace:g} s; again to stop at once)"
        )
        deadline = time.monotonic() + self._grace
        self._executor.stop()
        while self._live and time.monotonic() < deadline and signals.count < 2:
            self._step()

    def _finish(self, signals: StopSignals) -> Summary:
        ended, states = self._tally.ended, self._tally.states
        total = max(ended, self._source.total)
        stopped = signals.received.name if signals.received is not None else None
        summary = Summary(
            study=self._study.get("study", self._folder.path.name),
            planned=total,
            complete=states["COMPLETE"],
            pruned=states["PRUNED"],
            failed=states["FAILED"],
            waiting=total - ended,
            attempts=self._attempts,
            lost=self._lost,
            seconds=self._display.seconds,
            stopped_by=stopped,
            best=self._tally.best(),
        )
        if self._source.remark:
            self._note("remark", text=self._source.remark)
            self._display.line(self._source.remark)
        self._note("study_ended", **asdict(summary))
        self._display.show((), total=self._source.total, force=True)
        self._tracker.study_ended(summary)
        return summary

    def _note(self, kind: str, **fields: Any) -> None:
        self._notes.append({"at": now(), "event": kind, **fields})

    def _write_notes(self) -> None:
        notes, self._notes = self._notes, []
        if notes:
            self._folder.append_events(notes)


def _refuse_full_disk(folder: StudyFolder, least: int) -> None:
    free = folder.free_bytes()
    if free < least:
        raise StudyError(
            f"{folder.path} has {free / 2**20:.1f} MiB free, and at least {least / 2**20:.0f} MiB "
            "are wanted before a study starts (ENOSPC). Free some space."
        )
