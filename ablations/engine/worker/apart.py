"""Runs in a process of their own, without a study: what holds of a program is seen from outside of it."""

import json
import os
import resource
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ablations.engine.worker.attempt import describe, load
from ablations.engine.worker.context import HandedBack
from ablations.engine.worker.here import ContextHere
from ablations.errors import StudyError

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
    stop_after: int | None = None
    """The epoch after which it is asked to hand itself back; None lets it come to its end."""


@dataclass(frozen=True, kw_only=True)
class Done:
    """What came of it."""

    measured: dict[str, Any] | None = None
    """None where it was handed back, or failed."""
    epochs: list[dict[str, Any]] = field(default_factory=list)
    error: dict[str, Any] | None = None
    """As a result has it: type, message, traceback."""
    peak_bytes: int = 0
    """Of the process's memory until then."""
    gpu_peak_bytes: int | None = None


def runs_apart(train: str, jobs: list[Job], *, device: str, threads: int = 1) -> list[Done]:
    """Run jobs one after another in one fresh process, from the current folder.

    Raises:
        StudyError: If the process dies.
    """
    with tempfile.TemporaryDirectory() as folder:
        asked, told = Path(folder) / "jobs.json", Path(folder) / "done.json"
        given = {"train": train, "jobs": [asdict(job) for job in jobs]}
        asked.write_text(json.dumps({**given, "device": device, "threads": threads}))
        process = subprocess.run(
            [sys.executable, "-m", "ablations.engine.worker.apart", str(asked), str(told)],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            check=False,
        )
        if not told.exists():
            last = (process.stderr.strip().splitlines() or ["it printed nothing"])[-1]
            raise StudyError(
                f"the process of a run died with exit code {process.returncode}: {last}."
            )
        return [Done(**one) for one in json.loads(told.read_text())]


def _run(train: str, job: Job, *, device: str, threads: int) -> Done:
    folder = Path(job.folder)
    attempt = folder / str(job.attempt)
    attempt.mkdir(parents=True, exist_ok=True)
    epochs: list[dict[str, Any]] = []

    def heard(record: dict[str, Any]) -> None:
        epochs.append(record)
        if job.stop_after is not None and record["epoch"] >= job.stop_after:
            raise HandedBack

    context = ContextHere(
        run=job.run,
        folder=folder,
        attempt_folder=attempt,
        device=device,
        threads=threads,
        on_epoch=heard,
        attempt=job.attempt,
    )
    measured, error = None, None
    try:
        measured = load(train)(job.settings, context)
    except HandedBack:
        pass
    except Exception as failure:
        error = describe(failure)
    return Done(
        measured=measured,
        epochs=epochs,
        error=error,
        peak_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT,
        gpu_peak_bytes=_gpu_peak(),
    )


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
