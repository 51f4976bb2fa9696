"""What Lightning's checkpoints leave out, so that a run that goes on ends as one that was never interrupted."""

from collections.abc import Callable
from typing import Any

import lightning.pytorch as pl
from torch import Tensor

from ablations.subjects.lightning.epoch_watch import EpochWatch


class Continuation(EpochWatch):
    """Counts the finished epochs, and carries over an interruption what Lightning forgets.

    That is: that early stopping has decided (`should_stop`), the metrics that the Trainer shows, which callbacks
    and schedulers look up, and the step of `ReduceLROnPlateau` that follows the writing of the checkpoint.

    Args:
        on_start: Called when all is set up for the first step.
        options: The watch's.

    It inherits from the watch, against our custom: Lightning calls every callback eight times a step, so a
    second one beside the watch would cost a small network 1 % more.
    """

    state_key = "Continuation"

    def __init__(self, *, on_start: Callable[[], None] | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.on_start = on_start
        self.epochs_done = 0
        """Of this run, also before a resume; right at every moment that Lightning asks for batches."""
        self._should_stop = False
        self._metrics: dict[str, Tensor] = {}
        self._goes_on = self._goes_on_within = False

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint holds of it."""
        return {
            **super().state_dict(),
            "epochs_done": self.epochs_done,
            "should_stop": self._should_stop,
            "metrics": self._metrics,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take it up."""
        super().load_state_dict(state_dict)
        self.epochs_done = state_dict["epochs_done"]
        self._should_stop = state_dict["should_stop"]
        self._metrics = state_dict["metrics"]
        self._goes_on, self._goes_on_within = True, "seconds" in state_dict

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Stand behind the checkpoints that the module itself brought."""
        del pl_module, stage
        present: list[pl.Callback] = trainer.callbacks  # type: ignore[attr-defined]
        others = [one for one in present if one is not self]
        # Another list: Lightning is walking through this one.
        trainer.callbacks = [*others, self]  # type: ignore[attr-defined]

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Tell of the start, and stop where early stopping had decided so."""
        del pl_module
        if self.on_start is not None:
            self.on_start()
        if self._goes_on:
            trainer.should_stop = self._should_stop

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Show the metrics of the epoch that is done, and take the schedulers' step if it followed the checkpoint."""
        if not self._goes_on:
            return
        self._goes_on = False
        trainer.callback_metrics.update(self._metrics)
        if self._goes_on_within:
            self._seen = dict(trainer.callback_metrics)
            return
        if not pl_module.automatic_optimization:
            return
        for config in trainer.lr_scheduler_configs:
            due = config.interval == "epoch" and self.epochs_done % config.frequency == 0
            if config.reduce_on_plateau and due and config.monitor in self._metrics:
                pl_module.lr_scheduler_step(config.scheduler, self._metrics[config.monitor])

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Note what the checkpoint then holds, and do what the watch does."""
        self.epochs_done = trainer.current_epoch + 1
        self._should_stop = trainer.should_stop
        self._metrics = {
            name: value.detach().cpu().clone() for name, value in trainer.callback_metrics.items()
        }
        super().on_train_epoch_end(trainer, pl_module)
