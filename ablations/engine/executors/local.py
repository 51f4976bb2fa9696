"""The executor of one machine: a persistent worker process per slot (a process group, for several GPUs).

Where slots are stacked, a worker serves several runs at once (`engine.place`).
"""

import selectors
import signal
from collections.abc import Sequence
from typing import Any

from ablations.engine.executors.executor import Beat, Ended, Epoch, Job, Lost, Message, Unwritten
from ablations.engine.executors.oom_kills import OomKills
from ablations.engine.executors.place import Place, Seat
from ablations.engine.executors.process import WorkerProcess, free_port
from ablations.engine.executors.slots import Slot, find_slots
from ablations.engine.worker.context import Verdict

RECYCLE = 200
"""Runs after which a worker is replaced by a fresh one."""
NOT_FOR_WORKERS = ("arm", "alone", "apart")
"""Of a job: they say where to put it."""


class LocalExecutor:
    """Runs on this machine's slots.

    A worker serves one run after another, or several at once where its slot is stacked, so that
    importing the trainer is paid once. It is replaced when it dies, after a run that failed, after
    `recycle` runs, and after every run of several processes; other runs that it serves end first.
    """

    def __init__(
        self, slots: Sequence[Slot] | None = None, *, recycle: int = RECYCLE, pythonpath: str = ""
    ) -> None:
        """Find the slots; workers start when they get their first run, or in `prepare`.

        Args:
            slots: Where to run; this machine's by default (`find_slots`).
            recycle: Runs after which a worker is replaced.
            pythonpath: Folders to import the training function from, as in PYTHONPATH.
        """
        self._places = [Place(slot) for slot in (find_slots() if slots is None else slots)]
        self._recycle = recycle
        self._pythonpath = pythonpath
        self._selector = selectors.DefaultSelector()
        self._waiting: list[Message] = []
        self._oom_kills = OomKills()
        self._stopping = False

    @property
    def slots(self) -> tuple[str, ...]:
        """The names of the places."""
        return tuple(name for place in self._places for name in place.slot.names)

    def prepare(self, train: str, *, runs: int) -> None:
        """Start workers for the first `runs` runs, which import what trains while the study is planned."""
        for place in self._places:
            if runs <= 0:
                break
            self._launch(place)
            self._tell(place, {"do": "prepare", "train": train})
            runs -= place.slot.stack

    def room(self, *, alone: bool = False, apart: bool = False) -> bool:
        """Whether a run could start now; apart: in a worker that serves no other."""
        return self._best(alone=alone, apart=apart) is not None

    def start(self, job: Job) -> str:
        """Start a run on a free slot and return its name; where the slot is stacked, that of the run's seat."""
        place = self._best(job.arm, alone=job.alone, apart=job.apart)
        if place is None:
            raise RuntimeError("a run may be started only where `room` says that there is some.")
        if not place.group:
            self._launch(place)
        seat = place.take(job, oom_kills=self._oom_kills.before_now())
        for rank, worker in enumerate(place.group):
            worker.tell(_command(job, place.slot, rank))
        return seat.name

    def answer(self, run: str, verdict: Verdict) -> None:
        """Answer an epoch; every process of the run gets the same answer."""
        place = self._place_of(run)
        if place is not None:
            self._tell(place, {"do": "stop" if self._stopping else verdict, "run": run})

    def stop(self) -> None:
        """Ask all runs to hand themselves back, and idle workers to end."""
        self._stopping = True
        for place in self._places:
            # The processes of one run stop after the same epoch: with the answer to it.
            if len(place.group) <= 1 or not place.jobs:
                self._tell(place, {"do": "stop"})

    def kill(self, run: str) -> None:
        """End a run by force, and with it those that its worker serves beside it; `Lost` follows for each."""
        place = self._place_of(run)
        if place is not None:
            place.worn = True
            for worker in place.group:
                worker.kill()

    def adopt(self, run: str, attempt: int) -> None:
        """None: a local worker ends with the supervisor that started it."""
        del run, attempt

    def poll(self, timeout: float) -> list[Message]:
        """What happened since the last call; waits up to `timeout` seconds for something."""
        for key, _ in self._selector.select(0 if self._waiting else timeout):
            place, worker = key.data
            if worker not in place.group:
                continue  # discarded with its group a moment ago
            for message in worker.read():
                self._hear(place, worker, message)
            if worker.closed:
                self._bury(place, worker)
        messages, self._waiting = self._waiting, []
        return messages

    def close(self) -> None:
        """End all workers."""
        for place in self._places:
            self._discard(place)
        self._selector.close()

    def _best(self, arm: str = "", *, alone: bool, apart: bool) -> Place | None:
        """Where to put a run; None where it must wait."""
        taken = {place.slot.device for place in self._places if place.jobs}
        closed = {p.slot.device for p in self._places if any(job.alone for job in p.jobs)}
        blocked = taken if alone else closed
        fit = [
            place
            for place in self._places
            if place.slot.device not in blocked and place.has_room(apart=apart or alone)
        ]
        return min(fit, key=lambda place: place.order(arm), default=None)

    def _place_of(self, run: str) -> Place | None:
        return next((place for place in self._places if place.seat_of(run) is not None), None)

    def _launch(self, place: Place) -> None:
        size = place.slot.processes
        port = free_port() if size > 1 else 0
        place.group = [
            WorkerProcess(place.slot, rank=rank, port=port, pythonpath=self._pythonpath)
            for rank in range(size)
        ]
        place.served, place.worn = 0, False
        for worker in place.group:
            self._selector.register(worker.messages, selectors.EVENT_READ, (place, worker))

    def _tell(self, place: Place, command: dict[str, Any]) -> None:
        for worker in place.group:
            worker.tell(command)

    def _hear(self, place: Place, worker: WorkerProcess, message: dict[str, Any]) -> None:
        seat = place.seat_of(message.get("run", ""))
        if seat is None:
            return
        if message["is"] == "ended":
            self._end(place, seat, worker, message)
        elif worker.rank == 0:
            self._waiting.append(_translate(message))
            # Runs of one worker take turns: who is silent may be waiting for the one that is heard.
            mates = (job for job in place.jobs if job.run != message["run"])
            self._waiting += [Beat(job.run, job.attempt) for job in mates]

    def _end(
        self, place: Place, seat: Seat, worker: WorkerProcess, message: dict[str, Any]
    ) -> None:
        """Take note that a process ended its part; the run has ended when all did or one failed."""
        seat.ended.add(worker.rank)
        state = message["state"]
        # The others wait in a collective operation for the process that failed.
        whole = len(seat.ended) == len(place.group) or state in ("FAILED", "UNWRITTEN")
        if not whole:
            return
        place.free(seat)
        self._waiting.append(_translate(message))
        worn = place.served >= self._recycle or len(place.group) > 1
        place.worn |= worn or state in ("FAILED", "UNWRITTEN", "HANDED_BACK")
        if place.worn and not place.jobs:
            self._discard(place)

    def _bury(self, place: Place, worker: WorkerProcess) -> None:
        """A worker's pipe closed: it died, and all its runs are lost."""
        exit_code = worker.wait()
        killed = exit_code == -signal.SIGKILL and bool(place.jobs)
        kills = self._oom_kills.now() if killed else 0
        for seat in place.seats:
            if seat.job is not None:
                job, tail = seat.job, worker.tail(seat.job)
                short = killed and kills > seat.oom_kills
                self._waiting.append(Lost(job.run, job.attempt, exit_code, tail, short))
                place.free(seat)
        self._discard(place)

    def _discard(self, place: Place) -> None:
        for worker in place.group:
            self._selector.unregister(worker.messages)
            worker.end()
        place.group = []


def _command(job: Job, slot: Slot, rank: int) -> dict[str, Any]:
    return {
        "do": "run",
        **{name: value for name, value in vars(job).items() if name not in NOT_FOR_WORKERS},
        # A run sees its own GPUs only, numbered from 0.
        "device": f"cuda:{rank}" if slot.gpus else "cpu",
        "threads": slot.threads,
        "rank": rank,
        "world_size": slot.processes,
        # A run that nothing may join has the process to itself, as where nothing is stacked.
        "stack": 1 if job.alone or job.apart else slot.stack,
    }


def _translate(message: dict[str, Any]) -> Message:
    run, attempt = message["run"], message["attempt"]
    match message["is"]:
        case "beat":
            return Beat(run, attempt)
        case "epoch":
            record = {k: v for k, v in message.items() if k not in ("is", "run", "attempt")}
            return Epoch(run, attempt, record)
        case _ if message["state"] == "UNWRITTEN":
            return Unwritten(run, attempt, message["error"], message["errno"])
        case _:
            return Ended(run, attempt, message["state"])
