"""An optimizer and a scheduler that a space names, in place of a module's own, as LightningCLI takes them."""

from collections.abc import Callable
from typing import Any

from lightning.pytorch.cli import LightningCLI, LRSchedulerCallable, OptimizerCallable


def schedule_of(
    optimizer: OptimizerCallable, lr_scheduler: LRSchedulerCallable | None = None
) -> Callable[[Any], Any]:
    """A `configure_optimizers`.

    Args:
        optimizer: Of the module's parameters.
        lr_scheduler: Of the optimizer; steps once an epoch.
    """

    def configure_optimizers(module: Any) -> Any:
        rule = optimizer(module.parameters())
        steered = None if lr_scheduler is None else lr_scheduler(rule)
        return LightningCLI.configure_optimizers(module, rule, steered)

    return configure_optimizers
