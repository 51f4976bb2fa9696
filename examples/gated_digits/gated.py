"""A linear reader of digits: whatever is not linear in it, attached attention brings."""

from typing import Any

import lightning.pytorch as pl
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

PIXELS = 64


class Reader(pl.LightningModule):
    """Mixes the pixels into channels, and reads the class from these.

    Args:
        width: Channels.
        rate: Step size of AdamW.
    """

    def __init__(self, width: int = 64, rate: float = 1e-2) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.mix = nn.Conv2d(PIXELS, width, 1)
        self.read = nn.Linear(width, 10)

    def forward(self, x: Tensor) -> Tensor:
        """(n, 64, 1, 1) to logits (n, 10)."""
        logits: Tensor = self.read(self.mix(x).flatten(1))
        return logits

    def training_step(self, batch: list[Tensor], _: int) -> Tensor:
        """Cross-entropy."""
        return F.cross_entropy(self(batch[0]), batch[1])

    def validation_step(self, batch: list[Tensor], _: int) -> None:
        """Cross-entropy, in nats per image."""
        self.log("val_loss", F.cross_entropy(self(batch[0]), batch[1]))

    def configure_optimizers(self) -> Any:
        """AdamW."""
        return torch.optim.AdamW(self.parameters(), lr=self.hparams["rate"], weight_decay=0.1)


class Digits(pl.LightningDataModule):
    """1 797 digits, of which a third validates; each pixel is a channel of a map of one point.

    Args:
        batch_size: Digits a step.
    """

    def __init__(self, batch_size: int = 64) -> None:
        super().__init__()
        self.batch_size = batch_size

    def setup(self, stage: str) -> None:
        """Split, the same way for every seed."""
        x, y = load_digits(return_X_y=True)
        x = (x / 16 - 0.3).reshape(-1, PIXELS, 1, 1)
        x, x_val, y, y_val = train_test_split(x, y, test_size=1 / 3, random_state=0, stratify=y)
        self.train, self.val = _tensors(x, y), _tensors(x_val, y_val)

    def train_dataloader(self) -> DataLoader[Any]:
        """Shuffled."""
        return DataLoader(self.train, batch_size=self.batch_size, shuffle=True, drop_last=True)

    def val_dataloader(self) -> DataLoader[Any]:
        """All at once."""
        return DataLoader(self.val, batch_size=len(self.val))


def _tensors(x: Any, y: Any) -> TensorDataset:
    return TensorDataset(torch.tensor(x, dtype=torch.float32), torch.tensor(y))
