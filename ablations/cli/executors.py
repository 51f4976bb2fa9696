"""From the command line's words to what places runs: this machine, Ray or Slurm."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from ablations.errors import SettingError

if TYPE_CHECKING:
    from ablations.engine.executor import Executor
    from ablations.engine.folder import StudyFolder
    from ablations.engine.local import LocalExecutor

Kind = Literal["local", "ray", "slurm"]
MakeExecutor = Callable[["StudyFolder"], "Executor"]


@contextmanager
def ready_executor(
    kind: Kind,
    *,
    runs: int,
    workers: int | None,
    gpus_per_run: float,
    stack: int = 1,
    address: str | None = None,
    minutes: int = 24 * 60,
    slurm: Mapping[str, Any] | None = None,
) -> Iterator[MakeExecutor]:
    """A function that makes the executor once the study's folder is open.

    What is wrong with the words is said at once. On this machine as many workers as there are runs, at
    most, begin to import torch and Lightning, which takes longer than to plan a study; they end with the
    block. On Ray and Slurm nothing is started or submitted before the folder is open.

    Raises:
        SettingError: If a value is out of range, or an option belongs to another executor.
    """
    if address is not None and kind != "ray":
        raise SettingError("`--address` belongs to a Ray cluster: add --executor ray.")
    if slurm and kind != "slurm":
        raise SettingError("`--slurm` belongs to a Slurm cluster: add --executor slurm.")
    refuse_stack(stack, kind=kind, gpus_per_run=gpus_per_run)
    if kind == "ray":
        yield _ray(workers, gpus_per_run, address)
    elif kind == "slurm":
        yield _slurm(workers, gpus_per_run, minutes, slurm or {})
    else:
        local = _local(workers, gpus_per_run, stack, runs)
        try:
            yield lambda _: local
        finally:
            local.close()


def refuse_stack(stack: int, *, kind: Kind, gpus_per_run: float) -> None:
    """Refuse a stack of no run, on a cluster, or of runs of several processes.

    Raises:
        SettingError: If so.
    """
    if stack < 1:
        raise SettingError(f"`--stack` must be at least 1, but is {stack}.")
    if stack > 1 and kind != "local":
        raise SettingError(
            f"`--stack` belongs to this machine's own executor: leave out --executor {kind}, or --stack {stack}."
        )
    if stack > 1 and gpus_per_run > 1:
        raise SettingError(
            f"`--stack` must be 1 where a run has several GPUs, but is {stack} with --gpus-per-run "
            f"{gpus_per_run:g}. Give each run at most one GPU, or do not stack."
        )


def _local(workers: int | None, gpus_per_run: float, stack: int, runs: int) -> "LocalExecutor":
    from ablations.engine.executor import TRAIN
    from ablations.engine.local import LocalExecutor
    from ablations.engine.slots import find_slots

    local = LocalExecutor(find_slots(workers=workers, gpus_per_run=gpus_per_run, stack=stack))
    local.prepare(TRAIN, runs=runs)
    return local


def _ray(workers: int | None, gpus_per_run: float, address: str | None) -> MakeExecutor:
    from ablations.engine.ray import RayExecutor
    from ablations.engine.slots import find_gpus

    # A cluster that is started here has this machine's GPUs; an existing one is asked for them.
    gpus = gpus_per_run if address is not None or find_gpus() else 0.0
    return lambda _: RayExecutor(slots=workers, address=address, gpus_per_run=gpus)


def _slurm(
    workers: int | None, gpus_per_run: float, minutes: int, parameters: Mapping[str, Any]
) -> MakeExecutor:
    from ablations.engine.slurm import SlurmExecutor

    if workers is None:
        raise SettingError("`--workers` must say how many Slurm jobs to submit.")
    if gpus_per_run != int(gpus_per_run):
        raise SettingError(
            f"`gpus_per_run` of a Slurm job must be a whole number, but got {gpus_per_run:g}."
        )
    named = {f"slurm_{name}": value for name, value in parameters.items()}
    return lambda folder: SlurmExecutor(
        folder, slots=workers, minutes=minutes, gpus_per_run=int(gpus_per_run), parameters=named
    )
