"""The process that owns W&B, as seen from the process that must never wait for it."""

import contextlib
import json
import logging
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

COMMAND = (sys.executable, "-P", "-m", "ablations.tracking.wandb.process")
QUEUE_LINES = 20_000
"""Lines that may wait (about 5 MB); past that W&B is too slow for the study and is dropped."""

_log = logging.getLogger("ablations.tracking")


class Pipe:
    """A process that reads JSON lines, and the queue that feeds it.

    Where it dies, hangs or falls too far behind it is ended, with one warning.

    Args:
        folder: The study's folder; what the process prints goes to `folder/wandb/tracker.log`.
        command: The program.
        close_seconds: How long `close` waits for it to finish.
        environment: Its variables; this process's own by default.
        patient: Whether `put` waits where the queue is full, instead of dropping the process.
    """

    def __init__(
        self,
        folder: Path,
        *,
        command: Sequence[str] = COMMAND,
        close_seconds: float,
        environment: Mapping[str, str] | None = None,
        patient: bool = False,
    ) -> None:
        self._close_seconds = close_seconds
        self._patient = patient
        self._dropped = False
        self._once = threading.Lock()
        self._lines: queue.Queue[bytes | None] = queue.Queue(QUEUE_LINES)
        self._threads: list[threading.Thread] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._process = self._launch(folder, command, environment)
        if self._process is not None:
            for work in (self._feed, self._listen):
                self._threads.append(
                    threading.Thread(target=work, args=(self._process,), daemon=True)
                )
                self._threads[-1].start()

    @property
    def dropped(self) -> bool:
        """Whether the process was given up."""
        return self._dropped

    def put(self, message: dict[str, Any]) -> None:
        """Send one message, some time."""
        try:
            line = json.dumps(message).encode() + b"\n"
        except (TypeError, ValueError) as error:
            self._drop(f"a row could not be written ({error})")
            return
        while not self._dropped:
            try:
                self._lines.put(line, block=self._patient, timeout=0.2)
                return
            except queue.Full:
                if not self._patient:
                    self._drop(f"W&B fell {QUEUE_LINES} rows behind")

    def close(self) -> None:
        """Let the process finish what it was sent, end it otherwise, and wait for both threads."""
        if self._process is None:
            return
        try:
            if not self._dropped:
                self._lines.put(None, block=self._patient, timeout=self._close_seconds)
            self._process.wait(timeout=self._close_seconds)
        except (queue.Full, subprocess.TimeoutExpired):
            self._drop(f"W&B did not finish within {self._close_seconds:g} s")
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)
        for thread in self._threads:
            thread.join(timeout=5)
        if self._process.returncode != 0:
            self._drop(f"W&B's process ended with code {self._process.returncode}")

    def _launch(
        self, folder: Path, command: Sequence[str], environment: Mapping[str, str] | None
    ) -> "subprocess.Popen[bytes] | None":
        try:
            (folder / "wandb").mkdir(parents=True, exist_ok=True)
            with (folder / "wandb" / "tracker.log").open("ab") as log:
                return subprocess.Popen(
                    list(command),
                    env=environment,
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
