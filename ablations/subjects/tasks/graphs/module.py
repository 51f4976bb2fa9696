"""A graph classifier as a LightningModule."""

import lightning.pytorch as pl
import torch
from torch import Tensor
from torch.nn import functional as F

from ablations.errors import SettingError
from ablations.subjects.tasks.graphs.network import GraphNetwork


class GraphClassifier(pl.LightningModule):
    """Logs `val_loss`, in nats, and `val_accuracy`.

    Args:
        features: Of a node.
        classes: Of graphs.
        width: Channels of a node.
        depth: Layers of message passing.
        learning_rate: Of AdamW.
    """

    def __init__(
        self,
        features: int = 3,
        classes: int = 10,
        width: int = 32,
        depth: int = 3,
        learning_rate: float = 3e-3,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.features, self.classes, self.learning_rate = features, classes, learning_rate
        self.network = GraphNetwork(features, classes=classes, width=width, depth=depth)

    def training_step(self, batch: list[Tensor], _: int) -> Tensor:
        """Mean cross-entropy of the graphs."""
        self._check(batch)
        loss = F.cross_entropy(self.network(*batch[:3]), batch[3])
        self.log("train_loss", loss, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch: list[Tensor], _: int) -> None:
        """Logs both metrics."""
        self._check(batch)
        logits_nk, y_n = self.network(*batch[:3]), batch[3]
        count = len(y_n)
        self.log("val_loss", F.cross_entropy(logits_nk, y_n), batch_size=count)
        self.log("val_accuracy", (logits_nk.argmax(1) == y_n).float().mean(), batch_size=count)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW."""
        return torch.optim.AdamW(self.parameters(), lr=self.learning_rate)

    def _check(self, batch: list[Tensor]) -> None:
        found, classes = batch[0].shape[2], int(batch[3].max()) + 1
        if found != self.features:
            raise SettingError(
                f"the network takes nodes of {self.features} features, but the data's have {found}: set "
                f"`model.features={found}`."
            )
        if classes > self.classes:
            raise SettingError(
                f"the network tells {self.classes} classes apart, but the data have {classes} or more: set "
                "`model.classes` to their number."
            )
