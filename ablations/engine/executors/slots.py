"""Which slots this machine has: the GPUs or shares of them, or the cores."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ablations.errors import SettingError

MOST_WORKERS = 4096
"""Of one machine: each is a process or more."""
MOST_STACKED = 1024
LIST_SECONDS = 120
AMD = "/dev/kfd"
"""There where AMD's compute driver is loaded."""
NO_GPU = ("", "-1", "NoDevFiles", "none", "void")
"""What CUDA_VISIBLE_DEVICES says where there is none: by a user, by Slurm, by a container."""


@dataclass(frozen=True, kw_only=True)
class Slot:
    """A place for a worker: for one run at a time, or for `stack` of them."""

    name: str
    device: str
    """What the slot is a part of. Memory is shared by the slots of a device."""
    gpus: tuple[str, ...] = ()
    """For CUDA_VISIBLE_DEVICES; empty on a CPU."""
    processes: int = 1
    """Processes of one run."""
    threads: int = 1
    """Threads of each process."""
    stack: int = 1
    """Runs that its worker trains in step."""

    @property
    def names(self) -> tuple[str, ...]:
        """A name for each run that can be on it at once."""
        if self.stack == 1:
            return (self.name,)
        return tuple(f"{self.name}.{i}" for i in range(self.stack))


