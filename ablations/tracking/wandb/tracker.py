"""W&B as seen by the supervisor: an object that puts lines into a queue and returns.

All of W&B lives in another process (`ablations.tracking.wandb.process`), because everything about it can
block: a key without a network holds `wandb.init` for 100 seconds, a dead server holds `finish` for 45.
Where that process dies, hangs or falls too far behind, it is dropped with one warning and the study goes
on; the rows it missed are in the records, and `ablate wandb STUDY --sync` writes them.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, get_args

from ablations.engine.records.folder import USUAL_METRICS
from ablations.errors import SettingError, one_of
from ablations.plan import PlannedRun
from ablations.tracking.wandb.pipe import COMMAND, Pipe
from ablations.tracking.wandb.records import committed_results, recorded_epochs
from ablations.tracking.wandb.view import (
    RunEnd,
    run_id,
    study_id,
    view_end_of_study,
    view_epoch,
    view_finding,
    view_lost,
    view_progress,
    view_result,
    view_run,
    view_study,
)

Mode = Literal["offline", "online", "disabled"]

CLOSE_SECONDS = {"offline": 20.0, "online": 60.0}
"""How long `close` waits for what is still under way."""
OUTCOMES = ("COMPLETE", "PRUNED", "FAILED")


class WandbTracker:
    """A study's view in W&B; no method blocks, raises or prompts.

    Args:
        folder: The study's folder; W&B's files go to `folder/wandb`.
        mode: `offline` writes files only, `online` sends too, `disabled` does nothing.
        project: W&B's project.
        close_seconds: How long `close` may take; by default 20 seconds offline and 60 online.
        command: The program that owns W&B and reads this object's lines; replaced in tests of failure.

    Raises:
        SettingError: If the mode is unknown.
    """

    def __init__(
        self,
        folder: Path,
        mode: Mode,
        project: str = "ablations",
        *,
        close_seconds: float | None = None,
        command: Sequence[str] = COMMAND,
    ) -> None:
        if mode not in get_args(Mode):
            raise SettingError(one_of("wandb", mode, get_args(Mode)))
        self._folder = folder
        self._study: Mapping[str, Any] = {"study": folder.name}
        self._open: dict[str, str] = {}
        self._logged: set[str] = set()
        self._closed: set[str] = set()
        self._outcomes: dict[str, str] = {}
        self._best: float | None = None
        self._pipe: Pipe | None = None
        self._mode, self._project, self._command = mode, project, command
        self._close_seconds = close_seconds

    def study_started(self, study_json: Mapping[str, Any]) -> None:
        """Open the study's own W&B run; what had ended before this session is counted from the records."""
        self._study = study_json
        if self._mode == "disabled" or self._pipe is not None:
            return
        # Not earlier: a supervisor that finds its study running elsewhere starts nothing.
        seconds = self._close_seconds or CLOSE_SECONDS[self._mode]
        self._pipe = Pipe(self._folder, command=self._command, close_seconds=seconds)
        where = str(self._folder.resolve())
        self._send("open", folder=where, mode=self._mode, project=self._project)
        self._send("start", run=asdict(view_study(study_json)))
        metrics = tuple(study_json.get("metrics") or USUAL_METRICS)
        for result in committed_results(self._folder, metrics):
            self._count(str(result.get("run")), result)

    def run_started(self, planned: PlannedRun, attempt: int) -> None:
        """Open the W&B run of one attempt; an earlier attempt that never ended is closed as lost."""
        for id in [id for id, run in self._open.items() if run == planned.run]:
            self._end(id, view_lost())
        if self._pipe is None:
            return
        view = view_run(self._study, planned, attempt)
        self._open[view.id] = planned.run
        self._send("start", run=asdict(view))

    def epoch(self, planned: PlannedRun, attempt: int, record: Mapping[str, Any]) -> None:
        """Add one row to a learning curve; the first one brings the epochs before it."""
        id = self._opened(planned, attempt)
        if id is not None:
            self._catch_up(id, planned, attempt, before=record.get("epoch"))
            self._send("log", id=id, row=view_epoch(record))

    def run_ended(self, planned: PlannedRun, attempt: int, result: Mapping[str, Any]) -> None:
        """Close the W&B run of one attempt with its outcome."""
        id = self._opened(planned, attempt)
        if id is not None:
            self._catch_up(id, planned, attempt, before=None)
            self._end(id, view_result(result, metrics=self._study.get("metrics", USUAL_METRICS)))
        self._count(planned.run, result)

    def found(self, text: str) -> None:
        """Add what was found to the study's own history."""
        self._send("log", id=study_id(self._study), row=view_finding(text))

    def study_ended(self, summary: object = None) -> None:
        """Close the study's own run.

        Args:
            summary: Numbers to show beside the study (`ablations.engine.standing.summary.Summary`).
        """
        self._end(study_id(self._study), view_end_of_study(summary))

    def close(self) -> None:
        """Say that nothing more comes, and wait a bounded time for W&B to finish."""
        if self._pipe is None:
            return
        for id in list(self._open):
            self._end(id, view_lost())
        self._pipe.close()
        self._pipe = None

    def _opened(self, planned: PlannedRun, attempt: int) -> str | None:
        """The id of the attempt's open W&B run; None where it is closed.

        An attempt that outlived its supervisor on a cluster is heard of first by an epoch or its end.
        """
        if self._pipe is None:
            return None
        id = run_id(self._study, planned.run, attempt)
        if id not in self._open and id not in self._closed:
            self.run_started(planned, attempt)
        return id if id in self._open else None

    def _catch_up(self, id: str, planned: PlannedRun, attempt: int, *, before: int | None) -> None:
        if id not in self._logged:
            self._logged.add(id)
            for row in recorded_epochs(self._folder, planned.run, attempt, before=before):
                self._send("log", id=id, row=view_epoch(row))

    def _count(self, run: str, result: Mapping[str, Any]) -> None:
        state = str(result["state"])
        if state not in OUTCOMES:
            return
        self._outcomes[run] = state
        value = result.get(str(self._study.get("metric", "val_loss")))
        if state == "COMPLETE" and isinstance(value, int | float):
            better = min if self._study.get("direction", "minimize") == "minimize" else max
            self._best = value if self._best is None else better(self._best, value)
        row = view_progress(Counter(self._outcomes.values()), self._best)
        self._send("log", id=study_id(self._study), row=row)

    def _end(self, id: str, end: RunEnd) -> None:
        self._open.pop(id, None)
        self._logged.discard(id)
        self._closed.add(id)
        self._send("end", id=id, end=asdict(end))

    def _send(self, verb: str, **values: Any) -> None:
        if self._pipe is not None:
            self._pipe.put({"do": verb} | values)
