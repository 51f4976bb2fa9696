"""A worker process: gets runs on its standard input, trains them, reports on a pipe.

It trains them one after another, or several at once in threads (`ablations.lockstep`) where the command says so.
Started by an executor as `python -m ablations.engine.worker.worker FD`; it ends when its standard input does.
"""

import os
import queue
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ablations.engine.worker.attempt import attempt, describe
from ablations.engine.worker.context import RunContext
from ablations.engine.worker.log import Log
from ablations.engine.worker.own_state import OwnState
from ablations.engine.worker.pipe import Pipe
from ablations.lockstep import Lockstep


def main(descriptor: int) -> None:
    """Serve runs until told to stop.

    Args:
        descriptor: Open for writing; messages to the supervisor go there.
    """
    pipe, log, lockstep = Pipe(descriptor), Log(), Lockstep()
    own = OwnState(on_sigterm=pipe.stop)
    listening = threading.Thread(target=pipe.listen, daemon=True)
    listening.start()
    pipe.send({"is": "ready"})
    threads: list[threading.Thread] = []
    processes = 1
    while (command := pipe.jobs.get()) is not None:
        if command["do"] == "prepare":
            own.make_ready(command["train"], {})
            continue
        own.restore()  # first: to print to a log, there must be streams
        if command["stack"] > 1:
            threads = [thread for thread in threads if thread.is_alive()]
            if not threads:  # and so once: threads that import the same packages at a time may see them half made
                own.make_ready(command["train"], command["settings"])
            threads.append(_serve_beside(command, pipe, log, lockstep))
        else:
            processes = command["world_size"]
            _serve(command, pipe, log, ready=own.make_ready)
    for thread in threads:
        thread.join()
    _hand_back_unserved(pipe)
    if pipe.told_to_stop and processes > 1:
        # The others of the run may be behind; a process that ends is taken for one that died. The supervisor
        # ends all of them, and with them this wait.
        listening.join()


def _serve(
    job: dict[str, Any],
    pipe: Pipe,
    log: Log,
    *,
    lockstep: Lockstep | None = None,
    ready: Callable[[str, dict[str, Any]], None] = lambda train, settings: None,
) -> None:
    context = RunContext(job, pipe.channel(job["run"]), lockstep=lockstep)
    with log.of(context.attempt_folder / _log_name(context.rank)):
        try:
            ready(job["train"], job["settings"])
            state = attempt(job, context)
            ended: dict[str, Any] = {"state": state}
        except OSError as error:
            ended = {"state": "UNWRITTEN", "error": describe(error), "errno": error.errno}
    message = {"is": "ended", "run": context.run, "attempt": context.attempt, **ended}
    pipe.end(context.run, message)


def _serve_beside(
    job: dict[str, Any], pipe: Pipe, log: Log, lockstep: Lockstep
) -> threading.Thread:
    """Serve a run in a thread of its own."""

    def serve() -> None:
        try:
            _serve(job, pipe, log, lockstep=lockstep)
        except BaseException:
            # As in the main thread; otherwise nobody would hear that the run is over.
            traceback.print_exc()
            os._exit(1)

    # A daemon: should the main thread fail, nothing keeps the process from ending.
    thread = threading.Thread(target=serve, name=job["run"], daemon=True)
    thread.start()
    return thread


def _hand_back_unserved(pipe: Pipe) -> None:
    """Give back the runs that were sent while this process was stopping."""
    with suppress(queue.Empty):
        while True:
            command = pipe.jobs.get_nowait()
            if command is not None and command["do"] == "run":
                told = {"run": command["run"], "attempt": command["attempt"]}
                pipe.end(command["run"], {"is": "ended", **told, "state": "HANDED_BACK"})


def _log_name(rank: int) -> str:
    return "log.txt" if rank == 0 else f"log.{rank}.txt"


if __name__ == "__main__":
    main(int(sys.argv[1]))
