"""What a run gets besides its settings: where to write, what to compute on, and how to report."""

import math
import time
from pathlib import Path
from typing import Any, Literal, Protocol

from ablations.context import CHECKPOINT_MINUTES, CHECKPOINT_SECONDS
from ablations.engine.records.files import append_lines
from ablations.errors import NonFinite
from ablations.lockstep import Lockstep

Verdict = Literal["go", "prune", "stop"]

BEAT_SECONDS = 1.0


class Pruned(Exception):
    """The search gave this run up; raised by `RunContext.epoch`."""


class HandedBack(Exception):
    """The study is being stopped; the run goes on from its checkpoint another time."""


class Channel(Protocol):
    """How a run speaks with the supervisor: a pipe, or files where they share no machine."""

    def send(self, message: dict[str, Any]) -> None:
        """Tell the supervisor."""

    def verdict(self) -> Verdict:
        """The answer to the epoch just sent; waits for it."""

    @property
    def stopping(self) -> bool:
        """Whether the run was asked to hand itself back."""


class RunContext:
    """The engine's side of `train(settings, context)`.

    Attributes:
        run: Id of the run.
        attempt: Number of the attempt, from 1.
        folder: The run's folder; a checkpoint in it is found by the next attempt.
        attempt_folder: This attempt's own folder.
        device: A torch device, for example `cpu` or `cuda:0`.
        threads: Threads to compute with.
        rank: Rank in the run's process group; 0 where the run is one process.
        world_size: Processes of the run. Where more than one, `RANK`, `WORLD_SIZE`, `MASTER_ADDR`
            and `MASTER_PORT` are set as `torch.distributed` reads them, and *every* rank must
            call `epoch`, so that all stop after the same one.
        first_epoch: Number of the first epoch that this attempt trained; None before its end.
        last: The last epoch's record; None before the first.
        lockstep: Where runs of one process meet to train in step; None where a run has its process to
            itself.
        checkpoint_seconds: Least age of the last checkpoint before one is written at an epoch's end.
        checkpoint_minutes: Age of the last checkpoint at which one is written within an epoch, by a training
            that can go on there.
        seconds_within: Of the first epoch, what an earlier attempt spent on it before this one went on.
    """

    checkpoint_seconds = CHECKPOINT_SECONDS

    def __init__(
        self, job: dict[str, Any], channel: Channel, *, lockstep: Lockstep | None = None
    ) -> None:
        self.run: str = job["run"]
        self.attempt: int = job["attempt"]
        self.folder = Path(job["folder"])
        self.attempt_folder = self.folder / str(self.attempt)
        self.device: str = job["device"]
        self.threads: int = job["threads"]
        self.rank: int = job.get("rank", 0)
        self.world_size: int = job.get("world_size", 1)
        self.first_epoch: int | None = None
        self.last: dict[str, Any] | None = None
        self.lockstep = lockstep
        self.checkpoint_minutes: float = job.get("checkpoint_minutes", CHECKPOINT_MINUTES)
        self.seconds_within = 0.0
        self._began = time.monotonic()
        self._asks: bool = job["ask"] or self.world_size > 1
        self._channel = channel
        self._beat = -math.inf

    @property
    def stopping(self) -> bool:
        """Whether the run was asked to hand itself back.

        `epoch` raises then anyway; a trainer that writes no checkpoint at every epoch looks here
        first and writes one.
        """
        return self._channel.stopping

    def beat(self) -> None:
        """Say that the run makes progress, in an epoch that takes long; cheap, call it every step.

        A run that neither beats nor ends an epoch for the supervisor's `hang_timeout` is killed.
        """
        moment = time.monotonic()
        if moment - self._beat >= BEAT_SECONDS:
            self._beat = moment
            self._say({"is": "beat"})

    def epoch(self, record: dict[str, Any]) -> None:
        """Report a finished epoch.

        Args:
            record: `epoch` (from 1), `train_loss`, `val_loss`, `val_accuracy`, `learning_rate`,
                `seconds`; plain numbers.

        Raises:
            NonFinite: A number of the record is not finite.
            Pruned: The search gave the run up.
            HandedBack: The study is being stopped.
        """
        told = finite(record)
        if self.rank == 0:  # refuses what JSON has no word for
            append_lines(self.attempt_folder / "epochs.jsonl", [told], sync=False)
        self.last = told
        if self.first_epoch is None:
            self.first_epoch = record["epoch"]
            here = time.monotonic() - self._began
            self.seconds_within = max(0.0, (told.get("seconds") or 0.0) - here)
        self._say({**told, "is": "epoch"})  # whatever a program calls its numbers
        refuse_nonfinite(record)
        match self._verdict():
            case "prune":
                raise Pruned
            case "stop":
                raise HandedBack
            case "go":
                return

    def _verdict(self) -> Verdict:
        if self._asks:
            return self._channel.verdict()
        return "stop" if self._channel.stopping else "go"

    def _say(self, message: dict[str, Any]) -> None:
        self._channel.send({**message, "run": self.run, "attempt": self.attempt})


def finite(record: dict[str, Any]) -> dict[str, Any]:
    """The record with every NaN and infinity as None, as it is written."""
    return {
        name: None if _is_nonfinite(_as_float(value)) else value for name, value in record.items()
    }


def refuse_nonfinite(record: dict[str, Any]) -> None:
    """Raise `NonFinite` where a number of the record is NaN or infinite."""
    read = {name: _as_float(value) for name, value in record.items()}
    wrong = {name: value for name, value in read.items() if _is_nonfinite(value)}
    if wrong:
        name, value = next(iter(wrong.items()))
        where = f" in epoch {record['epoch']}" if "epoch" in record else ""
        raise NonFinite(f"`{name}` must be finite, but is {value}{where}: the run diverged.")


def _is_nonfinite(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _as_float(value: Any) -> Any:
    """A whole number that is larger than any float as infinity, which it would be to every reader."""
    if isinstance(value, int):
        try:
            float(value)
        except OverflowError:
            return math.inf if value > 0 else -math.inf
    return value
