"""What numpy, torch and `random` hold for a whole process and a run may change; none of them is imported for it."""

import random
import sys
from collections.abc import Callable
from typing import Any

from ablations.engine.worker.interpreter_state import Keep, PutBack

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
    threads = None if torch is None else torch.get_num_threads()

    def put_back() -> None:
        torch = sys.modules.get("torch")
        if torch is None:
            return
        for was, (_, read, write) in zip(kept, TORCH, strict=True):
            if read(torch) != was:
                write(torch, was)
        if threads is not None and torch.get_num_threads() != threads:
            torch.set_num_threads(threads)

    return put_back


def _numpy() -> PutBack:
    numpy = sys.modules.get("numpy")
    kept = NUMPY if numpy is None else numpy.geterr()

    def put_back() -> None:
        if (numpy := sys.modules.get("numpy")) is not None:
            numpy.seterr(**kept)

    return put_back


def _draws() -> PutBack:
    """The random states that programs share begin anew, as in a process of the run's own.

    Put back as they were, two runs that seed nothing would draw the same numbers, and their seeds would not differ.
    """

    def put_back() -> None:
        random.seed()
        if (drawing := sys.modules.get("numpy.random")) is not None:
            drawing.seed()
        if (torch := sys.modules.get("torch")) is not None:
            torch.default_generator.seed()
            if torch.cuda.is_initialized():
                torch.cuda.seed_all()

    return put_back


PARTS: tuple[Keep, ...] = (_torch, _numpy, _draws)
