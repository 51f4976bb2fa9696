"""What the interpreter holds for a whole process and a run may change: each part is kept, and put back as it was."""

import gc
import locale
import logging
import os
import signal
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any

PutBack = Callable[[], None]
Keep = Callable[[], PutBack]


def _environment() -> PutBack:
    kept = dict(os.environ)

    def put_back() -> None:
        if dict(os.environ) == kept:
            return
        for name in os.environ.keys() - kept.keys():
            del os.environ[name]
        os.environ.update(kept)
        time.tzset()  # TZ is read when it is told to be

    return put_back


def _module_path() -> PutBack:
    kept = list(sys.path)

    def put_back() -> None:
        sys.path[:] = kept

    return put_back


def _warnings() -> PutBack:
    filters, show = list(warnings.filters), warnings.showwarning

    def put_back() -> None:
        if list(warnings.filters) != filters:
            warnings.resetwarnings()  # what was decided by the filters is forgotten
            warnings.filters.extend(filters)  # type: ignore[attr-defined]
        if warnings.showwarning is not show:
            logging.captureWarnings(False)
            warnings.showwarning = show

    return put_back


def _logging() -> PutBack:
    """Levels, handlers and filters; a logger that a run was the first to name gets none, and its files are closed."""
    disabled, kept = logging.root.manager.disable, {log: _of_logger(log) for log in _loggers()}

    def put_back() -> None:
        logging.disable(disabled)
        for log in _loggers():
            if _of_logger(log) == (was := kept.get(log, (log.level, [], [], True, False))):
                continue
            level, handlers, log.filters[:], log.propagate, log.disabled = was
            for handler in [one for one in log.handlers if one not in handlers]:
                log.removeHandler(handler)
                with suppress(Exception):  # of any kind, a user's own too
                    handler.close()
            log.handlers[:] = handlers
            log.setLevel(level)

    return put_back


def _loggers() -> list[logging.Logger]:
    named = list(logging.root.manager.loggerDict.values())
    return [logging.root, *(one for one in named if isinstance(one, logging.Logger))]


def _of_logger(
    log: logging.Logger,
) -> tuple[int, list[logging.Handler], list[Any], bool, bool]:
    return log.level, list(log.handlers), list(log.filters), log.propagate, log.disabled


def _signals() -> PutBack:
    """Also timers: a time limit that a run set itself would end a later one."""
    kept = {one: signal.getsignal(one) for one in signal.valid_signals()}

    def put_back() -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in kept.items():
            # None: not set from Python. SIGKILL and SIGSTOP have one that nobody sets.
            if handler is not None and signal.getsignal(number) != handler:
                with suppress(OSError):
                    signal.signal(number, handler)

    return put_back


def _processes() -> PutBack:
    """How `multiprocessing` starts processes, which a program may say once only."""
    found = sys.modules.get("multiprocessing")
    kept = None if found is None else found.get_start_method(allow_none=True)

    def put_back() -> None:
        if (found := sys.modules.get("multiprocessing")) is not None:
            found.set_start_method(kept, force=True)

    return put_back


def _limits() -> PutBack:
    depth, language = sys.getrecursionlimit(), locale.setlocale(locale.LC_ALL)

    def put_back() -> None:
        sys.setrecursionlimit(depth)
        if locale.setlocale(locale.LC_ALL) != language:
            locale.setlocale(locale.LC_ALL, language)
        gc.enable()

    return put_back


PARTS: tuple[Keep, ...] = (
    _environment, _module_path, _warnings, _logging, _signals, _processes, _limits,
)  # fmt: skip
