"""What the executors of clusters share: slots that are told commands, what runs on them, the processes of a run."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Generic, TypeVar

from ablations.engine.executors.executor import Ended, Job, Lost, Message, Unwritten
from ablations.engine.worker.context import Verdict
from ablations.errors import SettingError


@dataclass
class ClusterSlot(ABC):
    """A place for one run at a time, on whatever machine the scheduler chose."""

    name: str
    is_up: bool = False
    job: Job | None = None

    @abstractmethod
    def tell(self, command: dict[str, Any]) -> None:
        """Send a command to the slot's server, which obeys it (`SlotServer.obey`)."""

    def start(self, job: Job) -> None:
        """Start the run that the slot was given."""
        self.tell({"do": "start", "job": asdict(job)})

    def heard(self, messages: Sequence[Message]) -> None:
        """Take note of what its run said; the slot is free where the run has ended."""
        if any(isinstance(message, Ended | Lost | Unwritten) for message in messages):
            self.job = None

    def lose(self, why: str) -> list[Message]:
        """The run that was on it is lost; nothing where there was none."""
        job, self.job = self.job, None
        return [Lost(job.run, job.attempt, None, why)] if job is not None else []


S = TypeVar("S", bound=ClusterSlot)


# A base class, against our habit: composed, each executor would repeat these methods to pass them on.
class ClusterExecutor(ABC, Generic[S]):
    """What runs on which slot; how slots are opened, heard, replaced and closed is the scheduler's.

    Args:
        slots: The slots.
        own_device: Whether each slot has its GPUs to itself. Otherwise slots may share a GPU or a machine's
            memory, nobody knows which, and a run that must be alone waits until all others have ended.
    """

    def __init__(self, slots: Iterable[S], *, own_device: bool) -> None:
        self._slots = list(slots)
        self._own_device = own_device

    @property
    def slots(self) -> tuple[str, ...]:
        """The names of the places."""
        return tuple(slot.name for slot in self._slots)

    def room(self, *, alone: bool = False, apart: bool = False) -> bool:
        """Whether a run could start now; alone: with nothing else on its device."""
        del apart  # each has a worker of its own here
        busy = [slot.job for slot in self._slots if slot.job is not None]
        others = bool(alone and busy) or any(job.alone for job in busy)
        if others and not self._own_device:
            return False
        return any(slot.is_up and slot.job is None for slot in self._slots)

    def start(self, job: Job) -> str:
        """Start a run on a free slot and return the slot's name."""
        slot = next(slot for slot in self._slots if slot.is_up and slot.job is None)
        slot.job = job
        slot.start(job)
        return slot.name

    def answer(self, run: str, verdict: Verdict) -> None:
        """Answer an epoch of a run whose job asks."""
        self._tell_slot_of(run, {"do": "answer", "run": run, "verdict": verdict})

    def kill(self, run: str) -> None:
        """End a run by force; `Lost` follows."""
        self._tell_slot_of(run, {"do": "kill", "run": run})

    @abstractmethod
    def stop(self) -> None:
        """Ask all runs to hand themselves back."""

    @abstractmethod
    def adopt(self, run: str, attempt: int) -> str | None:
        """The slot of an attempt that another supervisor started and that still goes on, or None."""

    @abstractmethod
    def poll(self, timeout: float) -> list[Message]:
        """What happened since the last call; waits up to `timeout` seconds for something."""

    @abstractmethod
    def close(self) -> None:
        """End all workers."""

    def _tell_slot_of(self, run: str, command: dict[str, Any]) -> None:
        for slot in self._slots:
            if slot.job is not None and slot.job.run == run:
                slot.tell(command)


def processes_of(gpus_per_run: float, processes_per_run: int) -> int:
    """Processes of a run: one for each of its GPUs, or as many as asked for on a CPU.

    Raises:
        SettingError: If the GPUs are neither a share of one nor a whole number, or there is no process.
    """
    share = 0 <= gpus_per_run <= 1
    if not (share or (math.isfinite(gpus_per_run) and gpus_per_run == int(gpus_per_run) > 0)):
        raise SettingError(
            "`gpus_per_run` must be a share of a GPU up to 1 or a whole number of them, "
            f"but got {gpus_per_run}."
        )
    if processes_per_run < 1:
        raise SettingError(f"`processes_per_run >= 1` must hold, but got {processes_per_run}.")
    return max(1, int(gpus_per_run)) if gpus_per_run else processes_per_run
