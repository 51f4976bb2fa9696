"""Runs in a process of their own, without a study: what holds of a program is seen from outside of it."""

import json
import math
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ablations.context import CHECKPOINT_MINUTES, CHECKPOINT_SECONDS
from ablations.engine.records.files import append_lines
from ablations.engine.worker.attempt import describe, load
from ablations.engine.worker.here import ContextHere
from ablations.errors import StudyError

EPOCHS = "epochs.jsonl"
UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes that the system counts a process's memory in."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One run."""

    run: str
    """Its id."""
    settings: dict[str, Any]
    folder: str
    """Where its checkpoint lies; an attempt that goes on finds it there."""
    attempt: int = 1
    killed_after: float | None = None
    """Seconds of its second epoch after which it kills its process, or at its second step (`context.beat`) there; it
    keeps a checkpoint of every epoch then, and of every step where it can. None lets it come to its end."""


@dataclass(frozen=True, kw_only=True)
class Done:
    """What came of it."""

    measured: dict[str, Any] | None = None
    """None where it was killed, or failed."""
    epochs: list[dict[str, Any]] = field(default_factory=list)
    second_epoch: float = 0.0
    """Seconds from its first record to its second."""
    steps: int = 0
    """That it told of (`context.beat`) after its first record."""
    error: dict[str, Any] | None = None
    """As a result has it: type, message, line, traceback."""
    peak_bytes: int = 0
    """Of the process's memory until then."""
    gpu_peak_bytes: int | None = None


def runs_apart(train: str, jobs: list[Job], *, device: str, threads: int = 1) -> list[Done]:
    """Run jobs one after another in one fresh process, from the current folder.

    Raises:
        StudyError: If the process dies, other than as a job asks.
    """
    with tempfile.TemporaryDirectory() as folder:
        asked, told = Path(folder) / "jobs.json", Path(folder) / "done.json"
        given = {"train": train, "jobs": [asdict(job) for job in jobs]}
        asked.write_text(json.dumps({**given, "device": device, "threads": threads}))
        code, errors = _ended(
            [sys.executable, "-P", "-m", "ablations.engine.worker.apart", str(asked), str(told)],
            Path(folder) / "errors.txt",
        )
        if told.exists():
            return [Done(**one) for one in json.loads(told.read_text())]
        if code == -signal.SIGKILL and jobs[-1].killed_after is not None:
            return [Done(epochs=_told_epochs(jobs[-1]))]
        last = (errors.strip().splitlines() or ["it printed nothing"])[-1]
        raise StudyError(f"the process of a run died with exit code {code}: {last}.")


def _ended(command: list[str], errors: Path) -> tuple[int, str]:
    """The exit code of a process, and its last words; what it started ends with it."""
    with errors.open("wb") as file:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=file,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,
        )
        try:
            code = process.wait()
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    return code, errors.read_text(encoding="utf-8", errors="replace")


def _told_epochs(job: Job) -> list[dict[str, Any]]:
    """The epochs that a run told of before it was killed."""
    path = Path(job.folder) / str(job.attempt) / EPOCHS
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _run(train: str, job: Job, *, device: str, threads: int) -> Done:
    folder = Path(job.folder)
    attempt = folder / str(job.attempt)
    attempt.mkdir(parents=True, exist_ok=True)
    heard = _Heard(attempt / EPOCHS, killed_after=job.killed_after)
    context = ContextHere(
        run=job.run,
        folder=folder,
        attempt_folder=attempt,
        device=device,
        threads=threads,
        on_epoch=heard.epoch,
        on_beat=heard.step,
        checkpoint_seconds=CHECKPOINT_SECONDS if job.killed_after is None else 0.0,
        checkpoint_minutes=CHECKPOINT_MINUTES if job.killed_after is None else 0.0,
        attempt=job.attempt,
    )
    measured, error = None, None
    try:
        measured = load(train)(job.settings, context)
    except Exception as failure:
        error = describe(failure)
    return Done(
        measured=measured,
        epochs=heard.epochs,
        second_epoch=heard.moments[1] - heard.moments[0] if len(heard.moments) > 1 else 0.0,
        steps=heard.steps,
        error=error,
        peak_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT,
        gpu_peak_bytes=_gpu_peak(),
    )


class _Heard:
    """What a run told, and its death where one was asked for."""

    def __init__(self, path: Path, *, killed_after: float | None) -> None:
        self._path, self._killed_after = path, killed_after
        self.epochs: list[dict[str, Any]] = []
        self.moments: list[float] = []
        self.steps = 0

    def step(self) -> None:
        if self.epochs:
            self.steps += 1
            if self.steps > 1:
                self._die()

    def epoch(self, record: dict[str, Any]) -> None:
        if self.epochs:
            self._die()
        self.epochs.append(record)
        self.moments.append(time.monotonic())
        append_lines(self._path, [record], sync=False)
        if self._killed_after == 0:
            self._die()
        if self._killed_after is not None and math.isfinite(self._killed_after):
            clock = threading.Timer(self._killed_after, self._die)
            clock.daemon = True
            clock.start()

    def _die(self) -> None:
        if self._killed_after is not None:
            os.kill(os.getpid(), signal.SIGKILL)


def _gpu_peak() -> int | None:
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return None
    return int(torch.cuda.max_memory_allocated())


def _main() -> None:
    asked, told = map(Path, sys.argv[1:])
    given = json.loads(asked.read_text())
    how = {"device": given["device"], "threads": given["threads"]}
    done = [_run(given["train"], Job(**job), **how) for job in given["jobs"]]
    told.write_text(json.dumps([asdict(one) for one in done]))


if __name__ == "__main__":
    _main()
