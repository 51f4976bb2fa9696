"""W&B as seen by the supervisor: an object that puts lines into a queue and returns.

All of W&B lives in another process (`ablations.tracking.wandb_process`), because everything about it can
block: a key without a network holds `wandb.init` for 100 seconds, a dead server holds `finish` for 45.
Where that process dies, hangs or falls too far behind, it is dropped with one warning and the study goes
on; the rows it missed are in the records, and `ablate wandb STUDY --sync` writes them.
"""

import contextlib
import json
import logging
import os
import queue
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, get_args

from ablations.errors import SettingError, one_of
from ablations.plan import PlannedRun
from ablations.tracking.records import committed_results, earlier_epochs
from ablations.tracking.view import (
    RunEnd,
    RunView,
    run_id,
    study_id,
    view_epoch,
    view_lost,
    view_progress,
    view_result,
    view_run,
    view_study,
)

Mode = Literal["offline", "online", "disabled"]

COMMAND = (sys.executable, "-m", "ablations.tracking.wandb_process")
QUEUE_LINES = 20_000
"""Lines that may wait (about 5 MB); past that W&B is too slow for the study and is dropped."""
CLOSE_SECONDS = {"offline": 20.0, "online": 60.0}
"""How long `close` waits for what is still under way."""

_log = logging.getLogger("ablations.tracking")


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
        self._open: dict[str, tuple[str, int]] = {}
        self._begun: set[str] = set()
        self._results: Counter[str] = Counter()
        self._best: float | None = None
        self._pipe: _Pipe | None = None
        if mode != "disabled":
            seconds = CLOSE_SECONDS[mode] if close_seconds is None else close_seconds
            self._pipe = _Pipe(folder, command, seconds)
            self._send("open", folder=str(folder.resolve()), mode=mode, project=project)

    def study_started(self, study_json: Mapping[str, Any]) -> None:
        """Open the study's own W&B run; what had ended before this session is counted from the records."""
        self._study = study_json
        if self._pipe is None:
            return
        self._start(view_study(study_json))
        for result in committed_results(self._folder):
            self._count(result)

    def run_started(self, planned: PlannedRun, attempt: int) -> None:
        """Open the W&B run of one attempt; an earlier attempt that never ended is closed as lost."""
        for id, (run, _) in list(self._open.items()):
            if run == planned.run:
                self._end(id, view_lost())
        view = view_run(self._study, planned, attempt)
        self._open[view.id] = (planned.run, attempt)
        self._start(view)

    def epoch(self, planned: PlannedRun, attempt: int, record: Mapping[str, Any]) -> None:
        """Add one row to a learning curve."""
        id = run_id(self._study, planned.run, attempt)
        if id not in self._begun and self._pipe is not None:
            self._begun.add(id)
            for row in earlier_epochs(self._folder, planned.run, attempt, record):
                self._send("log", id=id, row=view_epoch(row))
        self._send("log", id=id, row=view_epoch(record))

    def run_ended(self, planned: PlannedRun, attempt: int, result: Mapping[str, Any]) -> None:
        """Close the W&B run of one attempt with its outcome."""
        self._end(run_id(self._study, planned.run, attempt), view_result(result))
        self._count(result)

    def study_ended(self, summary: object = None) -> None:
        """Close the study's own run, with the report's figures and tables where there are any.

        Args:
            summary: Numbers to show beside the study: a mapping, or a result with `to_json`.
        """
        numbers = summary if isinstance(summary, Mapping) else {}
        self._send("files", id=study_id(self._study))
        end = RunEnd(summary=view_epoch(numbers), tags=(), exit_code=0)
        self._end(study_id(self._study), end)

    def close(self) -> None:
        """Say that nothing more comes, and wait a bounded time for W&B to finish."""
        if self._pipe is None:
            return
        for id in list(self._open):
            self._end(id, view_lost())
        self._pipe.close()
        self._pipe = None

    def _count(self, result: Mapping[str, Any]) -> None:
        self._results[str(result["state"])] += 1
        value = result.get(str(self._study.get("metric", "val_loss")))
        if result["state"] == "COMPLETE" and isinstance(value, int | float):
            minimise = self._study.get("direction", "minimize") == "minimize"
            better = min if minimise else max
            self._best = value if self._best is None else better(self._best, value)
        row = view_progress(self._results, self._best)
        self._send("log", id=study_id(self._study), row=row)

    def _start(self, view: RunView) -> None:
        self._send("start", run=asdict(view))

    def _end(self, id: str, end: RunEnd) -> None:
        self._open.pop(id, None)
        self._send("end", id=id, end=asdict(end))

    def _send(self, verb: str, **values: Any) -> None:
        if self._pipe is not None:
            self._pipe.put({"do": verb} | values)


