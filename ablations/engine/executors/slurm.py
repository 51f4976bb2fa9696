"""Runs on a Slurm cluster through submitit: one job per slot, which serves run after run.

The study folder must be on a file system that all machines share; it carries the messages too.
"""

import shlex
import sys
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ablations.engine.executors.adoption import Adoptions, note_mailbox
from ablations.engine.executors.cluster import ClusterExecutor, ClusterSlot, processes_of
from ablations.engine.executors.executor import Job, Message
from ablations.engine.executors.mailbox import Mailbox
from ablations.engine.executors.needed_package import needed_package
from ablations.engine.executors.slot_job import decode, serve
from ablations.engine.records.folder import StudyFolder
from ablations.errors import SettingError, StudyError

SILENCE_SECONDS = 90.0
"""After which an end of a mailbox counts as dead."""
MARGIN_SECONDS = 60.0
"""Before its time limit a job hands its run back."""
PAUSE_SECONDS = 0.1
DONE_SECONDS = 5.0
END_SECONDS = 5.0


class SlurmExecutor(ClusterExecutor["_Slot"]):
    """Runs in Slurm jobs.

    A job that is lost loses its run, which the supervisor starts again, and a new job is submitted.
    A job whose supervisor dies ends its run first; the next supervisor waits for that.
    """

    def __init__(
        self,
        folder: StudyFolder,
        *,
        slots: int,
        cluster: Literal["slurm", "local"] = "slurm",
        minutes: int = 24 * 60,
        cpus_per_run: int = 1,
        gpus_per_run: int = 0,
        processes_per_run: int = 1,
        threads: int | None = None,
        pythonpath: str = "",
        silence: float = SILENCE_SECONDS,
        parameters: Mapping[str, Any] | None = None,
    ) -> None:
        """Submit the jobs.

        Args:
            folder: The study's folder.
            slots: Jobs, and so runs at a time.
            cluster: `slurm`, or `local` for processes on this machine.
            minutes: Time limit of a job; it may be shorter than the study.
            cpus_per_run: CPUs of a job.
            gpus_per_run: GPUs of a job; more than one make a process group.
            processes_per_run: Processes of a run on a CPU; on GPUs it follows from `gpus_per_run`.
            threads: Threads of each process; its share of the CPUs by default.
            pythonpath: Folders to import the training function from.
            silence: Seconds without a sign of life after which a job is lost.
            parameters: Further parameters of submitit, for example `slurm_partition`.

        Raises:
            StudyError: submitit is not installed, or there is no Slurm here.
        """
        if slots < 1:
            raise SettingError(f"`slots >= 1` must hold, but got {slots}.")
        self._folder, self._silence = folder, silence
        processes = processes_of(gpus_per_run, processes_per_run)
        self._serve = {
            "processes": processes,
            "threads": threads or max(1, cpus_per_run // processes),
            "pythonpath": pythonpath,
            "seconds": 60 * minutes - MARGIN_SECONDS,
            "silence": silence,
        }
        self._submitter = _submitter(folder, cluster=cluster)
        self._submitter.update_parameters(
            name=folder.path.name,
            timeout_min=minutes,
            cpus_per_task=cpus_per_run,
            gpus_per_node=gpus_per_run,
            **(parameters or {}),
        )
        super().__init__((_Slot(f"slurm{i}") for i in range(slots)), own_device=gpus_per_run >= 1)
        self._adoptions = Adoptions(folder, silence=silence)
        self._stopping = False
        with self._submitter.batch():  # one job array
            for slot in self._slots:
                self._submit(slot)

    def stop(self) -> None:
        """Ask all runs to hand themselves back."""
        self._stopping = True
        for slot in self._slots:
            slot.tell({"do": "stop"})

    def adopt(self, run: str, attempt: int) -> str | None:
        """Wait for an attempt whose supervisor died, as long as its job shows that it lives."""
        return self._adoptions.adopt(run, attempt)

    def poll(self, timeout: float) -> list[Message]:
        """What happened since the last call; waits up to `timeout` seconds for something."""
        deadline = time.monotonic() + timeout
        while True:
            messages = [m for slot in self._slots for m in self._look(slot)]
            messages += self._adoptions.look()
            if messages or time.monotonic() > deadline:
                return messages
            time.sleep(PAUSE_SECONDS)

    def close(self) -> None:
        """End all jobs of this supervisor; those that do not end by themselves are cancelled."""
        self._stopping = True
        for slot in self._slots:
            slot.tell({"do": "end"})
        started = [slot for slot in self._slots if slot.is_up]
        deadline = time.monotonic() + END_SECONDS
        while not all(slot.submitted.done() for slot in started) and time.monotonic() < deadline:
            time.sleep(PAUSE_SECONDS)
        for slot in self._slots:
            if not slot.submitted.done():
                slot.submitted.cancel()

    def _look(self, slot: "_Slot") -> list[Message]:
        slot.mailbox.beat()
        messages: list[Message] = []
        for message in slot.mailbox.receive():
            if message["is"] in ("up", "down"):
                # Slurm started the job again elsewhere, or its time is over.
                messages += slot.lose(f"the job went {message['is']}")
                slot.is_up = message["is"] == "up"
            elif slot.job is not None and message["run"] == slot.job.run:
                messages.append(decode(message))
        slot.heard(messages)
        return messages + self._mourn(slot)

    def _mourn(self, slot: "_Slot") -> list[Message]:
        """Replace a job that is over or silent; a job that waits in the queue is left alone."""
        is_silent = slot.is_up and slot.mailbox.silence() > self._silence
        if not is_silent and time.monotonic() - slot.asked < DONE_SECONDS:
            return []
        slot.asked = time.monotonic()
        if self._stopping or not (is_silent or slot.submitted.done()):
            return []
        lost = slot.lose("its job ended or fell silent")
        slot.submitted.cancel()
        self._submit(slot)
        return lost

    def _submit(self, slot: "_Slot") -> None:
        slot.folder = self._folder.path / "slots" / f"{slot.name}-{uuid.uuid4().hex[:8]}"
        slot.mailbox = Mailbox(slot.folder, mine="supervisor", theirs="slot")
        slot.is_up, slot.asked = False, time.monotonic()
        slot.submitted = self._submitter.submit(serve, slot.folder, slot.name, **self._serve)


@dataclass
class _Slot(ClusterSlot):
    folder: Path = Path()
    mailbox: Any = None
    submitted: Any = None
    """submitit's job."""
    asked: float = 0.0
    """When submitit was last asked whether the job is over."""

    def start(self, job: Job) -> None:
        """Also says where it is heard of, for a supervisor to come."""
        note_mailbox(job, self.folder)
        super().start(job)

    def tell(self, command: dict[str, Any]) -> None:
        """By a message in its folder, which a job that waits in the queue reads when it starts."""
        self.mailbox.send(command)


def _submitter(folder: StudyFolder, *, cluster: str) -> Any:
    """What submits jobs: submitit's own executor, whose jobs do not look into the current folder first.

    By its interpreter's option, because a job need not inherit the environment that it was submitted in, and what
    a run starts itself must not inherit a setting that is not the user's.
    """
    submitit = needed_package("submitit", executor="slurm")
    safe = {f"{cluster}_python": f"{shlex.quote(sys.executable)} -P"}
    try:
        return submitit.AutoExecutor(folder=folder.path / "slots" / "jobs", cluster=cluster, **safe)
    except RuntimeError as error:
        raise StudyError(f"Slurm cannot be used here: {error}") from None
