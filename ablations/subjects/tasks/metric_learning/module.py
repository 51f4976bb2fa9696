"""An embedding network that learns under a margin loss and is judged by verification."""

from typing import Literal

import lightning.pytorch as pl
import torch
from torch import Tensor

from ablations.errors import SettingError
from ablations.subjects.attention.placing.build import build_network
from ablations.subjects.attention.settings.groups import Attention, Backbone
from ablations.subjects.tasks.metric_learning.heads import MarginHead
from ablations.subjects.tasks.metric_learning.verification import all_pairs, roc


class Embedder(pl.LightningModule):
    """Logs `val_eer` and `val_accuracy` of verification, over all pairs of the held-out images, and `train_loss`.

    Args:
        identities: How many there are to train on.
        channels: Of an image.
        backbone: A network of ours by its name; its head gives the embedding.
        width: Of the backbone, where it is free.
        embedding: Dimensions of an embedding.
        head: The loss's logits (`heads.MarginHead`).
        scale: Of the logits.
        margin: The paper's unless given.
        sample_rate: The share of identities whose centres a step sees.
        learning_rate: Of SGD with momentum, which a cosine takes to zero.
    """

    gives_logits = False
    """Nor would held-out identities have any: of the gates their openings alone are recorded."""

    def __init__(
        self,
        identities: int = 6,
        channels: int = 1,
        backbone: str = "cifar_resnet8",
        width: int = 8,
        embedding: int = 32,
        head: Literal["norm_softmax", "cosface", "arcface"] = "arcface",
        scale: float = 16.0,
        margin: float | None = None,
        sample_rate: float = 1.0,
        learning_rate: float = 0.1,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.channels, self.learning_rate = channels, learning_rate
        # The host alone: a space's `attach` says where attention goes.
        self.network = build_network(
            Backbone(name=backbone, width=width),
            Attention(placement="none"),
            in_channels=channels,
            classes=embedding,
        )
        self.head = MarginHead(
            embedding,
            identities,
            head=head,
            scale=scale,
            margin=margin,
            sample_rate=sample_rate,
        )
        self.seen: list[tuple[Tensor, Tensor]] = []

    def forward(self, x_nchw: Tensor) -> Tensor:
        """Embeddings (N, D).

        Raises:
            SettingError: If the images have other channels than the network takes.
        """
        if x_nchw.shape[1] != self.channels:
            raise SettingError(
                f"the network takes images of {self.channels} channels, but the data's have {x_nchw.shape[1]}: set "
                f"`model.channels={x_nchw.shape[1]}`."
            )
        z_nd: Tensor = self.network(x_nchw)
        return z_nd

    def training_step(self, batch: list[Tensor], _: int) -> Tensor:
        """The head's loss."""
        x_nchw, y_n = batch
        loss: Tensor = self.head(self(x_nchw), y_n)
        self.log("train_loss", loss, on_step=False, on_epoch=True)
        return loss

    def on_validation_epoch_start(self) -> None:
        """Forget earlier embeddings."""
        self.seen.clear()

    def validation_step(self, batch: list[Tensor], _: int) -> None:
        """Keep the embeddings: a pair's images may lie in two batches."""
        x_nchw, y_n = batch
        self.seen.append((self(x_nchw), y_n))

    def on_validation_epoch_end(self) -> None:
        """Logs both metrics."""
        found = roc(*all_pairs(*(torch.cat(parts) for parts in zip(*self.seen, strict=True))))
        self.log("val_eer", found.eer())
        self.log("val_accuracy", found.accuracy())

    def configure_optimizers(
        self,
    ) -> tuple[list[torch.optim.Optimizer], list[torch.optim.lr_scheduler.LRScheduler]]:
        """SGD, and a cosine over the epochs."""
        optimiser = torch.optim.SGD(
            self.parameters(), lr=self.learning_rate, momentum=0.9, weight_decay=5e-4, nesterov=True
        )
        epochs = self.trainer.max_epochs or 1
        return [optimiser], [torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)]
