"""One slot on another machine: a local executor of one slot, driven from afar."""

import os

from ablations.engine.executors.executor import Job, Message
from ablations.engine.executors.local import LocalExecutor
from ablations.engine.executors.slots import Slot
from ablations.engine.worker.context import Verdict


class SlotServer:
    """Lives on the machine that a scheduler chose; its GPUs are those that the scheduler gave it."""

    def __init__(self, name: str, *, processes: int = 1, threads: int = 1, pythonpath: str = ""):
        visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")  # set by the scheduler
        gpus = tuple(gpu for gpu in visible.split(",") if gpu.strip() not in ("", "-1"))
        slot = Slot(name=name, device=name, gpus=gpus, processes=processes, threads=threads)
        self._executor = LocalExecutor([slot], pythonpath=pythonpath)

    def start(self, job: Job) -> None:
        """Start a run; the one before has ended."""
        self._executor.start(job)

    def answer(self, run: str, verdict: Verdict) -> None:
        """Answer an epoch."""
        self._executor.answer(run, verdict)

    def stop(self) -> None:
        """Ask the run to hand itself back."""
        self._executor.stop()

    def kill(self, run: str) -> None:
        """End a run by force."""
        self._executor.kill(run)

    def poll(self, timeout: float) -> list[Message]:
        """What happened; waits up to `timeout` seconds."""
        return self._executor.poll(timeout)

    def close(self) -> None:
        """End the worker."""
        self._executor.close()
