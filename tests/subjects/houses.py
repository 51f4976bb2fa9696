"""A user's own module and data: a small regression on a table."""

from typing import Literal

import lightning.pytorch as pl
import torch
from sklearn.datasets import load_diabetes
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


class Prices(pl.LightningModule):
    def __init__(
        self,
        hidden: int = 16,
        norm: Literal["batch", "none"] = "batch",
        dropout: float = 0.1,
        rate: float = 1e-2,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        between = [nn.BatchNorm1d(hidden)] if norm == "batch" else []
        self.net = nn.Sequential(
            nn.Linear(10, hidden), *between, nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, 1)
        )

    def training_step(self, batch, _):
        return F.mse_loss(self.net(batch[0]), batch[1])

    def validation_step(self, batch, _):
        self.log("val_mae", F.l1_loss(self.net(batch[0]), batch[1]))

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.hparams.rate)


class Houses(pl.LightningDataModule):
    def __init__(self, batch_size: int = 64) -> None:
        super().__init__()
        self.batch_size = batch_size
        x, y = load_diabetes(return_X_y=True)
        x = torch.tensor(20 * x, dtype=torch.float32)
        y = torch.tensor((y - y.mean()) / y.std(), dtype=torch.float32)[:, None]
        self.train, self.val = TensorDataset(x[:300], y[:300]), TensorDataset(x[300:], y[300:])

    def train_dataloader(self):
        return DataLoader(self.train, batch_size=self.batch_size, shuffle=True)

    def val_dataloader(self):
        return DataLoader(self.val, batch_size=256)
