"""From the command line's words to what places runs: this machine, Ray or Slurm."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from ablations.errors import SettingError

if TYPE_CHECKING:
    from ablations.engine.executor import Executor
    from ablations.engine.folder import StudyFolder

Kind = Literal["local", "ray", "slurm"]
MakeExecutor = Callable[["StudyFolder"], "Executor"]


def make_executor(
    kind: Kind,
    *,
    workers: int | None,
    gpus_per_run: float,
    address: str | None = None,
    minutes: int = 24 * 60,
    slurm: Mapping[str, Any] | None = None,
) -> MakeExecutor:
    """A function that makes the executor once the study's folder is open.

    Nothing is started or submitted before that; what is wrong with the words is said at once.

    Raises:
        SettingError: If a value is out of range, or an option belongs to another executor.
    """
    if address is not None and kind != "ray":
        raise SettingError("`--address` belongs to a Ray cluster: add --executor ray.")
    if slurm and kind != "slurm":
        raise SettingError("`--slurm` belongs to a Slurm cluster: add --executor slurm.")
    if kind == "ray":
        return _ray(workers, gpus_per_run, address)
    if kind == "slurm":
        return _slurm(workers, gpus_per_run, minutes, slurm or {})
    return _local(workers, gpus_per_run)


def _local(workers: int | None, gpus_per_run: float) -> MakeExecutor:
    from ablations.engine.local import LocalExecutor
    from ablations.engine.slots import find_slots

    slots = find_slots(workers=workers, gpus_per_run=gpus_per_run)
    return lambda _: LocalExecutor(slots)


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
