"""What numpy, torch and `random` hold for a whole process and a run may change; none of them is imported for it."""

import os
import random
import sys
from collections.abc import Callable
from typing import Any

from ablations.engine.worker.interpreter_state import Keep, PutBack
from ablations.first_import import when_imported

Read = Callable[[Any], Any]
Write = Callable[[Any, Any], object]
TORCH: tuple[tuple[Any, Read, Write], ...] = (
    ("torch.float32", lambda t: str(t.get_default_dtype()),
     lambda t, dtype: t.set_default_dtype(getattr(t, dtype.removeprefix("torch.")))),
    # None where it is the usual one: with any device that is set, each call passes through a function more.
    ("cpu", lambda t: str(t.get_default_device()),
     lambda t, device: t.set_default_device(None if device == "cpu" else device)),
    (0, lambda t: t.get_deterministic_debug_mode(), lambda t, mode: t.set_deterministic_debug_mode(mode)),
    ("highest", lambda t: t.get_float32_matmul_precision(), lambda t, how: t.set_float32_matmul_precision(how)),
    (True, lambda t: t.is_grad_enabled(), lambda t, on: t.set_grad_enabled(on)),
    (False, lambda t: t.is_anomaly_enabled(), lambda t, on: t.autograd.set_detect_anomaly(on)),
    (False, lambda t: t.backends.cudnn.benchmark, lambda t, on: setattr(t.backends.cudnn, "benchmark", on)),
    (False, lambda t: t.backends.cudnn.deterministic, lambda t, on: setattr(t.backends.cudnn, "deterministic", on)),
)  # fmt: skip
"""As what torch starts (a run may be the first to import it), how each is read, and how it is written."""
NUMPY = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}
"""The answers to floating-point errors that numpy starts with."""


def _torch() -> PutBack:
    torch = sys.modules.get("torch")
    kept = [start if torch is None else read(torch) for start, read, _ in TORCH]
    threads = _threads_at_start() if torch is None else torch.get_num_threads()

    def put_back() -> None:
        torch = sys.modules.get("torch")
        if torch is None:
            return
        for was, (_, read, write) in zip(kept, TORCH, strict=True):
            if read(torch) != was:
                write(torch, was)
        if threads and torch.get_num_threads() != threads:
            torch.set_num_threads(threads)

    return put_back


def _threads_at_start() -> int:
    """That torch will start with; 0 where nobody said it."""
    named = os.environ.get("OMP_NUM_THREADS", "")
    return int(named) if named.isdecimal() else 0


def _numpy() -> PutBack:
    numpy = sys.modules.get("numpy")
    kept = NUMPY if numpy is None else numpy.geterr()

    def put_back() -> None:
        if (numpy := sys.modules.get("numpy")) is not None:
            numpy.seterr(**kept)

    return put_back


PARTS: tuple[Keep, ...] = (_torch, _numpy)


def draw_anew() -> None:
    """The random states that programs share begin anew, as in a process of the run's own.

    torch's, which begins with one number in every process, also where a run is the first to import it. Put back as
    they were, two runs that seed nothing would draw the same numbers, and their seeds would not differ.
    """
    random.seed()
    if (drawing := sys.modules.get("numpy.random")) is not None:
        drawing.seed()
    # Of GPUs too, in use or not yet.
    when_imported("torch", lambda torch: torch.seed())
