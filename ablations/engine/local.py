"""The executor of one machine: a persistent worker process per slot (a process group, for several GPUs)."""

import math
import selectors
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ablations.engine.context import Verdict
from ablations.engine.executor import Beat, Ended, Epoch, Job, Lost, Message, Unwritten
from ablations.engine.process import WorkerProcess, free_port
from ablations.engine.slots import Slot, find_slots

RECYCLE = 200
"""Runs after which a worker is replaced by a fresh one."""
OOM_SECONDS = 1.0


class LocalExecutor:
    """Runs on this machine's slots.

    A worker serves one run after another, so that importing the trainer is paid once. It is
    replaced when it dies, after a run that failed, after `recycle` runs, and after every run of
    several processes.
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
        self._places = [_Place(slot) for slot in (find_slots() if slots is None else slots)]
        self._recycle = recycle
        self._pythonpath = pythonpath
        self._selector = selectors.DefaultSelector()
        self._waiting: list[Message] = []
        self._oom_kills = _OomKills()
        self._stopping = False

    @property
    def slots(self) -> tuple[str, ...]:
        """The names of the places."""
        return tuple(place.slot.name for place in self._places)

    def prepare(self, train: str, *, runs: int) -> None:
        """Start workers for the first `runs` runs, which import what trains while the study is planned."""
        for place in self._places[:runs]:
            self._launch(place)
            self._tell(place, {"do": "prepare", "train": train})

    def room(self, *, alone: bool = False) -> bool:
        """Whether a run could start now."""
        return self._free(alone=alone) is not None

    def start(self, job: Job) -> str:
        """Start a run on a free slot and return the slot's name."""
        place = self._free(alone=job.alone)
        if place is None:
            raise RuntimeError("a run may be started only where `room` says that there is some.")
        if not place.group:
            self._launch(place)
        place.job, place.ended, place.oom_kills = job, set(), self._oom_kills.before_now()
        for rank, worker in enumerate(place.group):
            worker.tell(_command(job, place.slot, rank))
        return place.slot.name

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
            if len(place.group) <= 1 or place.job is None:
                self._tell(place, {"do": "stop"})

    def kill(self, run: str) -> None:
        """End a run by force; `Lost` follows."""
        place = self._place_of(run)
        if place is not None:
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

    def _free(self, *, alone: bool) -> "_Place | None":
        taken = {place.slot.device for place in self._places if place.job is not None}
        closed = {p.slot.device for p in self._places if p.job is not None and p.job.alone}
        blocked = taken if alone else closed
        idle = [p for p in self._places if p.job is None and p.slot.device not in blocked]
        # A worker that is up already, before one that has to be started.
        return min(idle, key=lambda place: not place.group, default=None)

    def _place_of(self, run: str) -> "_Place | None":
        return next((p for p in self._places if p.job is not None and p.job.run == run), None)

    def _launch(self, place: "_Place") -> None:
        size = place.slot.processes
        port = free_port() if size > 1 else 0
        place.group = [
            WorkerProcess(place.slot, rank=rank, port=port, pythonpath=self._pythonpath)
            for rank in range(size)
        ]
        place.served = 0
        for worker in place.group:
            self._selector.register(worker.messages, selectors.EVENT_READ, (place, worker))

    def _tell(self, place: "_Place", command: dict[str, Any]) -> None:
        for worker in place.group:
            worker.tell(command)

    def _hear(self, place: "_Place", worker: WorkerProcess, message: dict[str, Any]) -> None:
        job = place.job
        if job is None or message.get("run") != job.run:
            return
        if message["is"] == "ended":
            self._end(place, worker, message)
        elif worker.rank == 0:
            self._waiting.append(_translate(message))

    def _end(self, place: "_Place", worker: WorkerProcess, message: dict[str, Any]) -> None:
        """Take note that a process ended its part; the run has ended when all did or one failed."""
        place.ended.add(worker.rank)
        state = message["state"]
        # The others wait in a collective operation for the process that failed.
        whole = len(place.ended) == len(place.group) or state in ("FAILED", "UNWRITTEN")
        if not whole:
            return
        place.job = None
        place.served += 1
        self._waiting.append(_translate(message))
        worn = place.served >= self._recycle or len(place.group) > 1
        if worn or state in ("FAILED", "UNWRITTEN", "HANDED_BACK"):
            self._discard(place)

    def _bury(self, place: "_Place", worker: WorkerProcess) -> None:
        """A worker's pipe closed: it died."""
        job, place.job = place.job, None
        exit_code = worker.wait()
        tail = worker.tail(job)
        self._discard(place)
        if job is not None:
            kills = self._oom_kills.now()
            short = exit_code == -signal.SIGKILL and kills > place.oom_kills
            self._waiting.append(Lost(job.run, job.attempt, exit_code, tail, short))

    def _discard(self, place: "_Place") -> None:
        for worker in place.group:
            self._selector.unregister(worker.messages)
            worker.end()
        place.group = []


@dataclass
class _Place:
    """A slot with the processes that serve it."""

    slot: Slot
    group: list[WorkerProcess] = field(default_factory=list)
    job: Job | None = None
    served: int = 0
    ended: set[int] = field(default_factory=set)
    oom_kills: int = 0
    """When the run started."""


class _OomKills:
    """A recent count of the system's kills for memory: reading it costs as much as starting a run does."""

    def __init__(self) -> None:
        self._read = -math.inf
        self._count = 0

    def before_now(self) -> int:
        """The count at some moment of the last second."""
        return self._count if time.monotonic() - self._read < OOM_SECONDS else self.now()

    def now(self) -> int:
        """The count, read now; a kill that was just seen is not counted again for the next run."""
        self._read, self._count = time.monotonic(), oom_kills()
        return self._count


def oom_kills(counters: Path = Path("/proc/vmstat")) -> int:
    """How often this system has killed a process because memory was short; 0 where it does not say."""
    try:
        lines = counters.read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)


def _command(job: Job, slot: Slot, rank: int) -> dict[str, Any]:
    return {
        "do": "run",
        **{name: value for name, value in vars(job).items() if name != "alone"},
        # A run sees its own GPUs only, numbered from 0.
        "device": f"cuda:{rank}" if slot.gpus else "cpu",
        "threads": slot.threads,
        "rank": rank,
        "world_size": slot.processes,
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
