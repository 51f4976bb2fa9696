"""Looks at the gates of a run's network after some of its epochs, within a budget.

At the end of the run `recording.channels` looks at each channel.
"""

import json
import logging
from pathlib import Path

import lightning.pytorch as pl
from torch import nn

from ablations.subjects.attention.data.examples import Labelled
from ablations.subjects.attention.recording.lines import line
from ablations.subjects.attention.recording.looking import gates_of
from ablations.subjects.attention.recording.sample import MOST_EXAMPLES, stratified
from ablations.subjects.attention.recording.watching import NO_GATES
from ablations.subjects.attention.training.module import AttentionClassifier

BUDGET = 0.02
"""Of the examples a run trains on; `benchmarks/gate_recorder.py` measures what that costs."""
MOST_RECORDS = 10


class GateRecorder(pl.Callback):
    """Appends lines to `gates.jsonl` at a few epochs, the last among them, within the budget.

    Args:
        path: The file, in the attempt's folder.
        val: The validation examples; a stratified sample is used where the budget asks for it.
        epochs: Epochs of the run.
        train_examples: Examples in an epoch.
    """

    def __init__(self, path: Path, *, val: Labelled, epochs: int, train_examples: int) -> None:
        budget = BUDGET * epochs * train_examples
        count = max(1, min(len(val), MOST_EXAMPLES, int(budget)))
        records = max(1, min(MOST_RECORDS, epochs, int(budget / count)))
        self.epochs = frozenset(epochs * (i + 1) // records for i in range(records))
        self.path = path
        self.sample = stratified(val, count)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Record this epoch, in one process of those that train the run."""
        if trainer.is_global_zero:
            assert isinstance(pl_module, AttentionClassifier)
            self.record(pl_module.network, trainer.current_epoch + 1)

    def record(self, network: nn.Module, epoch: int) -> None:
        """Look at the gates after an epoch, if it is one of those chosen."""
        if epoch not in self.epochs:
            return
        lines = [
            {
                "epoch": epoch,
                **line(
                    look.name,
                    look.block,
                    look.g_nc,
                    self.sample.y,
                    gradient_norm=look.gradient_norm,
                ),
            }
            for look in gates_of(network, self.sample)
        ]
        if not lines:
            if epoch == min(self.epochs):  # in the run's log
                logging.getLogger(__name__).warning(NO_GATES)
            return
        with self.path.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)
