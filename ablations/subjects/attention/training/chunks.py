"""Lightning's work around a step, once for several steps.

Lightning calls dozens of functions around each batch, for hooks that a run of ours has no use for. Here all batches
but the last of each chunk are trained by the lines of a bare loop, and that one by Lightning as usual. The arithmetic
is the same, and so are the counters that a run goes on by: a checkpoint does not tell which way it was come to.
"""

from collections.abc import Callable
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.utilities.model_helpers import is_overridden

from ablations.subjects.lightning.epoch_watch import EpochWatch
from ablations.subjects.lightning.epochs import Epochs

CHUNK = 8
"""Batches, or fewer at the end of an epoch. An eighth of Lightning's work around them is left."""
BATCH_HOOKS = (
    "on_train_batch_start",
    "on_before_zero_grad",
    "on_before_backward",
    "on_after_backward",
    "on_before_optimizer_step",
    "on_train_batch_end",
)


class ChunkedEpochs(Epochs):
    """The loop over an epoch's batches that a Trainer has, in chunks where nothing has to see every batch.

    For an `AttentionClassifier`, and a Trainer without logger, profiler or limit of its steps.

    Args:
        trainer: Whose loop it is.
        watch: Is told after each chunk.
        on_step: Called after each step that Lightning's hooks are not; the watch calls it after the others.
    """

    def __init__(
        self, trainer: pl.Trainer, *, watch: EpochWatch, on_step: Callable[[], None] | None
    ) -> None:
        super().__init__(trainer, watch=watch)
        self._on_step = on_step
        self._size = 1

    def on_run_start(self, data_fetcher: Any) -> None:
        """See whether this epoch can be trained in chunks."""
        super().on_run_start(data_fetcher)
        self._size = CHUNK if _in_chunks(self.trainer) else 1

    def advance(self, data_fetcher: Any) -> None:
        """Train a chunk, its last batch with all that Lightning does."""
        left = int(self.trainer.num_training_batches) - self.batch_progress.current.ready
        for _ in range(min(self._size, left) - 1):
            batch, *_ = next(data_fetcher)
            self._step(batch)
        super().advance(data_fetcher)

    def _step(self, batch: Any) -> None:
        module: Any = self.trainer.lightning_module
        (optimiser,) = self.trainer.optimizers
        self.batch_progress.increment_ready()
        self.batch_progress.increment_started()
        loss = module.training_step(batch, self.batch_idx)
        module.optimizer_zero_grad(self.trainer.current_epoch, self.batch_idx, optimiser)
        module.backward(loss)
        module.configure_gradient_clipping(optimiser)
        optimiser.step()
        self.automatic_optimization.optim_progress.optimizer.step.increment_ready()
        self.automatic_optimization.optim_progress.optimizer.step.increment_completed()
        self.batch_progress.increment_processed()
        self.update_lr_schedulers("step", update_plateau_schedulers=False)
        self.batch_progress.increment_completed()
        if self._on_step is not None:
            self._on_step()


def _in_chunks(trainer: pl.Trainer) -> bool:
    """Whether each batch is a step in full precision of this process alone, and no callback has to see it."""
    present: list[pl.Callback] = trainer.callbacks  # type: ignore[attr-defined]
    others = [one for one in present if not isinstance(one, EpochWatch)]
    seen = any(is_overridden(hook, one, pl.Callback) for one in others for hook in BATCH_HOOKS)
    alone = trainer.world_size == 1 and trainer.accumulate_grad_batches == 1
    return alone and trainer.precision == "32-true" and not seen
