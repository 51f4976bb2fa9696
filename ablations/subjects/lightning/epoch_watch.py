"""What happens at the end of an epoch: its record is handed on, the checkpoint kept, a diverged run ended."""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as pl

from ablations.errors import NonFinite


class EpochWatch(pl.Callback):
    """Hands each epoch's record on, keeps the checkpoint, and refuses numbers that are none.

    Args:
        on_epoch: Called after each epoch with its record; whatever it raises ends the training, with a
            checkpoint of that epoch.
        on_step: Called after each step.
        checkpoint: Where the last whole epoch is kept; None keeps none.
        checkpoint_seconds: Least age of the last checkpoint before the next one is written.
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
    ) -> None:
        self.on_epoch, self.on_step = on_epoch, on_step
        self.checkpoint, self.checkpoint_seconds = checkpoint, checkpoint_seconds
        self.last: dict[str, Any] = {}
        """The last epoch's record (`docs/study-folder.md`, epochs.jsonl)."""
        self._began = self._saved = time.monotonic()

    def state_dict(self) -> dict[str, Any]:
        """The last epoch's record, which a run that goes on after its last epoch ends with."""
        return {"last": self.last}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the record that a checkpoint holds."""
        self.last = state_dict["last"]

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """From here the epoch's seconds count."""
        del trainer, pl_module
        self._began = time.monotonic()

    def on_train_batch_end(self, *_: Any, **__: Any) -> None:
        """Tell of the step."""
        if self.on_step is not None:
            self.on_step()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Hand the record on, then end a diverged run, or write a checkpoint if the last is old.

        Raises:
            NonFinite: If a loss is NaN or infinite.
        """
        del pl_module
        self.last = self._record(trainer)
        try:
            if self.on_epoch is not None:
                self.on_epoch(self.last)
        except Exception:
            if self._is_finite():
                self._save(trainer)
            raise
        if not self._is_finite():
            raise NonFinite(
                f"the loss must be finite, but after epoch {self.last['epoch']} it is "
                f"{self.last['train_loss']} in training and {self.last['val_loss']} in validation: "
                "the run diverged. A smaller learning rate or a longer warm-up may help."
            )
        is_last = trainer.current_epoch + 1 == trainer.max_epochs
        if not is_last and time.monotonic() - self._saved >= self.checkpoint_seconds:
            self._save(trainer)

    def _record(self, trainer: pl.Trainer) -> dict[str, Any]:
        measured = {name: float(value) for name, value in trainer.callback_metrics.items()}
        return {
            "epoch": trainer.current_epoch + 1,
            "train_loss": measured["train_loss"],
            "val_loss": measured["val_loss"],
            "val_accuracy": measured["val_accuracy"],
            "learning_rate": float(trainer.optimizers[0].param_groups[0]["lr"]),
            "seconds": time.monotonic() - self._began,
        }

    def _is_finite(self) -> bool:
        return all(math.isfinite(self.last[name]) for name in ("train_loss", "val_loss"))

    def _save(self, trainer: pl.Trainer) -> None:
        if self.checkpoint is not None:
            trainer.save_checkpoint(self.checkpoint)
            self._saved = time.monotonic()
