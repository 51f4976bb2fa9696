"""What users get wrong in a module, its data or a function, one thing in each."""

from enum import Enum

import lightning.pytorch as pl
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


class Kind(Enum):
    A = "a"


class Small(pl.LightningModule):
    def __init__(self, hidden: int = 2, kind: Kind = Kind.A) -> None:
        super().__init__()
        self.net = nn.Linear(3, hidden)

    def training_step(self, batch, _):
        return F.mse_loss(self.net(batch[0]).mean(1), batch[1])

    def validation_step(self, batch, _):
        self.log("val_loss", F.mse_loss(self.net(batch[0]).mean(1), batch[1]))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


class Enumerated(Small):
    def __init__(self, hidden: int = 2, kind: Kind = Kind.A) -> None:
        super().__init__(hidden)
        self.save_hyperparameters()


class Untrained(Small):
    def configure_optimizers(self):
        return None


class Lossless(Small):
    def training_step(self, batch, _):
        return None


class Lazy(Small):
    def __init__(self, hidden: int = 2) -> None:
        super().__init__()
        self.net = nn.LazyLinear(hidden)


def three(hidden: int = 2):
    return 3


def rows(count: int = 8) -> TensorDataset:
    return TensorDataset(torch.arange(3.0 * count).reshape(count, 3) / count, torch.ones(count))


def loaders():
    return DataLoader(rows(), 4), DataLoader(rows(), 8)


def one_loader():
    return DataLoader(rows(), 4)


def named_loaders():
    return dict(zip(("train", "val"), loaders(), strict=True))


class Rows(pl.LightningDataModule):
    def train_dataloader(self):
        return DataLoader(rows(), 4)

    def val_dataloader(self):
        return DataLoader(rows(), 8)


class Unchecked(Rows):
    def val_dataloader(self):
        return DataLoader([], 8)


class Unread(Rows):
    def fingerprint(self):
        raise OSError("no such disk")


class Nameless(Rows):
    def fingerprint(self):
        return object


def by_name(*, config):
    return 1.0


def learns(config, lr=0.1):
    return 1.0


def any_number(*given):
    config, seed, _ = given
    return 100.0 * config["x"] + seed


def diverges(config):
    return {"val_loss": float("nan"), "val_r2": 0.0}


def diverges_at_once(config):
    yield {"val_loss": float("inf")}


def lacks(config):
    return {"val_loss": 1.0}
