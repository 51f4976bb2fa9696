"""A function tried out before any run: in a process of its own that is ended after a while, with seed 0, on a CPU."""

import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablations.context import CHECKPOINT_MINUTES, CHECKPOINT_SECONDS
from ablations.errors import NonFinite, SettingError
from ablations.failures import words_of
from ablations.import_path import load
from ablations.lockstep import Lockstep
from ablations.subjects.function.config import class_of_config
from ablations.subjects.function.reads import Reads
from ablations.subjects.function.run import call, check_metric
from ablations.subjects.program import Program
from ablations.subjects.values import nested

IMPORT_SECONDS = 60.0
"""For what the function's file imports."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What a call showed until it ended, or was ended.

    Attributes:
        epochs: Seconds from the call to each record.
        seconds: Of the whole call; None where it did not come to its end.
        read: The settings that it read; None where it makes an object of its config, which does not tell.
        refused: Why no run could be taken: what it measures is not what the space says.
        failed: What it raised, in words.
    """

    epochs: tuple[float, ...] = ()
    seconds: float | None = None
    read: frozenset[str] | None = frozenset()
    refused: str | None = None
    failed: str | None = None

    def run_seconds(self, epochs: int) -> float | None:
        """Of a run of so many epochs; the first may also set things up. None where nothing says."""
        if self.seconds is not None or not self.epochs:
            return self.seconds
        each = self.epochs[1] - self.epochs[0] if len(self.epochs) > 1 else self.epochs[0]
        return self.epochs[0] + (epochs - 1) * each


def tried(
    name: str, program: Program, arm: Mapping[str, Any], *, limit: float, records: int
) -> Trial:
    """Call the function with an arm.

    Args:
        name: Its import path.
        program: What the space says of it.
        arm: Its settings.
        limit: Seconds of the call after which its process is ended, with all that it started; what is imported
            before it may take a minute.
        records: Epochs after which it is not asked for more.
    """
    with tempfile.TemporaryDirectory() as folder:
        asked, told = Path(folder) / "asked.json", Path(folder) / "told.jsonl"
        (Path(folder) / "1").mkdir()
        content = {
            "subject": name,
            "program": program.model_dump(mode="json"),
            "arm": nested(arm),
            "records": records,
        }
        asked.write_text(json.dumps(content), encoding="utf-8")
        process = subprocess.Popen(
            [
                sys.executable,
                "-P",
                "-m",
                "ablations.subjects.function.trial",
                str(asked),
                str(told),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,
        )
        try:
            code = _ended(process, told, limit)
        finally:
            with suppress(ProcessLookupError):  # what it started may still be there
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        lines = told.read_text(encoding="utf-8").splitlines() if told.exists() else []
        return _trial([json.loads(line) for line in lines if line.endswith("}")], code)


def _ended(process: subprocess.Popen[bytes], told: Path, limit: float) -> int | None:
    """Its exit code; None where it is still there so long after its call began."""
    imported = time.monotonic() + IMPORT_SECONDS
    while not told.exists() and time.monotonic() < imported:
        with suppress(subprocess.TimeoutExpired):
            return process.wait(0.05)
    with suppress(subprocess.TimeoutExpired):
        return process.wait(limit)
    return None


def _trial(told: list[dict[str, Any]], code: int | None) -> Trial:
    found = {key: value for line in told for key, value in line.items()}
    failed = found.get("failed")
    if failed is None and code:
        failed = f"its process ended with exit code {code}"
    return Trial(
        epochs=tuple(line["epoch"] for line in told if "epoch" in line),
        seconds=found.get("seconds"),
        read=None if "object" in found else frozenset(x["read"] for x in told if "read" in x),
        refused=found.get("refused"),
        failed=failed,
    )


class _Enough(BaseException):
    """The trial has seen enough epochs; no `Exception`, so that a user's own handlers let it pass."""


@dataclass(kw_only=True)
class _Context:
    """What a run may use of its context (`ablations.context`), with nobody behind it."""

    folder: Path
    attempt_folder: Path
    tell: Any
    records: int
    run: str = "trial"
    attempt: int = 1
    device: str = "cpu"
    threads: int = 1
    rank: int = 0
    world_size: int = 1
    lockstep: Lockstep | None = None
    checkpoint_seconds: float = CHECKPOINT_SECONDS
    checkpoint_minutes: float = CHECKPOINT_MINUTES
    stopping: bool = False
    last: dict[str, Any] | None = None

    def epoch(self, record: dict[str, Any]) -> None:
        _refuse_nonfinite(record)
        self.last = record
        self.tell("epoch")
        self.records -= 1
        if self.records == 0:
            raise _Enough

    def beat(self) -> None:
        pass


def _check(measured: Mapping[str, Any], program: Program) -> None:
    """Refuse a run that ends without something that the space names."""
    _refuse_nonfinite(measured)
    whole = {**measured, **measured.get("test", {})}
    for one in program.metrics:
        check_metric(whole, one.name, when="the end")


def _refuse_nonfinite(measured: Mapping[str, Any]) -> None:
    for name, value in measured.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise NonFinite(f"`{name}` must be finite, but is {value}: the run diverged.")


def _main() -> None:
    asked, told = map(Path, sys.argv[1:])
    given = json.loads(asked.read_text(encoding="utf-8"))
    found = load(given["subject"])
    with told.open(
        "a", encoding="utf-8", buffering=1
    ) as file:  # that it is there says that the call begins
        _call(found, given, asked.parent, file)


def _call(found: Any, given: dict[str, Any], folder: Path, file: Any) -> None:
    seen: set[str] = set()

    def say(key: str, value: Any) -> None:
        file.write(json.dumps({key: value}) + "\n")

    def read(setting: str) -> None:
        if setting not in seen:
            seen.add(setting)
            say("read", setting)

    def passed(key: str) -> None:
        say(key, time.perf_counter() - began)

    context = _Context(
        folder=folder, attempt_folder=folder / "1", tell=passed, records=given["records"]
    )
    arm = given["arm"]
    if class_of_config(found) is None:
        arm = Reads(arm, read)
    else:
        say("object", True)
    began = time.perf_counter()
    try:
        program = Program(**given["program"])
        measured = call(found, program, arm, seed=0, context=context)
        _check(measured, program)
        passed("seconds")
    except _Enough:
        pass
    except (SettingError, NonFinite) as error:
        say("refused", str(error))
    except Exception as error:
        say("failed", words_of(error))


if __name__ == "__main__":
    _main()
