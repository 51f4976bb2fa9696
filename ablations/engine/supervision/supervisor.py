"""The supervisor: brings what is (records, live workers) towards what should be (the plan), until it is.

Level-triggered: every decision is made from the folder's content, so starting again after any
crash is the same code as starting.
"""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ablations.context import CHECKPOINT_MINUTES
from ablations.engine.executors.executor import Executor
from ablations.engine.executors.local import LocalExecutor
from ablations.engine.records.folder import Outcomes, StudyFolder, cannot_write, planned_run
from ablations.engine.records.listing import Listing
from ablations.engine.records.lock import held
from ablations.engine.records.second_tries import take_back
from ablations.engine.sources.source import Source
from ablations.engine.supervision import retry
from ablations.engine.supervision.agenda import Agenda, Start
from ablations.engine.supervision.audience import Audience
from ablations.engine.supervision.live_attempts import LiveAttempts
from ablations.engine.supervision.progress import Progress
from ablations.engine.supervision.stopping import StopSignals
from ablations.engine.supervision.summary import Summary
from ablations.engine.supervision.tracker import Tracker
from ablations.errors import StudyError
from ablations.plan import PlannedRun

if TYPE_CHECKING:  # Optuna takes a third of a second to import
    from ablations.engine.records.index import Index

RETRIES = 3
HANG_SECONDS = 600.0
START_SECONDS = 300.0
"""For a worker to start and to import what it trains with."""
GRACE_SECONDS = 25.0
"""For runs to hand themselves back; a scheduler kills 30 s after its SIGTERM."""
FREE_BYTES = 32 * 2**20


def execute(
    folder: StudyFolder,
    source: Source,
    *,
    train: str,
    executor: Executor | None = None,
    tracker: Tracker | None = None,
    progress: Progress | None = None,
    index: "Index | None" = None,
    retries: int = RETRIES,
    hang_timeout: float = HANG_SECONDS,
    start_timeout: float = START_SECONDS,
    grace: float = GRACE_SECONDS,
    wait: bool = False,
    checkpoint_minutes: float = CHECKPOINT_MINUTES,
    keep_checkpoints: bool = False,
    free_bytes: int = FREE_BYTES,
    again: Sequence[str] = (),
) -> Summary:
    """Run a study until every run has its outcome, or until it is asked to stop.

    Call it again after whatever happened: it goes on where the records stand.

    Args:
        folder: An existing study folder.
        source: Where runs come from.
        train: Import path of the function that trains, `package.module:function`.
        executor: Where they run; this machine's slots by default. It is closed at the end.
        tracker: A view of the study, for example W&B; it cannot fail the study.
        progress: What the user sees.
        index: The Optuna study that mirrors the records; none by default.
        retries: Further attempts after a worker died or hung; deterministic errors get none.
        hang_timeout: Seconds without an epoch or a beat after which a run counts as hung.
        start_timeout: The same, while a run has not begun yet: its worker imports.
        grace: Seconds that runs get to hand themselves back when the study is stopped.
        wait: Wait where another supervisor runs the study, instead of refusing.
        checkpoint_minutes: Age of the last checkpoint at which one is written within an epoch.
        keep_checkpoints: Keep the checkpoint of a complete run.
        free_bytes: Refuse to start with less free space than this.
        again: Runs whose outcome is taken back first (`second_tries.take_back`).

    Raises:
        StudyError: Another supervisor runs the study, an outcome cannot be used, or the disk is full.
        SettingError: `again` names no run that failed.
    """
    executor = LocalExecutor() if executor is None else executor
    audience = Audience(
        folder, slots=executor.slots, tracker=tracker, progress=progress, index=index
    )
    attempts = LiveAttempts(
        folder,
        source,
        executor=executor,
        audience=audience,
        train=train,
        hang_timeout=hang_timeout,
        start_timeout=start_timeout,
        checkpoint_minutes=checkpoint_minutes,
    )
    supervisor = _Supervisor(
        folder,
        source,
        executor=executor,
        audience=audience,
        attempts=attempts,
        retries=retries,
        grace=grace,
        keep_checkpoints=keep_checkpoints,
        again=again,
    )
    try:
        _refuse_full_disk(folder, free_bytes)
        with held(folder.lock_file, wait=wait), StopSignals() as signals:
            return supervisor.run(signals)
    except OSError as error:
        raise cannot_write(folder.path, error) from error
    finally:
        executor.close()
        audience.close()


