"""From the command line's words to how a study is executed: where runs are placed, who watches, where it lies."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from ablations.cli.options.arguments import ROOT, Root
from ablations.cli.options.executors import ExecutorOptions

if TYPE_CHECKING:
    from ablations.cli.options.executors import MakeExecutor
    from ablations.studies.study import Execution


@Parameter(name="*", group="Where it runs")
@dataclass(frozen=True, kw_only=True)
class ExecutionOptions(ExecutorOptions):
    """What every command takes that executes runs; the defaults are this machine and all of it."""

    wandb: Literal["offline", "online", "disabled"] = "offline"
    """Where W&B's view goes; offline writes files only."""
    storage: str | None = None
    """An Optuna storage URL for the index; the study's own journal by default."""
    wait: Annotated[bool, Parameter(negative=())] = False
    """Wait where another process runs the study, instead of saying so."""
    root: Root = ROOT


@Parameter(name="*", group="Where it runs")
@dataclass(frozen=True, kw_only=True)
class ContinuingOptions(ExecutionOptions):
    """The same where the study has begun."""

    storage: str | None = None
    """An Optuna storage URL for the index; the one that the study was started with by default."""


USUAL = ExecutionOptions()
AS_IT_BEGAN = ContinuingOptions()


def execution(options: ExecutionOptions, executor: "MakeExecutor") -> "Execution":
    """How `ablations.studies.study` is to execute, with a progress display."""
    import optuna

    from ablations.engine.supervision.progress import make_progress
    from ablations.studies.study import Execution

    # The progress display says what runs; Optuna's own lines would go through it.
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return Execution(
        executor=executor,
        stack=options.stack,
        wandb=options.wandb,
        progress=make_progress(),
        storage=options.storage,
        wait=options.wait,
    )
