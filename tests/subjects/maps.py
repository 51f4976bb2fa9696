"""A user's own small network on images, its data, and what can be wrong with both."""

import os

import lightning.pytorch as pl
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

COUNTER = [0]


class Net(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.ModuleDict({"conv": nn.Conv2d(3, width, 3, padding=1)})
        self.norm1, self.norm2 = nn.BatchNorm2d(width), nn.BatchNorm2d(2 * width)
        self.second = nn.Conv2d(width, 2 * width, 3, padding=1)
        self.head = nn.Linear(2 * width, 2)
        self.act = nn.ReLU()

    def forward(self, x):
        x = self.act(self.norm1(self.first["conv"](x)))
        return self.head(self.act(self.norm2(self.second(x))).mean((2, 3)))


class Maps(pl.LightningModule):
    def __init__(
        self,
        width: int = 8,
        rate: float = 0.1,
        ignored: int = 0,
        noisy_from: int = 9,
        step_size: int = 50,
        broken: bool = False,
        tossed: bool = False,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.net = Net(width)

    def training_step(self, batch, _):
        x, y = batch
        if self.hparams.broken:
            raise ZeroDivisionError("a mistake of mine")
        if self.current_epoch >= self.hparams.noisy_from:
            x = x + torch.randn_like(x)
        if self.hparams.tossed:
            x = x + int.from_bytes(os.urandom(1), "big")
        return F.cross_entropy(self.net(x), y)

    def validation_step(self, batch, _):
        self.log("val_loss", F.cross_entropy(self.net(batch[0]), batch[1]))

    def configure_optimizers(self):
        optimiser = torch.optim.SGD(self.parameters(), lr=self.hparams.rate)
        return [optimiser], [torch.optim.lr_scheduler.StepLR(optimiser, self.hparams.step_size)]


class Trained(Maps):
    """Asks for its Trainer."""

    def validation_step(self, batch, _):
        assert self.trainer.max_epochs
        super().validation_step(batch, _)


class Coarse(Maps):
    """Measures what does not move in a few steps."""

    def validation_step(self, batch, _):
        self.log("val_hits", (self.net(batch[0]).amax(1) > 1e6).float().mean())


class Kept(Maps):
    """Keeps something outside of itself."""

    def training_step(self, batch, _):
        COUNTER[0] += 1
        return COUNTER[0] * super().training_step(batch, _)


def passes(module, batch):
    return module.net(batch[0])


def images(n: int, seed: int) -> TensorDataset:
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 3, 8, 8, generator=g)
    return TensorDataset(x, (x.mean((1, 2, 3)) > 0).long())


class Images(pl.LightningDataModule):
    def __init__(self, batch_size: int = 8, workers: int = 0) -> None:
        super().__init__()
        self.batch_size, self.workers = batch_size, workers

    def setup(self, stage):
        self.train, self.val = images(24, 0), images(16, 1)

    def train_dataloader(self):
        return DataLoader(
            self.train, batch_size=self.batch_size, shuffle=True, num_workers=self.workers
        )

    def val_dataloader(self):
        return DataLoader(self.val, batch_size=8)


class Named(Images):
    def fingerprint(self):
        return "images of 2026"


class Tossed(Images):
    def setup(self, stage):
        super().setup(stage)
        self.train = images(24, int.from_bytes(os.urandom(2), "big"))


class Unchecked(Images):
    val_dataloader = pl.LightningDataModule.val_dataloader


class Empty(Images):
    def train_dataloader(self):
        return DataLoader([], batch_size=2)


class Absent(Images):
    def setup(self, stage):
        raise FileNotFoundError("no images\nin /data")


class Numberless(Maps):
    """Not a number from the first step on."""

    def __init__(self, width: int = 8, rate: float = 0.1) -> None:
        super().__init__(width, rate)

    def validation_step(self, batch, _):
        self.log("val_loss", torch.tensor(float("nan")))


class Replaced(Maps):
    """Its norms are replaced after the study has attached attention to them."""

    def configure_model(self):
        self.net = nn.SyncBatchNorm.convert_sync_batchnorm(self.net)


class Compiled(Maps):
    """Compiles its network as the training begins."""

    def on_fit_start(self):
        self.net.compile(backend="aot_eager", fullgraph=True)


class Unlabelled(Images):
    """Gives what it learns from as floating-point numbers."""

    def setup(self, stage):
        super().setup(stage)
        self.val = TensorDataset(self.val.tensors[0], torch.randn(16, 2).softmax(1))
