"""What the gates of a run's network do on validation examples: distribution by class, variance, saturation, gradients.

The questions are those of the SENet paper, section 7.2 (arXiv 1709.01507): are the gates specific to the
class, and do they saturate? Notation: g_nc, gates of shape (examples, channels).
"""

import json
import logging
import math
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor, nn

from ablations.subjects.attention.blocks.gates import GATES
from ablations.subjects.attention.data.examples import Labelled
from ablations.subjects.attention.training.gate_statistics import gates_of, variances
from ablations.subjects.attention.training.module import AttentionClassifier

BINS = 20
BUDGET = 0.02
"""Of the examples a run trains on; `benchmarks/gate_recorder.py` measures what that costs."""
MOST_EXAMPLES = 512
MOST_RECORDS = 10
UNBOUNDED = 4.0
"""The end of the histogram of a gate that has none; gates beyond it are in the last bin."""
SATURATED = 0.05
"""Of the gate's range, from either end."""

NO_GATES = (
    "No gates are recorded: no block of this network has a gate per channel that is looked at (`kind=squeeze_excite` "
    "and the kinds that contain it have)."
)


class GateRecorder(pl.Callback):
    """Appends lines to `gates.jsonl` at a few epochs, the last among them, within the budget.

    Args:
        path: The file, in the attempt's folder.
        gate: Name of the gate (`settings.Attention.gate`).
        val: The validation examples; a stratified sample is used where the budget asks for it.
        epochs: Epochs of the run.
        train_examples: Examples in an epoch.
    """

    def __init__(
        self, path: Path, *, gate: str, val: Labelled, epochs: int, train_examples: int
    ) -> None:
        budget = BUDGET * epochs * train_examples
        count = max(1, min(len(val), MOST_EXAMPLES, int(budget)))
        records = max(1, min(MOST_RECORDS, epochs, int(budget / count)))
        self.epochs = frozenset(epochs * (i + 1) // records for i in range(records))
        self.path = path
        # Every k-th example of the order by class: each class keeps its share.
        order = torch.argsort(val.y, stable=True)
        chosen = order[torch.linspace(0, len(order) - 1, count, device=order.device).long()]
        self.sample = val[chosen]
        known = GATES.get(gate)
        self.low = known.low if known is not None else 0.0
        self.high = known.high if known is not None and math.isfinite(known.high) else UNBOUNDED

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Record this epoch, in one process of those that train the run."""
        if trainer.is_global_zero:
            assert isinstance(pl_module, AttentionClassifier)
            # A compiled network shows its gates to nobody.
            with torch.compiler.set_stance("force_eager"):
                self.record(pl_module.network, trainer.current_epoch + 1)

    def record(self, network: nn.Module, epoch: int) -> None:
        """Look at the gates after an epoch, if it is one of those chosen."""
        if epoch not in self.epochs:
            return
        lines = [
            {"epoch": epoch, **self._line(name, g_nc, gradient)}
            for name, g_nc, gradient in gates_of(network, self.sample)
        ]
        if not lines:
            if epoch == min(self.epochs):  # in the run's log
                logging.getLogger(__name__).warning(NO_GATES)
            return
        with self.path.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)

    def _line(self, name: str, g_nc: Tensor, gradient: Tensor) -> dict[str, Any]:
        between, within = variances(g_nc, self.sample.y)
        edge = SATURATED * (self.high - self.low)
        return {
            "block": name,
            "stage": f"{g_nc.shape[1]} channels",
            "low": self.low,
            "high": self.high,
            "counts": {
                str(c): self._counts(g_nc[self.sample.y == c])
                for c in sorted(set(self.sample.y.tolist()))
            },
            "mean": float(g_nc.mean()),
            "between": between,
            "within": within,
            "saturated_low": float((g_nc < self.low + edge).float().mean()),
            "saturated_high": float((g_nc > self.high - edge).float().mean()),
            "above_one": float((g_nc > 1).float().mean()) if self.high > 1 else None,
            "gradient_norm": float(gradient.norm()),
        }

    def _counts(self, g: Tensor) -> list[int]:
        inside = g.clamp(self.low, self.high).float().cpu()
        return [int(n) for n in torch.histc(inside, BINS, self.low, self.high)]
