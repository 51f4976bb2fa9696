"""Runs on a Ray cluster: one actor per slot. Placement, isolation and restart are Ray's.

The study folder must be on a file system that all machines share.
"""

import contextlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablations.engine.executors.cluster import ClusterExecutor, ClusterSlot, processes_of
from ablations.engine.executors.executor import Message
from ablations.engine.executors.needed_package import needed_package
from ablations.engine.executors.server import SlotServer
from ablations.errors import StudyError

POLL_SECONDS = 0.1


class RayExecutor(ClusterExecutor["_Slot"]):
    """Runs on the slots that a Ray cluster has room for.

    A slot whose machine dies loses its run, which the supervisor starts again; the slot comes back
    where the cluster has room for it.
    """

    def __init__(
        self,
        *,
        slots: int | None = None,
        address: str | None = None,
        cpus_per_run: float = 1.0,
        gpus_per_run: float = 0.0,
        processes_per_run: int = 1,
        threads: int = 1,
        pythonpath: str = "",
    ) -> None:
        """Connect to a cluster and ask for slots.

        Args:
            slots: Runs at a time; as many as the cluster has room for now by default.
            address: Of an existing cluster (`auto` finds one on this machine); one is started on
                this machine when None, unless this program is connected already.
            cpus_per_run: CPUs that Ray reserves for a run.
            gpus_per_run: GPUs for a run: a share, or a whole number (a process group).
            processes_per_run: Processes of a run on a CPU; on GPUs it follows from `gpus_per_run`.
            threads: Threads of each process.
            pythonpath: Folders to import the training function from.

        Raises:
            StudyError: Ray is not installed, or the cluster has no room for a run.
        """
        processes = processes_of(gpus_per_run, processes_per_run)
        self._ray = needed_package("ray", executor="ray")
        if not self._ray.is_initialized():
            # Ray puts the folder it is called in first on the path of its actors: a `torch.py` beside a study would
            # be run in torch's place. Here the installed environment's; a run's own modules are found after it.
            with contextlib.chdir(sys.prefix):
                self._ray.init(
                    address=address or "local",
                    log_to_driver=False,
                    logging_level="ERROR",
                    **({} if address else {"include_dashboard": False}),
                )
        count = slots if slots is not None else self._room(cpus_per_run, gpus_per_run)
        if count < 1:
            raise StudyError(
                f"the Ray cluster has no room for a run of {cpus_per_run:g} CPUs and "
                f"{gpus_per_run:g} GPUs: it has {self._ray.cluster_resources()}."
            )
        self._server = self._ray.remote(SlotServer).options(
            num_cpus=cpus_per_run, num_gpus=gpus_per_run, max_restarts=0
        )
        self._options = {
            "processes": processes,
            "threads": threads,
            "pythonpath": pythonpath,
            "folder": Path.cwd(),
        }
        super().__init__((_Slot(f"ray{i}") for i in range(count)), own_device=gpus_per_run >= 1)
        for slot in self._slots:
            self._open(slot)

    def stop(self) -> None:
        """Ask all runs to hand themselves back."""
        for slot in self._slots:
            if slot.is_up:
                slot.tell({"do": "stop"})

    def adopt(self, run: str, attempt: int) -> None:
        """None: Ray ends its actors with the program that started them."""
        del run, attempt

    def poll(self, timeout: float) -> list[Message]:
        """What happened since the last call; waits up to `timeout` seconds for something."""
        by_call = {slot.call: slot for slot in self._slots}
        done, _ = self._ray.wait(list(by_call), num_returns=1, timeout=timeout)
        more, _ = self._ray.wait(list(by_call), num_returns=len(by_call), timeout=0)
        return [message for call in {*done, *more} for message in self._take(by_call[call])]

    def close(self) -> None:
        """End all workers; a cluster that this program connected to goes on."""
        for slot in self._slots:
            with contextlib.suppress(self._ray.exceptions.RayError):
                self._ray.kill(slot.actor)

    def _take(self, slot: "_Slot") -> list[Message]:
        """The messages of a slot, and the next call to it."""
        try:
            messages: list[Message] = self._ray.get(slot.call)
        except self._ray.exceptions.RayError as error:
            lost = slot.lose(str(error))
            self._open(slot)
            return lost
        slot.is_up = True
        slot.call = slot.actor.poll.remote(POLL_SECONDS)
        slot.heard(messages)
        return messages

    def _open(self, slot: "_Slot") -> None:
        slot.is_up = False
        slot.actor = self._server.remote(slot.name, **self._options)
        slot.call = slot.actor.poll.remote(0.0)

    def _room(self, cpus: float, gpus: float) -> int:
        has = self._ray.cluster_resources()
        rooms = [has.get("CPU", 0) / cpus] if cpus else []
        rooms += [has.get("GPU", 0) / gpus] if gpus else []
        return int(min(rooms, default=1))


@dataclass
class _Slot(ClusterSlot):
    actor: Any = None
    call: Any = None
    """The call to `poll` that is under way."""

    def tell(self, command: dict[str, Any]) -> None:
        """By a call of its actor."""
        self.actor.obey.remote(command)
