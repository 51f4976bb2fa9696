"""What Lightning's checkpoints leave out, so that a run that goes on ends as one that was never interrupted."""

from collections.abc import Callable
from typing import Any

import lightning.pytorch as pl
from torch import Tensor

from ablations.subjects.lightning.epoch_watch import EpochWatch
from ablations.subjects.lightning.logged import log_on, logged_so_far, not_to_be_kept
from ablations.subjects.lightning.ranks import of_all_ranks, of_this_rank


class Continuation(EpochWatch):
    """Counts the finished epochs, and carries over an interruption what Lightning forgets.

    That is: that early stopping has decided (`should_stop`), the metrics that the Trainer shows, which callbacks
    and schedulers look up, and the step of `ReduceLROnPlateau` that follows the writing of the checkpoint; within an
    epoch what it logged so far.

    Args:
        on_start: Called when all is set up for the first step.
        why_again: Says, when the loaders are there, why an interrupted epoch has to be trained from its beginning;
            nothing where it can go on.
        options: The watch's.

    It inherits from the watch, against our custom: Lightning calls every callback eight times a step, so a
    second one beside the watch would cost a small network 1 % more.
    """

    state_key = "Continuation"

    def __init__(
        self,
        *,
        on_start: Callable[[], None] | None = None,
        why_again: Callable[[pl.Trainer], str] = lambda _: "",
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.on_start, self._why_again = on_start, why_again
        self.again = ""
        """What `why_again` said."""
        self.epochs_done = 0
        """Of this run, also before a resume; right at every moment that Lightning asks for batches."""
        self._should_stop = False
        self._metrics: dict[str, Tensor] = {}
        self._goes_on = self._goes_on_within = False
        self._within: dict[str, Any] = {}
        """Of an epoch that is not at its end: its metrics, which of them are new, and what each process logged."""

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint holds of it."""
        return {
            **super().state_dict(),
            "epochs_done": self.epochs_done,
            "should_stop": self._should_stop,
            "metrics": self._metrics,
            **(self._within if self._is_within else {}),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take it up."""
        super().load_state_dict(state_dict)
        self.epochs_done = state_dict["epochs_done"]
        self._should_stop = state_dict["should_stop"]
        self._metrics = state_dict["metrics"]
        self._goes_on, self._goes_on_within = True, "seconds" in state_dict
        self._within = {name: state_dict[name] for name in ("new", "logged") if name in state_dict}

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
        if self.within_seconds is not None:
            self.again = self._why_again(trainer)
        if not self._goes_on:
            return
        self._goes_on = False
        trainer.callback_metrics.update(self._metrics)
        if self._goes_on_within:
            new = self._within.get("new", ())
            shown = trainer.callback_metrics.items()
            self._seen = {name: value for name, value in shown if name not in new}
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
        self._metrics = _copied(trainer.callback_metrics)
        super().on_train_epoch_end(trainer, pl_module)

    def between(self, trainer: pl.Trainer, *, done: int) -> None:
        """Do what the watch does, where the epoch can go on from there."""
        if done == 1 and not self.again:
            self.again = not_to_be_kept(trainer)
        if not self.again:
            super().between(trainer, done=done)

    def gather(self, trainer: pl.Trainer) -> bool:
        """What was logged, and the metrics that the Trainer shows as they are: asking it for them would show others."""
        self.again = not_to_be_kept(trainer)
        if self.again:
            return False
        shown = trainer._logger_connector._callback_metrics
        self._within = {
            "metrics": _copied(shown),
            "new": [name for name, value in shown.items() if self._seen.get(name) is not value],
            "logged": of_all_ranks(trainer, logged_so_far(trainer)),
        }
        return True

    def take_up(self, trainer: pl.Trainer) -> None:
        """Go on with what this process had logged."""
        if "logged" in self._within:
            log_on(trainer, of_this_rank(trainer, self._within["logged"]))


def _copied(metrics: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().cpu().clone() for name, value in metrics.items()}
