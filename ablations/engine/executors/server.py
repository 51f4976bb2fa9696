"""One slot on another machine: a local executor of one slot, driven from afar."""

import os
from pathlib import Path
from typing import Any

from ablations.engine.executors.executor import Job, Message
from ablations.engine.executors.local import LocalExecutor
from ablations.engine.executors.slots import Slot, visible_gpus


class SlotServer:
    """Lives on the machine that a scheduler chose; its GPUs are those that the scheduler gave it."""

    def __init__(
        self,
        name: str,
        *,
        processes: int = 1,
        threads: int = 1,
        pythonpath: str = "",
        folder: Path | None = None,
    ):
        if folder is not None and folder.is_dir():
            os.chdir(folder)  # of the program that asks: modules beside it are found here too
        visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")  # set by the scheduler
        gpus = visible_gpus(visible)
        slot = Slot(name=name, device=name, gpus=gpus, processes=processes, threads=threads)
        self._executor = LocalExecutor([slot], pythonpath=pythonpath)

    def obey(self, command: dict[str, Any]) -> None:
        """Do what a supervisor asks: `start` a job, `answer` an epoch, `stop` all, `kill` a run."""
        match command["do"]:
            case "start":
                self._executor.start(Job(**command["job"]))
            case "answer":
                self._executor.answer(command["run"], command["verdict"])
            case "stop":
                self._executor.stop()
            case "kill":
                self._executor.kill(command["run"])

    def poll(self, timeout: float) -> list[Message]:
        """What happened; waits up to `timeout` seconds."""
        return self._executor.poll(timeout)

    def close(self) -> None:
        """End the worker."""
        self._executor.close()
