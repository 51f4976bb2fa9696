"""Torch's options, which hold for a whole process: read, written, and put back as they were."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Read = Callable[[Any], Any]
Write = Callable[[Any, Any], object]
OPTIONS: tuple[tuple[Any, Read, Write], ...] = (
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
WITH_DETERMINISTIC = "CUBLAS_WORKSPACE_CONFIG"
"""A variable of the environment that Lightning sets where its Trainer is to be deterministic."""


def keep_options() -> Callable[[], None]:
    """Notes the options and the number of threads; gives what puts them back."""
    torch = sys.modules.get("torch")
    kept = [start if torch is None else read(torch) for start, read, _ in OPTIONS]
    threads = _threads_at_start() if torch is None else torch.get_num_threads()

    def put_back() -> None:
        torch = sys.modules.get("torch")
        if torch is None:
            return
        for was, (_, read, write) in zip(kept, OPTIONS, strict=True):
            if read(torch) != was:
                write(torch, was)
        if threads and torch.get_num_threads() != threads:
            torch.set_num_threads(threads)

    return put_back


def _threads_at_start() -> int:
    """That torch will start with; 0 where nobody said it."""
    named = os.environ.get("OMP_NUM_THREADS", "")
    return int(named) if named.isdecimal() else 0


@contextmanager
def options_kept() -> Iterator[None]:
    """A training in the caller's own process leaves torch's options there as they were."""
    put_back, variable = keep_options(), os.environ.get(WITH_DETERMINISTIC)
    try:
        yield
    finally:
        put_back()
        if variable is None:
            os.environ.pop(WITH_DETERMINISTIC, None)
        else:
            os.environ[WITH_DETERMINISTIC] = variable
