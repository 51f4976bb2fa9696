"""From the command line's words to what places runs: this machine, Ray or Slurm."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from ablations.cli.options.arguments import Whole, assignments
from ablations.errors import SettingError
from plain_files.numbers import as_given

if TYPE_CHECKING:
    from ablations.engine.executors.executor import Executor
    from ablations.engine.executors.local import LocalExecutor
    from ablations.engine.records.folder import StudyFolder

DAY = 24 * 60
MOST_MINUTES = 10 * 365 * DAY
MOST_GPUS = 1024
MakeExecutor = Callable[["StudyFolder"], "Executor"]


@Parameter(name="*", group="Where it runs")
@dataclass(frozen=True, kw_only=True)
class ExecutorOptions:
    """Where runs are placed; the defaults are this machine and all of it."""

    executor: Literal["local", "ray", "slurm"] = "local"
    """Where runs are placed: local, ray or slurm."""
    workers: Annotated[Whole | None, Parameter(alias="-j")] = None
    """Runs at a time, or stacks of them; every GPU, or every core, by default. Slurm needs it: jobs."""
    gpus_per_run: float = 1.0
    """0.25 shares a GPU among four runs, 2 gives each run two."""
    stack: Whole = 1
    """Runs, best seeds of one arm, that each worker trains in step as one wider network;
    docs/execution.md."""
    address: str | None = None
    """Of a Ray cluster; one is started on this machine without it."""
    minutes: Whole | None = None
    """Time limit of a Slurm job, a day by default; it may be shorter than the study."""
    slurm: Annotated[tuple[str, ...], Parameter(name="--slurm")] = ()
    """A job's parameter, as partition=gpu; repeatable."""


@contextmanager
def ready_executor(options: ExecutorOptions, *, train: str, runs: int) -> Iterator[MakeExecutor]:
    """A function that makes the executor once the study's folder is open.

    What is wrong with the options is said at once. On this machine as many workers as there are runs, at
    most, begin to import torch and Lightning, which takes longer than to plan a study; they end with the
    block. On Ray and Slurm nothing is started or submitted before the folder is open.

    Raises:
        SettingError: If a value is out of range, or an option belongs to another executor.
    """
    parameters = check_executor(options)
    if options.executor == "ray":
        yield _ray(options)
    elif options.executor == "slurm":
        yield _slurm(options, parameters)
    else:
        local = _local(options, train=train, runs=runs)
        try:
            yield lambda _: local
        finally:
            local.close()


def check_executor(options: ExecutorOptions) -> dict[str, str]:
    """The parameters of Slurm's jobs, if every option is in range and has an effect where the runs are placed.

    Raises:
        SettingError: If not.
    """
    parameters = assignments(options.slurm, option="--slurm")
    if options.address is not None and options.executor != "ray":
        raise SettingError("`--address` belongs to a Ray cluster: add --executor ray.")
    for option, given in (("--slurm", parameters), ("--minutes", options.minutes)):
        if given and options.executor != "slurm":
            raise SettingError(f"`{option}` belongs to a Slurm cluster: add --executor slurm.")
    if options.minutes is not None and not 1 <= options.minutes <= MOST_MINUTES:
        raise SettingError(
            f"`--minutes` must be from 1 to {MOST_MINUTES:,}, but is {options.minutes}."
        )
    if not 0 < options.gpus_per_run <= MOST_GPUS:
        raise SettingError(
            f"`--gpus-per-run` must be a share of a GPU up to 1 or a whole number of them up to {MOST_GPUS}, but is "
            f"{as_given(options.gpus_per_run)}."
        )
    refuse_stack(options)
    return parameters


def refuse_stack(options: ExecutorOptions) -> None:
    """Refuse a stack of no run, on a cluster, or of runs of several processes, in the command line's words.

    Raises:
        SettingError: If so.
    """
    stack = options.stack
    if stack < 1:
        raise SettingError(f"`--stack` must be at least 1, but is {stack}.")
    if stack > 1 and options.executor != "local":
        raise SettingError(
            "`--stack` belongs to this machine's own executor: leave out "
            f"--executor {options.executor}, or --stack {stack}."
        )
    if stack > 1 and options.gpus_per_run > 1:
        raise SettingError(
            f"`--stack` must be 1 where a run has several GPUs, but is {stack} with --gpus-per-run "
            f"{as_given(options.gpus_per_run)}. Give each run at most one GPU, or do not stack."
        )


def _local(options: ExecutorOptions, *, train: str, runs: int) -> "LocalExecutor":
    from ablations.engine.executors.local import LocalExecutor
    from ablations.engine.executors.slots import check_gpus, find_slots

    slots = find_slots(
        workers=options.workers, gpus_per_run=options.gpus_per_run, stack=options.stack
    )
    check_gpus(list(dict.fromkeys(gpu for slot in slots for gpu in slot.gpus)))
    local = LocalExecutor(slots)
    local.prepare(train, runs=runs)
    return local


def _ray(options: ExecutorOptions) -> MakeExecutor:
    from ablations.engine.executors.ray import RayExecutor
    from ablations.engine.executors.slots import find_gpus

    address = options.address
    # A cluster that is started here has this machine's GPUs; an existing one is asked for them.
    gpus = options.gpus_per_run if address is not None or find_gpus() else 0.0
    return lambda _: RayExecutor(slots=options.workers, address=address, gpus_per_run=gpus)


def _slurm(options: ExecutorOptions, parameters: dict[str, str]) -> MakeExecutor:
    from ablations.engine.executors.slurm import SlurmExecutor

    workers, gpus = options.workers, options.gpus_per_run
    if workers is None:
        raise SettingError("`--workers` must say how many Slurm jobs to submit.")
    if gpus != int(gpus):
        raise SettingError(
            f"`gpus_per_run` of a Slurm job must be a whole number, but got {as_given(gpus)}."
        )
    named = {f"slurm_{name}": value for name, value in parameters.items()}
    return lambda folder: SlurmExecutor(
        folder,
        slots=workers,
        minutes=DAY if options.minutes is None else options.minutes,
        gpus_per_run=int(gpus),
        parameters=named,
    )
