"""Trackers: views of a study elsewhere, for example W&B. A view cannot fail the study."""

from collections.abc import Callable
from typing import Any, Protocol

from ablations.plan import PlannedRun


class Tracker(Protocol):
    """Is told what happens. Must not block: the supervisor calls it between two steps."""

    def study_started(self, study: dict[str, Any]) -> None:
        """The supervisor started; `study` is the content of `study.json`."""

    def run_started(self, planned: PlannedRun, attempt: int) -> None:
        """An attempt started."""

    def epoch(self, planned: PlannedRun, attempt: int, record: dict[str, Any]) -> None:
        """An attempt ended an epoch."""

    def run_ended(self, planned: PlannedRun, attempt: int, result: dict[str, Any]) -> None:
        """An attempt is over.

        `result` is its `result.json`; of an attempt that was handed back only
        `{"state": "HANDED_BACK"}`. The last call for a run is the one with its outcome.
        """

    def found(self, text: str) -> None:
        """Something was found out, in a sentence: a comparison is settled."""

    def study_ended(self, summary: Any) -> None:
        """The supervisor ends (`ablations.engine.standing.summary.Summary`)."""

    def close(self) -> None:
        """Release everything; called whatever happened."""


class GuardedTracker:
    """Calls a tracker until it first raises, and then never again."""

    def __init__(self, tracker: Tracker | None, *, warn: Callable[..., None]) -> None:
        """Guard a tracker.

        Args:
            tracker: None for no tracker at all.
            warn: Takes an event's kind and its fields; told once, when the tracker is dropped.
        """
        self._tracker = tracker
        self._warn = warn

    def study_started(self, study: dict[str, Any]) -> None:
        """Pass on."""
        self._call("study_started", study)

    def run_started(self, planned: PlannedRun, attempt: int) -> None:
        """Pass on."""
        self._call("run_started", planned, attempt)

    def epoch(self, planned: PlannedRun, attempt: int, record: dict[str, Any]) -> None:
        """Pass on."""
        self._call("epoch", planned, attempt, record)

    def run_ended(self, planned: PlannedRun, attempt: int, result: dict[str, Any]) -> None:
        """Pass on."""
        self._call("run_ended", planned, attempt, result)

    def found(self, text: str) -> None:
        """Pass on."""
        self._call("found", text)

    def study_ended(self, summary: Any) -> None:
        """Pass on."""
        self._call("study_ended", summary)

    def close(self) -> None:
        """Pass on."""
        self._call("close")

    def _call(self, name: str, *args: Any) -> None:
        if self._tracker is None:
            return
        try:
            getattr(self._tracker, name)(*args)
        except Exception as error:
            # Whatever a view does wrong: the study goes on and says so once.
            self._tracker = None
            self._warn("tracker_dropped", call=name, error=f"{type(error).__name__}: {error}")
