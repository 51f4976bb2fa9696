"""One attempt at a run, from its settings to its `result.json`, inside a worker."""

import errno
import gc
import importlib
import os
import socket
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Literal

from ablations.context import Context
from ablations.engine.records.files import encode, read_lines, write_once
from ablations.engine.records.folder import now
from ablations.engine.worker.context import (
    HandedBack,
    Pruned,
    RunContext,
    finite,
    refuse_nonfinite,
)
from ablations.engine.worker.place import is_of_the_place
from ablations.errors import StudyError
from ablations.failures import line_of, told_by
from ablations.import_path import find_own_modules

State = Literal["COMPLETE", "PRUNED", "FAILED"]
Train = Callable[[dict[str, Any], Context], dict[str, Any]]

TRACEBACK_LINES = 30
TRACEBACK_CHARACTERS = 20_000
PROBE_BYTES = 2**20
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
# What Lightning raises on SIGTERM (a SystemExit with code 0): the machine is taken, no result.
PREEMPTED = ("SIGTERMException",)
TEST = "test.json"
VERSIONED = ("torch", "lightning", "numpy")


def attempt(job: dict[str, Any], context: RunContext) -> State | Literal["HANDED_BACK"]:
    """Train the run that a job names and write what came of it into the attempt's folder.

    Args:
        job: The message that starts a run (`docs/architecture.md`).
        context: The run's context.

    Returns:
        The state written; `HANDED_BACK`, of which nothing is written, where the run was stopped.

    Raises:
        OSError: The disk is full, or the outcome could not be written.
    """
    began, started = time.monotonic(), now()
    try:
        train = load(job["train"])
        context.beat()
        began = time.monotonic()  # what a fresh worker imports is no part of the run's time
        measured = _checked(_trained(train, job["settings"], context), job["metric"])
        _set_apart(measured, context)
        outcome: dict[str, Any] = {**measured, "state": "COMPLETE", "error": None}
    except Pruned:
        outcome = {"state": "PRUNED", **_so_far(context, job), "error": None}
    except HandedBack:
        return "HANDED_BACK"
    except BaseException as error:
        if context.stopping or type(error).__name__ in PREEMPTED:
            return "HANDED_BACK"
        if isinstance(error, OSError) and error.errno in DISK_FULL and _is_full(context):
            raise
        outcome = {"state": "FAILED", **_so_far(context, job), "error": describe(error)}
        if is_of_the_place(error):
            outcome["error"]["place"] = True
    seconds = time.monotonic() - began + _seconds_before(context, outcome)
    return _record(job, context, outcome, seconds=seconds, started=started)


def load(path: str) -> Train:
    """The function that `package.module:function` names.

    Raises:
        StudyError: There is no such function.
    """
    module, _, name = path.partition(":")
    find_own_modules()
    with _no_collection():
        found = getattr(importlib.import_module(module), name, None)
    if not callable(found):
        raise StudyError(f"`train` must name a function as package.module:function, got {path!r}.")
    return found  # type: ignore[no-any-return]


def _trained(train: Train, settings: dict[str, Any], context: Context) -> dict[str, Any]:
    """What the run measured, in this process: a fork of the run's own that comes back here says nothing for it."""
    own = os.getpid()
    try:
        return train(settings, context)
    finally:
        if os.getpid() != own:
            os._exit(1)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Importing torch and Lightning makes half a million objects; looking for garbage among them took a fifth."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def describe(error: BaseException) -> dict[str, Any]:
    """An exception as it stands in a result: type, message, the user's own line, the end of its traceback."""
    lines = "".join(traceback.format_exception(error)).splitlines()
    return {
        "type": type(error).__name__,
        "message": told_by(error),
        "line": line_of(error),
        "traceback": "\n".join(lines[-TRACEBACK_LINES:])[-TRACEBACK_CHARACTERS:],
        "exit_code": None,
    }


def _is_full(context: RunContext) -> bool:
    """Whether it is the study's own disk that takes nothing more, and not a folder for temporary files."""
    probe = context.attempt_folder / ".probe"
    try:
        probe.write_bytes(bytes(PROBE_BYTES))
        probe.unlink()
    except OSError:
        probe.unlink(missing_ok=True)
        return True
    return False


def _checked(measured: Any, metric: str) -> dict[str, Any]:
    """What a run measured, if there is a finite number in it that arms can be compared by."""
    value = measured.get(metric) if isinstance(measured, dict) else None
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(
            f"what a run returns must be a dict with a number named {metric}, "
            f"but it returned {measured!r:.200}"
        )
    refuse_nonfinite(measured)
    try:
        encode(finite(measured))
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"what a run returns must be numbers, texts, truth values and lists of these, but it returned "
            f"{measured!r:.200}: {error}"
        ) from None
    return dict(measured)


def _set_apart(measured: dict[str, Any], context: RunContext) -> None:
    """What the test set said goes to a file that nobody reads before the study asks for it."""
    if not isinstance(measured.get("test"), dict):
        return  # a number that a program calls so is one like others
    tested = measured.pop("test")
    if context.rank == 0:
        write_once(context.attempt_folder / TEST, finite(tested))


def _record(
    job: dict[str, Any],
    context: RunContext,
    outcome: dict[str, Any],
    *,
    seconds: float,
    started: str,
) -> State:
    state: State = outcome["state"]
    if context.rank == 0 or state == "FAILED":
        which = {"run": job["run"], "attempt": job["attempt"]}
        record = {
            **which,
            **dict.fromkeys(["epochs_run", *job["metrics"], "device"]),
            **finite(outcome),
            **which,  # whatever the program calls its numbers
            "seconds": seconds,
            "host": socket.gethostname(),
            "started": started,
            "ended": now(),
            "versions": dict(_versions()),
        }
        # False where the supervisor took this attempt for lost and said so: it stays lost.
        write_once(context.attempt_folder / "result.json", record)
    return state


def _seconds_before(context: RunContext, outcome: dict[str, Any]) -> float:
    """Of the epochs, and the part of one, that earlier attempts trained and this one went on from."""
    first = context.first_epoch or (outcome.get("epochs_run") or 0) + 1
    seconds: dict[int, float] = {}
    for number in range(1, context.attempt):
        for record in read_lines(context.folder / str(number) / "epochs.jsonl", skip_damaged=True):
            took = record.get("seconds")
            seconds[record.get("epoch", 0)] = took if isinstance(took, float) else 0.0
    whole = sum(took for epoch, took in seconds.items() if epoch < first)
    return whole + context.seconds_within


def _so_far(context: RunContext, job: dict[str, Any]) -> dict[str, Any]:
    last = context.last or {}
    return {
        "epochs_run": last.get("epoch", 0),
        **{name: last.get(name) for name in job["metrics"]},
        "device": context.device,
    }


def _versions() -> tuple[tuple[str, str], ...]:
    loaded = tuple(name for name in VERSIONED if name in sys.modules)
    return (("python", sys.version.split()[0]), *_installed(loaded))


@cache
def _installed(names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    if not names:
        return ()
    from importlib.metadata import PackageNotFoundError, version  # imports all of `email`

    found = []
    for name in names:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            continue
    return tuple(found)
