"""Lightning's loop over an epoch's batches, with a moment between two at which a run can be left and taken up."""

from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.loops.training_epoch_loop import _TrainingEpochLoop

from ablations.subjects.lightning.epoch_watch import EpochWatch


class Epochs(_TrainingEpochLoop):
    """The loop that a Trainer has, put in place as `trainer.fit_loop.epoch_loop`, as Lightning puts its own there.

    A batch is done when its hooks, the schedulers and a validation that follows it are. `on_train_batch_end`, where
    callbacks write checkpoints, is earlier: what the module's own hook does there would be lost.

    Args:
        trainer: Whose loop it is.
        watch: Is told after each batch, and has what a checkpoint within an epoch held.
    """

    def __init__(self, trainer: pl.Trainer, *, watch: EpochWatch) -> None:
        present = trainer.fit_loop.epoch_loop
        super().__init__(trainer, present.min_steps, present.max_steps)
        self._watch = watch

    def on_run_start(self, data_fetcher: Any) -> None:
        """Begin the epoch, or go on in its middle."""
        goes_on, fit_loop = self.restarting, self.trainer.fit_loop
        if goes_on and fit_loop._combined_loader_states_to_load:
            # Where a schedule asked for the number of steps, Lightning began the loader before it read the checkpoint.
            fit_loop._load_combined_loader_states()
            iter(data_fetcher)
        super().on_run_start(data_fetcher)
        if goes_on:
            self._watch.take_up(self.trainer)
            # What was logged in the first batch from here on is not the epoch's first.
            self.trainer._logger_connector._first_loop_iter = True
            # All that Lightning would look for is done; it would leave out a step of `ReduceLROnPlateau` at the end.
            self._restarting = fit_loop._restarting = False
            self.val_loop.restarting = False

    def on_advance_end(self, data_fetcher: Any) -> None:
        """What Lightning does after a batch, then the moment between two."""
        super().on_advance_end(data_fetcher)
        self._watch.between(self.trainer, done=self.batch_progress.current.completed)