class _Supervisor:
    def __init__(
        self,
        folder: StudyFolder,
        source: Source,
        *,
        executor: Executor,
        audience: Audience,
        attempts: LiveAttempts,
        retries: int,
        grace: float,
        keep_checkpoints: bool,
        again: Sequence[str],
    ) -> None:
        self._folder, self._source, self._executor = folder, source, executor
        self._audience, self._attempts = audience, attempts
        self._retries, self._grace = retries, grace
        self._keep_checkpoints, self._again = keep_checkpoints, again
        self._agenda = Agenda(executor)
        self._listing = Listing(folder)
        self._over: list[PlannedRun] = []
        """Runs whose attempts so far are over, and of which nothing is decided yet."""
        self._known: set[str] = set()
        """Runs of the plan on the disk."""
        self._begun: set[str] = set()
        """Runs of which an attempt was started, by whomever."""
        self._has_more = True
        """Whether the source may have a run to give."""

    def run(self, signals: StopSignals) -> Summary:
        try:
            self._resume()
            while signals.received is None and not self._finished():
                self._fill(signals)
                self._step()
                self._attempts.kill_hung()
            if signals.received is not None:
                self._hand_back(signals)
            return self._finish(signals)
        finally:
            self._audience.write_events()

    def _finished(self) -> bool:
        # A source that has nothing to give and nothing out has ended, one way or the other.
        return self._source.finished or not (
            self._attempts or self._agenda or self._over or self._has_more
        )

    # -- from the records to what is left to do ---------------------------------------------------

    def _resume(self) -> None:
        """Read the records and say what is left to do."""
        self._folder.refuse_links()
        found = self._folder.plan_lines()  # once: of a hundred thousand runs it takes seconds
        lines = self._folder.mend_plan(found)
        if lines is not found:
            self._audience.say(
                "plan.jsonl was mended: lines that could not be used were taken out of it."
            )
        plan = [planned_run(line) for line in lines.lines]
        for planned in take_back(self._folder, plan, self._again):
            self._audience.say(
                f"{planned.label} seed {planned.seed} is tried again ({planned.run})."
            )
        results = self._folder.results(planned.run for planned in plan)
        new = self._source.resume(plan, results)
        if new:
            self._folder.append_plan(new)
        self._begun = self._folder.begun()
        for remark in self._folder.remarks(
            Outcomes(results, {}), lines, begun=self._begun.difference(one.run for one in new)
        ):
            self._audience.say(remark)
        self._listing.renew([*plan, *new], results)
        self._audience.study_planned([*plan, *new])
        self._audience.outcomes_stand(
            [(planned, results[planned.run]) for planned in plan if planned.run in results]
        )
        self._known = {planned.run for planned in (*plan, *new)}
        self._audience.study_started(total=self._source.total)
        self._audience.found(self._source.news())

    def _fill(self, signals: StopSignals) -> None:
        """Start runs while there are runs to start and room for them."""
        while signals.received is None and self._executor.room():
            if start := self._agenda.next():
                self._start(start)
                continue
            planned = self._source.next()
            self._has_more = planned is not None
            if planned is not None:
                self._place(planned)
            elif self._over:
                self._settle()
            else:
                break
        if not self._has_more and (start := self._agenda.last()):
            self._start(start)

    def _place(self, planned: PlannedRun) -> None:
        """Start a run, unless its attempts so far say something else."""
        if planned.run not in self._known:
            self._folder.append_plan([planned])
            self._known.add(planned.run)
            self._listing.belongs_to(len(self._known))
        if planned.run not in self._begun:
            self._start(Start(planned=planned))
        elif not self._attempts.adopt(planned):
            self._over.append(planned)

    def _start(self, start: Start) -> None:
        self._begun.add(start.planned.run)
        self._attempts.start(start)

    # -- from attempts to outcomes ------------------------------------------------------------------

    def _step(self) -> None:
        self._audience.write_events()
        self._over += self._attempts.listen()
        self._settle()
        self._audience.standing(self._attempts, total=self._source.total)

    def _settle(self) -> None:
        """Commit the outcomes of runs whose attempts are over, or try again."""
        over, self._over = self._over, []
        decided = [(planned, result) for planned in over if (result := self._decide(planned))]
        committed = self._folder.commit(
            [(planned.run, result["attempt"]) for planned, result in decided]
        )
        # A run that had its outcome before keeps that one.
        ended = [
            (planned, (planned.run not in committed and self._folder.result(planned.run)) or result)
            for planned, result in decided
        ]
        self._listing.add(ended)
        for planned, result in ended:
            self._end(planned, result)

    def _decide(self, planned: PlannedRun) -> dict[str, Any] | None:
        """The attempt's result that is the run's outcome; None where the run is tried again."""
        first = self._folder.failures_count_from(planned.run)
        numbers = [one for one in self._folder.attempts(planned.run) if one >= first]
        found = [self._folder.attempt_result(planned.run, number) for number in numbers]
        results = [result for result in found if result is not None]
        for result in results:
            if result["state"] != "FAILED":
                return result
        decision = retry.decide([result["error"] for result in results], retries=self._retries)
        if decision == "commit":
            return results[-1]
        if decision == "leave" and self._attempts.made_here(planned.run, numbers[-1]):
            self._audience.run_left(planned, numbers[-1], results[-1])
            return None
        self._agenda.add(planned, "again" if decision == "leave" else decision)
        if found and found[-1] is not None:
            self._audience.run_tried_again(planned, numbers[-1], found[-1])
        return None

    def _end(self, planned: PlannedRun, result: dict[str, Any]) -> None:
        """Draw the consequences of a run's outcome and tell everybody."""
        self._source.ended(planned, result)
        self._has_more = True  # what a search has learnt may lead it on
        self._audience.outcome(planned, result)
        keep = self._keep_checkpoints or result["state"] != "COMPLETE"
        interrupted = result["attempt"] > 1 or result["state"] == "FAILED"
        self._folder.tidy(planned.run, keep_checkpoint=keep, interrupted=interrupted)
        self._audience.run_ended(planned, result, total=self._source.total)
        self._audience.found(self._source.news())

    # -- stopping, the end --------------------------------------------------------------------------

    def _hand_back(self, signals: StopSignals) -> None:
        """Let runs stop after their epoch; end by force those that take too long."""
        assert signals.received is not None
        self._audience.stopping(signals.received.name, runs=len(self._attempts), grace=self._grace)
        deadline = time.monotonic() + self._grace
        self._executor.stop()
        while self._attempts and time.monotonic() < deadline and signals.count < 2:
            self._step()

    def _finish(self, signals: StopSignals) -> Summary:
        tally = self._audience.tally
        total = max(tally.ended, self._source.total)
        summary = Summary(
            study=self._audience.study,
            planned=total,
            complete=tally.states["COMPLETE"],
            pruned=tally.states["PRUNED"],
            failed=tally.states["FAILED"],
            waiting=total - tally.ended,
            attempts=self._attempts.started,
            lost=self._attempts.lost,
            seconds=self._audience.seconds,
            stopped_by=signals.received.name if signals.received is not None else None,
            best=tally.best(),
        )
        self._audience.study_ended(summary, remark=self._source.remark, total=self._source.total)
        return summary


def _refuse_full_disk(folder: StudyFolder, least: int) -> None:
    free = folder.free_bytes()
    if free < least:
        raise StudyError(
            f"{folder.path} has {free / 2**20:.1f} MiB free, and at least {least / 2**20:.0f} MiB "
            "are wanted before a study starts (ENOSPC). Free some space."
        )