class _Pipe:
    """The other process, and the queue that feeds it."""

    def __init__(self, folder: Path, command: Sequence[str], close_seconds: float) -> None:
        self._close_seconds = close_seconds
        self._dropped = False
        self._once = threading.Lock()
        self._lines: queue.Queue[bytes | None] = queue.Queue(QUEUE_LINES)
        self._threads: list[threading.Thread] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._process = self._launch(folder, command)
        if self._process is not None:
            for work in (self._feed, self._listen):
                self._threads.append(
                    threading.Thread(target=work, args=(self._process,), daemon=True)
                )
                self._threads[-1].start()

    def put(self, message: dict[str, Any]) -> None:
        if self._dropped:
            return
        try:
            self._lines.put_nowait(json.dumps(message).encode() + b"\n")
        except queue.Full:
            self._drop(f"W&B fell {QUEUE_LINES} rows behind")
        except (TypeError, ValueError) as error:
            self._drop(f"a row could not be written ({error})")

    def close(self) -> None:
        """Let the process finish what it was sent, end it otherwise, and wait for both threads."""
        if self._process is None:
            return
        try:
            if not self._dropped:
                self._lines.put_nowait(None)
            self._process.wait(timeout=self._close_seconds)
        except (queue.Full, subprocess.TimeoutExpired):
            self._drop(f"W&B did not finish within {self._close_seconds:g} s")
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)
        for thread in self._threads:
            thread.join(timeout=5)
        if self._process.returncode != 0:
            self._drop(f"W&B's process ended with code {self._process.returncode}")

    def _launch(self, folder: Path, command: Sequence[str]) -> "subprocess.Popen[bytes] | None":
        try:
            (folder / "wandb").mkdir(parents=True, exist_ok=True)
            with (folder / "wandb" / "tracker.log").open("ab") as log:
                return subprocess.Popen(
                    list(command),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    # Ctrl-C is for the supervisor, which closes this process in its own time.
                    start_new_session=True,
                )
        except OSError as error:
            self._drop(f"W&B's process could not be started ({error})")
            return None

    def _feed(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdin is not None
        try:
            with process.stdin as pipe:
                while (line := self._lines.get()) is not None:
                    pipe.write(line)
                    if self._lines.empty():
                        pipe.flush()
                pipe.write(b'{"do": "close"}\n')
        except OSError:
            self._drop("W&B's process died")

    def _listen(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None
        with process.stdout as pipe:
            for line in pipe:
                _log.warning("%s", line.decode(errors="replace").rstrip())

    def _drop(self, why: str) -> None:
        with self._once:
            if self._dropped:
                return
            self._dropped = True
        rest = "the study goes on without it. `ablate wandb STUDY --sync` writes what is missing."
        _log.warning("%s; %s", why, rest)
        with contextlib.suppress(queue.Full):
            self._lines.put_nowait(None)
        if self._process is not None:
            _kill_group(self._process)


def _kill_group(process: "subprocess.Popen[bytes]") -> None:
    """End the process and W&B's own service below it, which would otherwise go on trying to send."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
