"""A small vision transformer that can be without its self-attention."""

from typing import Literal

import lightning.pytorch as pl
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ablations.subjects.attention.networks.vit import Layer, SmallVit
from ablations.subjects.attention.placing.build import build_network
from ablations.subjects.attention.settings.groups import Attention, Backbone


class TokenClassifier(pl.LightningModule):
    """Logs `val_loss`, in nats, and `val_accuracy`.

    A layer is x + mixing(norm(x)), then its MLP. Channel attention at `network.layers.?.mixing` gates what
    self-attention reads (placement `pre`) or gives (`standard`); with `mixing="none"`, where norm(x) itself is gated,
    it is all that lets a token know of the others.

    Args:
        channels: Of an image.
        classes: Of images.
        width: A token has four times as many channels.
        mixing: What lets tokens see each other.
        learning_rate: Of AdamW.
    """

    def __init__(
        self,
        channels: int = 1,
        classes: int = 10,
        width: int = 8,
        mixing: Literal["self_attention", "none"] = "self_attention",
        learning_rate: float = 3e-3,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.learning_rate = learning_rate
        network = build_network(
            Backbone(name="small_vit", width=width),
            Attention(placement="none"),
            in_channels=channels,
            classes=classes,
        )
        assert isinstance(network, SmallVit)
        if mixing == "none":
            for layer in network.layers:
                assert isinstance(layer, Layer)
                layer.add_module("mixing", nn.Identity())
        self.network = network

    def forward(self, x_nchw: Tensor) -> Tensor:
        """Logits (N, classes)."""
        logits_nk: Tensor = self.network(x_nchw)
        return logits_nk

    def training_step(self, batch: list[Tensor], _: int) -> Tensor:
        """Mean cross-entropy of the images."""
        loss = F.cross_entropy(self(batch[0]), batch[1])
        self.log("train_loss", loss, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch: list[Tensor], _: int) -> None:
        """Logs both metrics."""
        logits_nk, y_n = self(batch[0]), batch[1]
        self.log("val_loss", F.cross_entropy(logits_nk, y_n))
        self.log("val_accuracy", (logits_nk.argmax(1) == y_n).float().mean())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW."""
        return torch.optim.AdamW(self.parameters(), lr=self.learning_rate)
