"""How a worker process and its runs speak with the supervisor: one pipe, and a channel for each run."""

import json
import os
import queue
import signal
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
        self.told_to_stop = False
        """Whether it was the supervisor that asked."""
        self._channels: dict[str, PipeChannel] = {}
        self._commands = _own_standard_input()
        self._descriptor = descriptor
        self._write = threading.Lock()
        os.register_at_fork(
            before=_block_sigterm, after_in_parent=_unblock_sigterm, after_in_child=self._leave
        )

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
        for line in os.fdopen(self._commands, "rb"):
            command = json.loads(line)
            match command["do"]:
                case "run":
                    self._channels[command["run"]] = PipeChannel(self)
                    self.jobs.put(command)
                case "prepare":
                    self.jobs.put(command)
                case "stop":
                    self.told_to_stop = True
                    self.stop()
                case answer:
                    if channel := self._channels.get(command["run"]):
                        channel.answer(answer)
        _end()

    def _leave(self) -> None:
        """In a forked child, a loader's worker say: the pipes are its parent's, and SIGTERM ends it."""
        # Open in a child that outlives this process, it would hide from the supervisor that this one died.
        os.close(self._descriptor)
        os.close(self._commands)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        _unblock_sigterm()


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


def _own_standard_input() -> int:
    """A descriptor of standard input that nobody else reads; what reads `sys.stdin` finds its end.

    The thread that waits for commands would otherwise hold the lock of `sys.stdin`, and a forked child of
    `multiprocessing`, which closes `sys.stdin` first, would wait for that lock for ever.
    """
    own = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return own


def _block_sigterm() -> None:
    """Before a fork: CPython forgets a signal that reaches the child before it is fully there."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])


def _unblock_sigterm() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])


def _end() -> None:
    """End at once, with everything this process started: nobody is left to speak to."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
