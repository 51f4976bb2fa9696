"""Whether a run whose attempts failed is tried again, and how."""

import re
import signal
from collections.abc import Sequence
from typing import Any, Literal

from ablations.engine.records.folder import UNUSABLE

Kind = Literal["deterministic", "memory", "infrastructure", "place", "unusable"]
"""`place`: the machine lacks something now that another, or this one later, has."""
Again = Literal["again", "apart", "alone"]
"""Like any other run; in a worker that serves nothing else; with nothing else on the device."""
Decision = Literal["commit", "leave"] | Again
"""`leave`: without an outcome, for another session."""

WORKER_DIED = "WorkerDied"
HANG = "Hang"
STACK_FAILED = "StackFailed"
"""Of `stacking.step`: another run's fault, perhaps, or too many together. By itself it will be seen."""

# The fault of the machine or of another process, not of the run.
INFRASTRUCTURE = frozenset(
    {
        WORKER_DIED,
        HANG,
        "ConnectionError",
        "ConnectionResetError",
        "BrokenPipeError",
        "TimeoutError",
        "DistBackendError",
        "DistNetworkError",
    }
)
MEMORY = frozenset({"MemoryError", "OutOfMemoryError"})
# CUDA's and torch's own allocators raise a RuntimeError that says it.
SAID_OF_MEMORY = ("out of memory", "can't allocate memory", "cannot allocate memory")
MEMORY_TRIES = 2
OTHERS = re.compile(r"Process \d+ has .* memory in use")
"""CUDA's message where another process holds memory of the device."""


def decide(failures: Sequence[dict[str, Any]], *, retries: int) -> Decision:
    """What to do with a run that has failed and has no other outcome.

    A deterministic error would come again: it is committed. Out of memory is tried once more, with nothing else on
    the device; where others may have taken the memory, the run is left to the next session then. So is at once a
    fault of the place (no such device, a package or a file that is not there): it would come again here, but is no
    outcome of the run. Infrastructure faults are tried again `retries` times, apart: a run that ends its worker each
    time would end others with it again and again.

    Args:
        failures: The `error` of each failed attempt, in order; attempts that were handed back or
            whose supervisor died have none and do not count.
        retries: Further attempts after infrastructure faults.
    """
    if not failures:
        return "again"
    kinds = [classify(error) for error in failures]
    match kinds[-1]:
        case "place":
            return "leave"
        case "deterministic":
            return "commit"
        case "unusable":
            # There is nothing to commit; a disk may have spoilt it, or the training writes it so each time.
            return "again" if kinds.count("unusable") <= retries else "leave"
        case "memory":
            if kinds.count("memory") % MEMORY_TRIES:
                return "alone"
            return "leave" if is_of_others(failures[-1]) else "commit"
        case "infrastructure":
            if kinds.count("infrastructure") > retries:
                return "commit"
            return "alone" if "memory" in kinds else "apart"


def classify(error: dict[str, Any]) -> Kind:
    """The class of an error as it stands in a result."""
    kind, message = str(error.get("type")), str(error.get("message"))
    if error.get("place"):
        return "place"
    if kind == UNUSABLE:
        return "unusable"
    if kind == STACK_FAILED:
        return "infrastructure"
    if kind in MEMORY or any(words in message.lower() for words in SAID_OF_MEMORY):
        return "memory"
    return "infrastructure" if kind in INFRASTRUCTURE else "deterministic"


def is_of_others(error: dict[str, Any]) -> bool:
    """Whether memory was short because others had it, as far as can be told."""
    return error.get("type") == WORKER_DIED or OTHERS.search(str(error.get("message"))) is not None


def died(exit_code: int | None, tail: str, *, out_of_memory: bool = False) -> dict[str, Any]:
    """The error of an attempt whose worker died.

    Args:
        exit_code: As `subprocess` gives it: negative for a signal.
        tail: The end of what the worker printed.
        out_of_memory: Whether the system killed it because memory was short.
    """
    why = ": the machine was out of memory" if out_of_memory else ""
    return {
        "type": WORKER_DIED,
        "message": f"the worker {_how(exit_code)}{why}",
        "traceback": tail,
        "exit_code": exit_code,
    }


def hung(seconds: float, exit_code: int | None, tail: str) -> dict[str, Any]:
    """The error of an attempt that was killed because it made no progress."""
    return {
        "type": HANG,
        "message": f"no progress for {seconds:g} s; the worker was killed",
        "traceback": tail,
        "exit_code": exit_code,
    }


def _how(exit_code: int | None) -> str:
    if exit_code is None:
        return "disappeared"
    if exit_code >= 0:
        return f"exited with code {exit_code}"
    try:
        return f"was killed by {signal.Signals(-exit_code).name}"
    except ValueError:
        return f"was killed by signal {-exit_code}"
