"""A user's fine-tuning: pretrained weights, a test, callbacks of their own, data that are prepared and set up."""

from pathlib import Path

import torch
from houses import Houses, Prices
from lightning.pytorch.callbacks import EarlyStopping
from torch.nn import functional as F
from torch.utils.data import DataLoader

CALLS: list[str] = []


class Tuned(Prices):
    def __init__(self, patience: int = 1, **given) -> None:
        super().__init__(**given)
        self.patience = patience
        with torch.no_grad():
            self.net[0].weight.copy_(torch.full((16, 10), 0.01))

    def configure_callbacks(self):
        return [EarlyStopping("val_mae", patience=self.patience, min_delta=10.0)]

    def training_step(self, batch, number):
        self.logger.experiment.add_scalar("mine", number)
        return super().training_step(batch, number)

    def validation_step(self, batch, number):
        super().validation_step(batch, number)
        self.log("val_r2", 1 - F.mse_loss(self.net(batch[0]), batch[1]) / batch[1].var())

    def test_step(self, batch, batch_idx):
        self.log("test_mae", F.l1_loss(self.net(batch[0]), batch[1]))


class Prepared(Houses):
    def prepare_data(self):
        CALLS.append("prepare")
        Path("prepared").touch()

    def setup(self, stage):
        CALLS.append("setup " + stage)

    def test_dataloader(self):
        return DataLoader(self.val, batch_size=256)


class Careless(Houses):
    def prepare_data(self):
        CALLS.append("prepare")
        self.rows = 3


class TornDown(Prepared):
    def teardown(self, stage):
        CALLS.append("teardown " + stage)
