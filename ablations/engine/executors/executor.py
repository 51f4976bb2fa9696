"""What the supervisor asks of an executor: places for runs, and what happens on them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ablations.context import CHECKPOINT_MINUTES
from ablations.engine.records.folder import USUAL_METRIC, USUAL_METRICS
from ablations.engine.worker.context import Verdict


@dataclass(frozen=True, kw_only=True)
class Job:
    """One attempt at a run, as it is given to a worker."""

    run: str
    arm: str
    """Id of the run's arm: runs of one arm are best put together where a worker serves several."""
    attempt: int
    folder: str
    """The run's folder, absolute."""
    settings: dict[str, Any]
    train: str
    """Import path of the function that trains, `package.module:function`."""
    metric: str = USUAL_METRIC
    """The number that a result must have."""
    metrics: Sequence[str] = USUAL_METRICS
    """The numbers that it has, or null."""
    checkpoint_minutes: float = CHECKPOINT_MINUTES
    """Age of the last checkpoint at which one is written within an epoch."""
    ask: bool = False
    """Whether each epoch waits for an answer (`Executor.answer`)."""
    alone: bool = False
    """Whether nothing else may be on the device meanwhile (after it ran out of memory)."""
    apart: bool = False
    """Whether its worker may serve nothing else meanwhile: an attempt of it failed in a worker that it may
    have shared."""


@dataclass(frozen=True)
class Epoch:
    """A run ended an epoch."""

    run: str
    attempt: int
    record: dict[str, Any]


@dataclass(frozen=True)
class Beat:
    """A run makes progress."""

    run: str
    attempt: int


@dataclass(frozen=True)
class Ended:
    """An attempt is over and its worker said so; `state` is a result's state or HANDED_BACK."""

    run: str
    attempt: int
    state: str


@dataclass(frozen=True)
class Lost:
    """An attempt is over because its worker died."""

    run: str
    attempt: int
    exit_code: int | None
    tail: str = ""
    """The end of what the worker printed."""
    out_of_memory: bool = False
    """Whether the system killed it because memory was short."""


@dataclass(frozen=True)
class Unwritten:
    """An attempt is over, and its outcome could not be written: the disk is full, most likely."""

    run: str
    attempt: int
    error: dict[str, Any] = field(default_factory=dict)
    errno: int | None = None


Message = Epoch | Beat | Ended | Lost | Unwritten


class Executor(Protocol):
    """Places runs on slots, isolates them and says what becomes of them."""

    @property
    def slots(self) -> tuple[str, ...]:
        """The names of the places, of which each has one run at a time."""

    def room(self, *, alone: bool = False, apart: bool = False) -> bool:
        """Whether a run could start now; `alone`: with nothing else on its device; `apart`: in its worker."""

    def start(self, job: Job) -> str:
        """Start a run on a free slot and return the slot's name."""

    def answer(self, run: str, verdict: Verdict) -> None:
        """Answer an epoch of a run whose job asks."""

    def stop(self) -> None:
        """Ask all runs to hand themselves back."""

    def kill(self, run: str) -> None:
        """End a run by force; `Lost` follows."""

    def adopt(self, run: str, attempt: int) -> str | None:
        """The slot of an attempt that another supervisor started and that still goes on.

        None where it does not: it is lost. Its messages come from `poll` from now on.
        """

    def poll(self, timeout: float) -> list[Message]:
        """What happened since the last call; waits up to `timeout` seconds for something."""

    def close(self) -> None:
        """End all workers."""
