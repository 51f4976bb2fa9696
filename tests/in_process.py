"""An executor without processes: each run is trained where it is started, and has ended when that returns."""

from dataclasses import asdict
from typing import Any

from ablations.engine.executors.executor import Ended, Epoch, Job, Message
from ablations.engine.worker.attempt import attempt
from ablations.engine.worker.context import RunContext, Verdict


class Heard:
    """The messages of one run."""

    stopping = False

    def __init__(self, job: Job, messages: list[Message]) -> None:
        self._job, self._messages = job, messages

    def send(self, message: dict[str, Any]) -> None:
        if message["is"] == "epoch":
            record = {k: v for k, v in message.items() if k not in ("is", "run", "attempt")}
            self._messages.append(Epoch(self._job.run, self._job.attempt, record))

    def verdict(self) -> Verdict:
        return "go"


class InProcess:
    """One slot, for functions that take no time."""

    slots = ("here",)

    def __init__(self) -> None:
        self._messages: list[Message] = []

    def prepare(self, train: str, *, runs: int) -> None:
        """Nothing is to be started."""

    def room(self, *, alone: bool = False, apart: bool = False) -> bool:
        return not self._messages

    def start(self, job: Job) -> str:
        told = {**asdict(job), "device": "cpu", "threads": 1}
        state = attempt(told, RunContext(told, Heard(job, self._messages)))
        self._messages.append(Ended(job.run, job.attempt, state))
        return "here"

    def answer(self, run: str, verdict: Verdict) -> None:
        """The run has gone on already."""

    def stop(self) -> None:
        """Nothing goes on."""

    def kill(self, run: str) -> None:
        """Nothing goes on."""

    def adopt(self, run: str, attempt: int) -> str | None:
        return None

    def poll(self, timeout: float) -> list[Message]:
        messages, self._messages[:] = list(self._messages), []
        return messages

    def close(self) -> None:
        """Nothing is open."""
