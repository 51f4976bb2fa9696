"""What the user is shown of a running study: its outcomes one by one, and now and then how it stands."""

import time
from collections.abc import Iterable, Mapping
from typing import Any

from ablations.engine.records.folder import StudyFolder
from ablations.engine.standing.snapshot import Snapshot
from ablations.engine.standing.tally import Tally
from ablations.engine.supervision.live import Live
from ablations.engine.supervision.progress import Progress
from ablations.plan import PlannedRun
from plain_files.numbers import loss
from plain_files.study_records import error_text

SHOW_SECONDS = 0.5
MOST_SHARE = 0.02
"""Of the supervisor's time for looking how the study stands: each look takes longer the more runs have ended."""
LONGEST_SECONDS = 30.0
"""Between two looks, however long one takes."""


class Display:
    """Turns what the supervisor knows into lines and snapshots."""

    def __init__(
        self, progress: Progress, *, folder: StudyFolder, tally: Tally, slots: tuple[str, ...]
    ) -> None:
        """Show a study.

        Args:
            progress: Where to.
            folder: The study's.
            tally: Its counts; the caller keeps them up to date.
            slots: The names of the places where runs run.
        """
        self._progress, self._folder = progress, folder
        self._study: str = folder.study().get("study", folder.path.name)
        self._tally, self._slots = tally, slots
        self._started = time.monotonic()
        self._next = 0.0

    @property
    def seconds(self) -> float:
        """Since the supervisor started."""
        return time.monotonic() - self._started

    def line(self, text: str) -> None:
        """Say something."""
        self._progress.line(text)

    def outcome(self, planned: PlannedRun, result: Mapping[str, Any], *, total: int) -> None:
        """Say what a run came to, which the tally counts already."""
        count = f"{self._tally.ended}/{total}"
        said = _sentence(planned, result, self._tally.metric)
        log = self._folder.attempt_log(planned.run, result["attempt"])
        self.line(f"{count} {said}{f' (log: {log})' if result.get('error') and log else ''}")

    def show(self, live: Iterable[Live], *, total: int, force: bool = False) -> None:
        """Show how the study stands, unless that was just shown."""
        began = time.monotonic()
        if force or began > self._next:
            self._progress.show(self._snapshot(live, total))
            took = time.monotonic() - began
            self._next = began + min(max(SHOW_SECONDS, took / MOST_SHARE), LONGEST_SECONDS)

    def _snapshot(self, live: Iterable[Live], total: int) -> Snapshot:
        tally = self._tally
        busy = tuple(one.busy(tally.metric) for one in live)
        begun = sum(slot.share for slot in busy)
        spent = sum(slot.epoch * slot.seconds_an_epoch for slot in busy)
        pace: Any = {"total": total, "slots": len(self._slots), "begun": begun, "spent": spent}
        return Snapshot(
            study=self._study,
            total=total,
            complete=tally.states["COMPLETE"],
            pruned=tally.states["PRUNED"],
            failed=tally.states["FAILED"],
            slots=self._slots,
            busy=busy,
            metric=tally.metric,
            best=tally.best(),
            seconds=self.seconds,
            runs_per_hour=tally.runs_per_hour(**pace),
            seconds_left=tally.seconds_left(**pace),
        )


def _sentence(planned: PlannedRun, result: Mapping[str, Any], metric: str) -> str:
    value, seconds, why = result.get(metric), result.get("seconds"), error_text(result.get("error"))
    return (
        f"{result['state'].lower()} {planned.label} seed {planned.seed}"
        + (f" {metric} {loss(value)}" if value is not None else "")
        + (f" ({seconds:.1f} s)" if seconds is not None else "")
        + (f": {why}" if why else "")
    )
