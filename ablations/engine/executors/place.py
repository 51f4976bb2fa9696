"""A slot with its worker and the runs on it: who may come, and who may come together."""

from dataclasses import dataclass, field

from ablations.engine.executors.executor import Job
from ablations.engine.executors.process import WorkerProcess
from ablations.engine.executors.slots import Slot


@dataclass
class Seat:
    """Where one run is; the seats of a place share its worker."""

    name: str
    job: Job | None = None
    ended: set[int] = field(default_factory=set)
    """Ranks of the run's processes that have ended their part."""
    oom_kills: int = 0
    """Of this system, when the run started."""


class Place:
    """A slot with the processes that serve it, and a seat for each run that can be on it at once."""

    def __init__(self, slot: Slot) -> None:
        self.slot = slot
        self.seats = [Seat(name) for name in slot.names]
        self.group: list[WorkerProcess] = []
        self.served = 0
        self.worn = False
        """Whether its worker takes no other run and is replaced when those that it has are over."""

    @property
    def jobs(self) -> list[Job]:
        """The runs on it."""
        return [seat.job for seat in self.seats if seat.job is not None]

    def has_room(self, *, apart: bool) -> bool:
        """Whether a run could come; apart: with no other on it."""
        jobs = self.jobs
        if not jobs:
            return True
        shut = self.worn or any(job.apart or job.alone for job in jobs)
        return not (apart or shut) and len(jobs) < len(self.seats)

    def order(self, arm: str) -> tuple[int, int]:
        """The place of least order is the best for a run: with seeds of its arm, else empty, else shared.

        Of the empty ones, those whose worker is up already.
        """
        jobs = self.jobs
        same = sum(job.arm == arm for job in jobs)
        if same:
            return 0, -same
        return (2, len(jobs)) if jobs else (1, not self.group)

    def take(self, job: Job, *, oom_kills: int) -> Seat:
        """Give a run a free seat."""
        seat = next(seat for seat in self.seats if seat.job is None)
        seat.job, seat.ended, seat.oom_kills = job, set(), oom_kills
        return seat

    def seat_of(self, run: str) -> Seat | None:
        """Where a run is."""
        return next((s for s in self.seats if s.job is not None and s.job.run == run), None)

    def free(self, seat: Seat) -> None:
        """Take note that a run is over."""
        seat.job = None
        self.served += 1
