"""A worker process: gets runs on its standard input, trains them one after another, reports on a pipe.

Started by an executor as `python -m ablations.engine.worker FD`; it ends when its standard input does.
"""

import json
import os
import queue
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from ablations.engine.attempt import attempt, describe, load
from ablations.engine.context import RunContext, Verdict
from ablations.engine.files import PRIVATE_FILE


def main(descriptor: int) -> None:
    """Serve runs until told to stop.

    Args:
        descriptor: Open for writing; messages to the supervisor go there.
    """
    os.umask(0o077)
    pipe = PipeChannel(descriptor)
    # A scheduler that takes the machine back warns with SIGTERM: hand the run back.
    signal.signal(signal.SIGTERM, lambda *_: pipe.stop())
    threading.Thread(target=pipe.listen, daemon=True).start()
    pipe.send({"is": "ready"})
    while (command := pipe.jobs.get()) is not None:
        if command["do"] == "prepare":
            _prepare(command["train"])
        else:
            _serve(command, pipe)


class PipeChannel:
    """Commands from standard input, messages to a pipe."""

    def __init__(self, descriptor: int) -> None:
        # SimpleQueue: a signal handler may put into it while the main thread is inside `get`.
        self.jobs: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[Verdict] = queue.SimpleQueue()
        self._stopping = False
        self._descriptor = descriptor
        self._write = threading.Lock()

    @property
    def stopping(self) -> bool:
        """Whether the run was asked to hand itself back."""
        return self._stopping

    def send(self, message: dict[str, Any]) -> None:
        """Tell the supervisor."""
        line = json.dumps(message, separators=(",", ":")).encode() + b"\n"
        try:
            with self._write:
                while line:
                    line = line[os.write(self._descriptor, line) :]
        except BrokenPipeError:
            # The supervisor died. Raised in the run, this would be recorded as the run's fault.
            _end()

    def verdict(self) -> Verdict:
        """The answer to the epoch just sent; waits for it."""
        return self._answers.get()

    def stop(self) -> None:
        """Hand the run back at its next epoch and take no other."""
        self._stopping = True
        self._answers.put("stop")
        self.jobs.put(None)

    def listen(self) -> None:
        """Take commands until standard input ends; then end this process and what it started."""
        for line in sys.stdin.buffer:
            command = json.loads(line)
            match command["do"]:
                case "run":
                    self._answers = queue.SimpleQueue()
                    self.jobs.put(command)
                case "prepare":
                    self.jobs.put(command)
                case "stop":
                    self.stop()
                case answer:
                    self._answers.put(answer)
        _end()


def _prepare(train: str) -> None:
    # What is wrong with the function is said by the first run that needs it.
    with suppress(Exception):
        load(train)


def _serve(job: dict[str, Any], pipe: PipeChannel) -> None:
    context = RunContext(job, pipe)
    _print_to(context.attempt_folder / _log_name(context.rank))
    try:
        state = attempt(job, context)
        ended: dict[str, Any] = {"state": state}
    except OSError as error:
        ended = {"state": "UNWRITTEN", "error": describe(error), "errno": error.errno}
    pipe.send({"is": "ended", "run": context.run, "attempt": context.attempt, **ended})


def _end() -> None:
    """End at once, with everything this process started: nobody is left to speak to."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def _log_name(rank: int) -> str:
    return "log.txt" if rank == 0 else f"log.{rank}.txt"


def _print_to(path: Path) -> None:
    """Send everything this process prints from now on to a file, C libraries' messages included."""
    sys.stdout.flush()
    sys.stderr.flush()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE_FILE)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)


if __name__ == "__main__":
    main(int(sys.argv[1]))
