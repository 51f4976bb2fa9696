"""One worker process of the local executor: its environment, its pipes and its end."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from ablations.engine.executors.executor import Job
from ablations.engine.executors.slots import Slot

TAIL_BYTES = 2000
END_SECONDS = 2.0

# Page faults of glibc's default malloc took half of a convolutional network's time on a CPU.
MALLOC = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "-1",
    "MALLOC_TOP_PAD_": str(64 * 2**20),
}
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
# A worker needs no secret, so whatever it prints or crashes with can show none.
SECRETS = ("WANDB_API_KEY", "PGPASSWORD", "MYSQL_PWD")


class WorkerProcess:
    """A started `python -m ablations.engine.worker.worker` and both ends of its pipes."""

    def __init__(self, slot: Slot, *, rank: int, port: int, pythonpath: str) -> None:
        self.rank = rank
        self.closed = False
        self.messages, theirs = os.pipe()
        os.set_blocking(self.messages, False)
        self._rest = b""
        self._printed = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "ablations.engine.worker.worker", str(theirs)],
            stdin=subprocess.PIPE,
            stdout=self._printed,
            stderr=self._printed,
            pass_fds=[theirs],
            env=_environment(slot, rank=rank, port=port, pythonpath=pythonpath),
            # Its own group: Ctrl-C reaches the supervisor only, and `kill` reaches its children.
            start_new_session=True,
        )
        os.close(theirs)

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def tell(self, command: dict[str, Any]) -> None:
        """Send a command; a dead worker does not hear it, and its pipe's end says so to `read`."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(command).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass

    def read(self) -> list[dict[str, Any]]:
        """The whole messages that have arrived; sets `closed` at the end of the pipe."""
        while True:
            try:
                chunk = os.read(self.messages, 65536)
            except BlockingIOError:
                break
            if not chunk:
                self.closed = True
                break
            self._rest += chunk
        *lines, self._rest = self._rest.split(b"\n")
        return [json.loads(line) for line in lines]

    def kill(self) -> None:
        """End the process and all that it started, stopped ones too."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def wait(self) -> int | None:
        """The exit code, negative for a signal; None where the process does not end."""
        try:
            return self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            return None

    def tail(self, job: Job | None) -> str:
        """The end of what the worker printed, in the attempt's log or before it had one."""
        self._printed.seek(0)
        printed = self._printed.read()[-TAIL_BYTES:]
        if job is not None:
            name = "log.txt" if self.rank == 0 else f"log.{self.rank}.txt"
            log = Path(job.folder) / str(job.attempt) / name
            printed += log.read_bytes()[-TAIL_BYTES:] if log.exists() else b""
        return printed.decode(errors="replace")

    def end(self) -> None:
        """End the process and release what belongs to it."""
        self.kill()
        self._process.wait()
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        os.close(self.messages)
        self._printed.close()


def free_port() -> int:
    """A TCP port on the loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _environment(slot: Slot, *, rank: int, port: int, pythonpath: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name not in SECRETS}
    paths = [path for path in (pythonpath, inherited.get("PYTHONPATH", "")) if path]
    group = {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(slot.processes),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    return {
        **inherited,
        **dict.fromkeys(THREADS, str(slot.threads)),
        **MALLOC,
        **(group if slot.processes > 1 else {}),
        **({"PYTHONPATH": os.pathsep.join(paths)} if paths else {}),
        "CUDA_VISIBLE_DEVICES": ",".join(slot.gpus),
        "PYTHONUNBUFFERED": "1",
    }
