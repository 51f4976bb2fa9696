"""What the executors of clusters share: slots and what runs on them, and the processes of a run."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from ablations.engine.executors.executor import Ended, Job, Lost, Message, Unwritten
from ablations.errors import SettingError


@dataclass
class ClusterSlot:
    """A place for one run at a time, on whatever machine the scheduler chose."""

    name: str
    is_up: bool = False
    job: Job | None = None

    def heard(self, messages: Sequence[Message]) -> None:
        """Take note of what its run said; the slot is free where the run has ended."""
        if any(isinstance(message, Ended | Lost | Unwritten) for message in messages):
            self.job = None

    def lose(self, why: str) -> list[Message]:
        """The run that was on it is lost; nothing where there was none."""
        job, self.job = self.job, None
        return [Lost(job.run, job.attempt, None, why)] if job is not None else []


S = TypeVar("S", bound=ClusterSlot)


class ClusterSlots(Generic[S]):
    """All slots of an executor.

    Args:
        slots: The slots.
        own_device: Whether each slot has its GPUs to itself. Otherwise slots may share a GPU or a machine's
            memory, nobody knows which, and a run that must be alone waits until all others have ended.
    """

    def __init__(self, slots: Iterable[S], *, own_device: bool) -> None:
        self._slots = list(slots)
        self._own_device = own_device

    def __iter__(self) -> Iterator[S]:
        return iter(self._slots)

    @property
    def names(self) -> tuple[str, ...]:
        """In order."""
        return tuple(slot.name for slot in self._slots)

    def room(self, *, alone: bool) -> bool:
        """Whether a run could start now; alone: with nothing else on its device."""
        busy = [slot.job for slot in self._slots if slot.job is not None]
        others = bool(alone and busy) or any(job.alone for job in busy)
        if others and not self._own_device:
            return False
        return any(slot.is_up and slot.job is None for slot in self._slots)

    def take(self, job: Job) -> S:
        """A free slot, with the job on it."""
        slot = next(slot for slot in self._slots if slot.is_up and slot.job is None)
        slot.job = job
        return slot

    def on(self, run: str) -> list[S]:
        """The slot that has a run, or none."""
        return [slot for slot in self._slots if slot.job is not None and slot.job.run == run]


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
