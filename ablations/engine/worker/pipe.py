"""How a worker process and its runs speak with the supervisor: one pipe, and a channel for each run."""

import json
import os
import queue
import signal
import sys
import threading
from typing import Any

from ablations.engine.worker.context import Verdict


class Pipe:
    """Commands from standard input, messages to a pipe; for all runs of this process."""

    def __init__(self, descriptor: int) -> None:
        # SimpleQueue: a signal handler may put into it while the main thread is inside `get`.
        self.jobs: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self.stopping = False
        """Whether the runs were asked to hand themselves back."""
        self._channels: dict[str, PipeChannel] = {}
        self._descriptor = descriptor
        self._write = threading.Lock()

    def channel(self, run: str) -> "PipeChannel":
        """The channel of a run that this process was told to serve."""
        return self._channels[run]

    def end(self, run: str, message: dict[str, Any]) -> None:
        """Say what became of a run; it gets no answers any more."""
        del self._channels[run]
        self.send(message)

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

    def stop(self) -> None:
        """Hand all runs back at their next epoch and take no other."""
        self.stopping = True
        # A copy, made in one step: this is called by a signal's handler too, which may wait for no lock.
        for channel in list(self._channels.values()):
            channel.answer("stop")
        self.jobs.put(None)

    def listen(self) -> None:
        """Take commands until standard input ends; then end this process and what it started."""
        for line in sys.stdin.buffer:
            command = json.loads(line)
            match command["do"]:
                case "run":
                    self._channels[command["run"]] = PipeChannel(self)
                    self.jobs.put(command)
                case "prepare":
                    self.jobs.put(command)
                case "stop":
                    self.stop()
                case answer:
                    if channel := self._channels.get(command["run"]):
                        channel.answer(answer)
        _end()


class PipeChannel:
    """What one run says and is told (`context.Channel`)."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._answers: queue.SimpleQueue[Verdict] = queue.SimpleQueue()

    @property
    def stopping(self) -> bool:
        """Whether the run was asked to hand itself back."""
        return self._pipe.stopping

    def send(self, message: dict[str, Any]) -> None:
        """Tell the supervisor."""
        self._pipe.send(message)

    def verdict(self) -> Verdict:
        """The answer to the epoch just sent; waits for it."""
        return self._answers.get()

    def answer(self, verdict: Verdict) -> None:
        """Pass on what the supervisor answered."""
        self._answers.put(verdict)


def _end() -> None:
    """End at once, with everything this process started: nobody is left to speak to."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
