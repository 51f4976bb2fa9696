"""What happens at the end of an epoch: its record is handed on, the checkpoint kept, a diverged run ended."""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Checkpoint
from torch import Tensor

from ablations.context import Stopped
from ablations.errors import NonFinite, SettingError
from ablations.subjects.lightning.epoch_rule import EpochRule

LOSSES = ("train_loss", "val_loss")
TOGETHER = 8
"""Batches after which the processes of a run ask each other whether to write a checkpoint within an epoch."""
OWN = ("epoch", "seconds")
"""What an epoch's record has of its own, so that nothing may be logged under these names."""


class EpochWatch(Checkpoint):
    """Hands each epoch's record on, keeps the checkpoint, and refuses numbers that are none.

    It is one of Lightning's `Checkpoint`s, so that it runs after everything else at the end of an epoch, and what
    it writes holds what early stopping and the user's own checkpoints came to.

    Args:
        on_epoch: Called after each epoch with its record; whatever it raises ends the training, with a
            checkpoint of that epoch.
        on_step: Called after each step.
        checkpoint: Where the run is kept to go on from; None keeps nothing.
        checkpoint_seconds: Least age of the last checkpoint before the next one is written.
        finite: The metrics that end the run where they are NaN or infinite; another is recorded as None then.
        rule: Which epoch's record is `kept`; None keeps none but the last.
        best: Where the weights of the epoch that the rule keeps are written.
        within_seconds: Age of the last checkpoint at which one is written within an epoch; None where the training
            could not go on from there.
        stopping: Whether the run was asked to hand itself back: it then ends within the epoch, with a checkpoint.
    """

    state_key = "_Watch"
    """Under which a checkpoint holds its state; another would lose that of the checkpoints in folders that exist."""

    def __init__(
        self,
        *,
        on_epoch: Callable[[dict[str, Any]], None] | None,
        on_step: Callable[[], None] | None,
        checkpoint: Path | None,
        checkpoint_seconds: float,
        finite: tuple[str, ...] = LOSSES,
        rule: EpochRule | None = None,
        best: Path | None = None,
        within_seconds: float | None = None,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self.on_epoch, self.on_step = on_epoch, on_step
        self.checkpoint, self.checkpoint_seconds = checkpoint, checkpoint_seconds
        self.last: dict[str, Any] = {}
        """The last epoch's record (`docs/study-folder.md`, epochs.jsonl)."""
        self.kept: dict[str, Any] = {}
        """The record of the epoch that the rule names, so far."""
        self.finite, self.rule, self.best = finite, rule, best
        self.within_seconds, self.stopping = within_seconds, stopping
        self._is_within = False
        """Whether the checkpoint that is being written is one within an epoch."""
        self._seen: dict[str, Tensor] = {}
        self._began = self._saved = time.monotonic()

    def state_dict(self) -> dict[str, Any]:
        """The last epoch's record, which a run that goes on after its last epoch ends with; within one, its time."""
        kept = {} if self.rule is None else {"kept": self.kept}
        within = {"seconds": time.monotonic() - self._began} if self._is_within else {}
        return {"last": self.last, **kept, **within}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the record that a checkpoint holds."""
        self.last, self.kept = state_dict["last"], state_dict.get("kept", {})
        self._began = time.monotonic() - state_dict.get("seconds", 0.0)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """From here the epoch's seconds count."""
        del pl_module
        self._seen = dict(trainer.callback_metrics)
        self._began = time.monotonic()

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Tell of the step."""
        del trainer, pl_module, outputs, batch, batch_idx
        if self.on_step is not None:
            self.on_step()

    def between(self, trainer: pl.Trainer, *, done: int) -> None:
        """Write a checkpoint if it is time for one within the epoch.

        Args:
            trainer: Which trains.
            done: Batches of the epoch that are done, with all that belongs to them.

        Raises:
            Stopped: If the run was asked to hand itself back, and is kept.
        """
        if self.within_seconds is None or self.checkpoint is None:
            return
        if not _is_between_steps(trainer, done):
            return
        stops = _any_rank(trainer, self.stopping())
        age = time.monotonic() - self._saved
        due = _any_rank(trainer, age >= (self.checkpoint_seconds if stops else self.within_seconds))
        if due and self.gather(trainer):
            self._is_within = True
            self._save(trainer)
            self._is_within = False
            if stops:
                raise Stopped

    def gather(self, trainer: pl.Trainer) -> bool:
        """Collect from all processes what a checkpoint within the epoch must hold of each; whether that can be done."""
        del trainer
        return True

    def take_up(self, trainer: pl.Trainer) -> None:
        """Put back what a checkpoint within the epoch held of this process."""

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Hand the record on, then end a diverged run, or write a checkpoint if the last is old.

        Raises:
            NonFinite: If a metric that must be finite is not.
            SettingError: If the module logs something under a name that the record has of its own.
        """
        self.last = self._record(trainer, pl_module)
        self._keep(trainer)
        try:
            if self.on_epoch is not None:
                self.on_epoch(self.last)
        except Exception:
            if self._is_finite():
                self._save(trainer)
            raise
        if not self._is_finite():
            raise NonFinite(self._diverged())
        is_last = trainer.current_epoch + 1 == trainer.max_epochs
        is_due = not is_last and time.monotonic() - self._saved >= self.checkpoint_seconds
        # All ranks write or none: they wait for each other, and each has a clock of its own.
        if trainer.strategy.reduce_boolean_decision(is_due, all=False):
            self._save(trainer)

    def _record(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> dict[str, Any]:
        # The Trainer goes on showing a metric in epochs that did not measure it.
        fresh = {
            name: float(value)
            for name, value in trainer.callback_metrics.items()
            if self._seen.get(name) is not value
        }
        if taken := [name for name in OWN if name in fresh]:
            raise SettingError(logged_under(taken[0], by=type(pl_module).__name__))
        rates = [
            group["lr"] for optimiser in trainer.optimizers for group in optimiser.param_groups
        ]
        return {
            # A rate that the module logs itself is the one that it means.
            **({"learning_rate": float(rates[0])} if rates else {}),
            **{
                name: value if math.isfinite(value) or name in self.finite else None
                for name, value in fresh.items()
                if not (name.endswith("_step") and f"{name.removesuffix('_step')}_epoch" in fresh)
            },
            "epoch": trainer.current_epoch + 1,
            "seconds": time.monotonic() - self._began,
        }

    def _keep(self, trainer: pl.Trainer) -> None:
        if self.rule is not None and self.rule.prefers(self.last, self.kept):
            self.kept = self.last
            if self.best is not None:
                trainer.save_checkpoint(self.best, weights_only=True)

    def _is_finite(self) -> bool:
        return all(math.isfinite(self.last.get(name, 0.0)) for name in self.finite)

    def _diverged(self) -> str:
        name = next(one for one in self.finite if not math.isfinite(self.last.get(one, 0.0)))
        return (
            f"`{name}` must be finite, but is {self.last[name]} after epoch {self.last['epoch']}: the run diverged. "
            "A smaller learning rate or a longer warm-up may help."
        )

    def _save(self, trainer: pl.Trainer) -> None:
        if self.checkpoint is not None:
            trainer.save_checkpoint(self.checkpoint)
            self._saved = time.monotonic()


def logged_under(name: str, *, by: str) -> str:
    """The sentence for a number that is logged under a name of the record's own."""
    return (
        f"`{by}` logs a number called {name!r}, which every run's record has of its own. Log it under another name, "
        f"`val_{name}` say."
    )


def _is_between_steps(trainer: pl.Trainer, done: int) -> bool:
    """Whether a checkpoint after so many batches holds all there is: no half of a step, and not the epoch's end.

    Processes that train together have to agree on it, which takes them longer than to look at a clock.
    """
    whole = done % trainer.accumulate_grad_batches == 0
    met = trainer.world_size == 1 or done % TOGETHER == 0
    return whole and met and done < trainer.num_training_batches and not trainer.should_stop


def _any_rank(trainer: pl.Trainer, said: bool) -> bool:
    if trainer.world_size == 1:
        return said
    return trainer.strategy.reduce_boolean_decision(said, all=False)
