"""Everybody who is told how a study goes on: the events, the tracker, the index and the display.

None of them decides anything. What they are told of has been done, and stands in the records.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ablations.engine.records.folder import StudyFolder, now
from ablations.engine.standing.summary import Summary
from ablations.engine.standing.tally import Tally
from ablations.engine.supervision.display import Display
from ablations.engine.supervision.live import Live
from ablations.engine.supervision.progress import NoProgress, Progress
from ablations.engine.supervision.tracker import GuardedTracker, Tracker
from ablations.plan import PlannedRun
from plain_files.study_records import error_text

if TYPE_CHECKING:  # Optuna takes a third of a second to import
    from ablations.engine.records.index import Index


class Audience:
    """Tells each of them what it wants to know."""

    def __init__(
        self,
        folder: StudyFolder,
        *,
        slots: tuple[str, ...],
        tracker: Tracker | None,
        progress: Progress | None,
        index: "Index | None",
    ) -> None:
        """Gather them.

        Args:
            folder: The study's, which has the events.
            slots: The names of the places where runs run.
            tracker: A view of the study elsewhere.
            progress: What the user sees.
            index: The Optuna study that mirrors the records.
        """
        self._folder, self._slots, self._index = folder, slots, index
        self._tracker = GuardedTracker(tracker, warn=folder.event)
        self._progress = NoProgress() if progress is None else progress
        self._declared = folder.study()
        self.study: str = self._declared.get("study", folder.path.name)
        self.tally = Tally.of(self._declared)
        """The outcomes so far."""
        self._display = Display(self._progress, folder=folder, tally=self.tally, slots=slots)
        self._events: list[dict[str, Any]] = []

    @property
    def seconds(self) -> float:
        """Since the supervisor started."""
        return self._display.seconds

    def study_planned(self, runs: Sequence[PlannedRun]) -> None:
        """The plan, as it stands when the supervisor starts."""
        if self._index is not None:
            self._index.prepare(runs)

    def study_started(self, *, total: int) -> None:
        """The supervisor has read the records."""
        self._note("study_started", slots=list(self._slots), total=total, ended=self.tally.ended)
        self._tracker.study_started(self._declared)

    def say(self, text: str) -> None:
        """Something about the records that the user must know."""
        self._note("remark", text=text)
        self._display.line(text)

    def run_left(self, planned: PlannedRun, attempt: int, result: dict[str, Any]) -> None:
        """An attempt failed for want of something that this machine lacks now; the run keeps waiting."""
        why = error_text(result["error"])
        self._note("run_left", run=planned.run, attempt=attempt, error=why)
        self._tracker.run_ended(planned, attempt, result)
        self._display.line(
            f"cannot be trained here now: {planned.label} seed {planned.seed}: {why}"
        )

    def run_started(self, live: Live) -> None:
        """An attempt started."""
        self._note("run_started", run=live.planned.run, attempt=live.attempt, slot=live.slot)
        self._tracker.run_started(live.planned, live.attempt)

    def run_adopted(self, live: Live) -> None:
        """An attempt that another supervisor started goes on."""
        self._note("run_adopted", run=live.planned.run, attempt=live.attempt, slot=live.slot)

    def epoch(self, live: Live) -> None:
        """An attempt ended an epoch."""
        self._tracker.epoch(live.planned, live.attempt, live.record)

    def run_handed_back(self, live: Live) -> None:
        """An attempt was stopped, and the run waits."""
        self._note("run_handed_back", run=live.planned.run, attempt=live.attempt)
        self._tracker.run_ended(live.planned, live.attempt, {"state": "HANDED_BACK"})

    def run_lost(self, live: Live, error: Mapping[str, Any]) -> None:
        """The worker of an attempt died or hung."""
        self._note("run_lost", run=live.planned.run, attempt=live.attempt, error=error["message"])

    def run_tried_again(self, planned: PlannedRun, attempt: int, result: dict[str, Any]) -> None:
        """An attempt failed, and that is not the run's outcome."""
        self._tracker.run_ended(planned, attempt, result)

    def outcomes_stand(self, outcomes: Sequence[tuple[PlannedRun, dict[str, Any]]]) -> None:
        """What runs came to in earlier sessions."""
        for planned, result in outcomes:
            self.tally.add(planned, result)
        if self._index is not None:
            self._index.stand(outcomes)

    def outcome(self, planned: PlannedRun, result: dict[str, Any]) -> None:
        """What a run came to now."""
        self.tally.add(planned, result)
        if self._index is not None:
            self._index.add(planned, result)

    def run_ended(self, planned: PlannedRun, result: dict[str, Any], *, total: int) -> None:
        """A run came to its outcome now; `outcome` was told before."""
        self._note(
            "run_ended", run=planned.run, attempt=result["attempt"], state=result["state"],
            seconds=result.get("seconds"), error=error_text(result.get("error")),
        )  # fmt: skip
        self._tracker.run_ended(planned, result["attempt"], result)
        self._display.outcome(planned, result, total=total)

    def found(self, news: Iterable[str]) -> None:
        """What the runs' source found out: a sentence each."""
        for text in news:
            self._note("found", text=text)
            self._tracker.found(text)
            self._display.line(text)

    def standing(self, live: Iterable[Live], *, total: int) -> None:
        """How the study stands; often, for a display that is drawn now and then."""
        self._display.show(live, total=total)

    def stopping(self, signal: str, *, runs: int, grace: float) -> None:
        """The study was asked to stop."""
        self._note("stopping", signal=signal)
        self._display.line(
            f"{signal}: handing {runs} runs back (at most {grace:g} s; again to stop at once)"
        )

    def study_ended(self, summary: Summary, *, remark: str, total: int) -> None:
        """The supervisor ends."""
        if remark:
            self.say(remark)
        self._note("study_ended", **asdict(summary))
        self._display.show((), total=total, force=True)
        self._tracker.study_ended(summary)

    def write_events(self) -> None:
        """Write what was noted since the last call; one write for all."""
        events, self._events = self._events, []
        if events:
            self._folder.append_events(events)

    def close(self) -> None:
        """Release everything."""
        self._tracker.close()
        if self._index is not None and (lacks := self._index.close()):
            self._display.line(lacks)
        self._progress.close()

    def _note(self, kind: str, **fields: Any) -> None:
        self._events.append({"at": now(), "event": kind, **fields})
