"""What a function that trains gets besides settings: the contract between subjects and the engine."""

from pathlib import Path
from typing import Any, Protocol

from ablations.lockstep import Lockstep

CHECKPOINT_SECONDS = 10.0
"""A checkpoint is written at the end of an epoch if the last one is older than this."""
CHECKPOINT_MINUTES = 10.0
"""And within an epoch, by a training that can go on there, if the last one is older than this."""


class Stopped(Exception):
    """The run was asked to hand itself back, and has written a checkpoint of where it is."""


class Context(Protocol):
    """What a run may use of its context; `engine.worker.context.RunContext` says what each is."""

    run: str
    folder: Path
    attempt_folder: Path
    attempt: int
    device: str
    threads: int
    rank: int
    world_size: int
    lockstep: Lockstep | None
    checkpoint_seconds: float
    checkpoint_minutes: float

    @property
    def stopping(self) -> bool:
        """Whether the run was asked to hand itself back."""

    def epoch(self, record: dict[str, Any]) -> None:
        """Take an epoch's record; raises to stop the run."""

    def beat(self) -> None:
        """Take note that the run makes progress."""