def find_slots(
    *,
    workers: int | None = None,
    gpus_per_run: float = 1.0,
    processes_per_run: int = 1,
    gpus: tuple[str, ...] | None = None,
    cores: int | None = None,
    stack: int = 1,
) -> list[Slot]:
    """The slots of this machine: its GPUs where there are any, else its cores.

    Args:
        workers: Slots at most; all by default. On a CPU it may exceed the cores.
        gpus_per_run: A share of a GPU (0.25: four runs on each), or several GPUs (2: a process
            group of two).
        processes_per_run: Processes of a run on a CPU; on GPUs it follows from `gpus_per_run`.
        gpus: Names of the GPUs; found by themselves when None; empty for the CPU.
        cores: Cores to use; those this process may use when None.
        stack: Runs that the worker of each slot trains in step (`ablations.lockstep`).

    Raises:
        SettingError: A value is out of range, a run needs more GPUs than there are, or runs of several
            processes would be stacked.
    """
    if workers is not None and not 1 <= workers <= MOST_WORKERS:
        rule = "`workers >= 1`" if workers < 1 else f"`workers <= {MOST_WORKERS:,}`"
        raise SettingError(f"{rule} must hold, but got {workers}.")
    if processes_per_run < 1:
        raise SettingError(f"`processes_per_run >= 1` must hold, but got {processes_per_run}.")
    _refuse_stack(stack, gpus_per_run=gpus_per_run, processes_per_run=processes_per_run)
    gpus = find_gpus() if gpus is None else gpus
    if gpus:
        return _gpu_slots(gpus, gpus_per_run, stack)[:workers]
    count = find_cores() if cores is None else cores
    return _cpu_slots(workers or max(1, count // processes_per_run), processes_per_run, stack)


def refuse_empty_stack(stack: int) -> None:
    """Refuse a stack of no run.

    Raises:
        SettingError: If `stack < 1`.
    """
    if not 1 <= stack <= MOST_STACKED:
        rule = "`stack >= 1`" if stack < 1 else f"`stack <= {MOST_STACKED:,}`"
        raise SettingError(f"{rule} must hold, but got {stack}.")


def find_gpus() -> tuple[str, ...]:
    """The GPUs this process may use, as CUDA names them; without importing torch here."""
    # Set by schedulers and by users alike. AMD's own is heeded by torch, which numbers what it leaves.
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return visible_gpus(visible)
    if shutil.which("nvidia-smi") is None:
        # AMD's driver has no such command; torch takes seconds to ask, and names its GPUs as CUDA's.
        return _torch_lists() if Path(AMD).exists() else ()
    listed = subprocess.run(
        ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    return tuple(listed.stdout.split()) if listed.returncode == 0 else ()


def visible_gpus(names: str) -> tuple[str, ...]:
    """The GPUs that a value of CUDA_VISIBLE_DEVICES names."""
    return tuple(name for name in names.split(",") if name.strip() not in NO_GPU)


def check_gpus(gpus: Sequence[str]) -> None:
    """Return if a driver of this machine knows the GPUs; once, before the first run.

    Raises:
        SettingError: If not: every run would fail.
    """
    if not gpus:
        return
    listed = _driver_lists()
    unknown = [name for name in gpus if not _is_known(name.strip(), listed)]
    if unknown:
        raise SettingError(
            f"CUDA_VISIBLE_DEVICES names {', '.join(unknown)}, but no driver of this machine knows such a GPU. Unset "
            "it, or set it to -1 to run on the CPU."
        )


def _is_known(name: str, listed: Sequence[str]) -> bool:
    # Of an UUID the beginning is enough for CUDA; a MIG slice is no line of the list.
    return (
        name in listed
        or name.startswith("MIG-")
        or (name.startswith("GPU-") and any(one.startswith(name) for one in listed))
    )


def _driver_lists() -> tuple[str, ...]:
    """Numbers and UUIDs of the GPUs that the driver knows; by torch in a process of its own without `nvidia-smi`."""
    if shutil.which("nvidia-smi") is None:
        return _torch_lists()
    return _answers(["nvidia-smi", "--query-gpu=index,uuid", "--format=csv,noheader"])


def _torch_lists() -> tuple[str, ...]:
    """Numbers of the GPUs that torch finds, asked in a process of its own."""
    count = "import torch; print(*range(torch.cuda.device_count()))"
    return _answers([sys.executable, "-P", "-c", count])


def _answers(command: list[str]) -> tuple[str, ...]:
    environment = {k: v for k, v in os.environ.items() if k != "CUDA_VISIBLE_DEVICES"}
    asked = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=LIST_SECONDS
    )
    return tuple(asked.stdout.replace(",", " ").split()) if asked.returncode == 0 else ()


def find_cores() -> int:
    """The cores this process may use: its affinity where the system has one, and a container's quota."""
    affinity = getattr(os, "sched_getaffinity", None)  # macOS has none
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min(cores, _quota(Path("/sys/fs/cgroup/cpu.max"))))


def _refuse_stack(stack: int, *, gpus_per_run: float, processes_per_run: int) -> None:
    refuse_empty_stack(stack)
    if stack > 1 and (gpus_per_run > 1 or processes_per_run > 1):
        raise SettingError(
            f"`stack` must be 1 where a run has several processes, but got {stack} with `gpus_per_run` "
            f"{gpus_per_run:g} and `processes_per_run` {processes_per_run}. Give each run one process and at most "
            "one GPU, or do not stack."
        )


def _quota(path: Path) -> int:
    unlimited = 2**31
    try:
        quota, period = path.read_text().split()
    except (OSError, ValueError):
        return unlimited
    return unlimited if quota == "max" else int(quota) // int(period)


def _cpu_slots(count: int, processes: int, stack: int) -> list[Slot]:
    return [
        Slot(name=f"cpu{i}", device="cpu", processes=processes, stack=stack) for i in range(count)
    ]


def _gpu_slots(gpus: tuple[str, ...], per_run: float, stack: int) -> list[Slot]:
    if per_run <= 0 or (per_run > 1 and per_run != int(per_run)):
        raise SettingError(
            f"`gpus_per_run` must be a share of a GPU up to 1 or a whole number of them, "
            f"but got {per_run}."
        )
    if per_run <= 1:
        shares = int(1 / per_run + 1e-9)
        return [
            Slot(
                name=f"gpu{gpu}" if shares == 1 else f"gpu{gpu}.{i}",
                device=gpu,
                gpus=(gpu,),
                stack=stack,
            )
            for i in range(shares)
            for gpu in gpus
        ]
    size = int(per_run)
    groups = [gpus[i : i + size] for i in range(0, len(gpus) - size + 1, size)]
    if not groups:
        raise SettingError(f"`gpus_per_run` must be at most {len(gpus)} here, but got {size}.")
    return [
        Slot(name="gpu" + "+".join(group), device="+".join(group), gpus=group, processes=size)
        for group in groups
    ]
