"""A user's program for the tests: a small regression with everything that a resume can lose."""

import os
import signal
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from ablations.subjects.lightning.epoch_rule import EpochRule
from ablations.subjects.lightning.fit import fit
from ablations.subjects.lightning.pairing.construct import construct


class Rows(Dataset[tuple[Tensor, Tensor]]):
    """48 rows of a noisy plane; reading one adds noise of its own."""

    def __init__(self, *, noise: float = 0.1) -> None:
        draws = torch.Generator().manual_seed(0)
        self.x = torch.randn(48, 4, generator=draws)
        self.y = self.x.sum(1) + torch.randn(48, generator=draws)
        self.noise = noise

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.x[index] + self.noise * torch.randn(4), self.y[index]


class Houses(pl.LightningDataModule):
    """Shuffled and augmented training rows, plain validation rows."""

    def __init__(self, *, workers: int = 0, batch_size: int = 8) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.workers, self.batch_size = workers, batch_size

    def train_dataloader(self) -> DataLoader[Any]:
        kept = {"num_workers": self.workers, "persistent_workers": self.workers > 0}
        return DataLoader(Rows(), batch_size=self.batch_size, shuffle=True, **kept)

    def val_dataloader(self) -> DataLoader[Any]:
        return DataLoader(Rows(noise=0.0), batch_size=16)

    def test_dataloader(self) -> DataLoader[Any]:
        return DataLoader(Rows(noise=0.0), batch_size=48)


class Prices(pl.LightningModule):
    """Dropout, two parameter groups, a scheduler that reads the validation."""

    def __init__(self, *, hidden: int = 8, lr: float = 0.05, frequency: int = 1) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(
            nn.Linear(4, hidden), nn.ReLU(), nn.Dropout(0.3), nn.Linear(hidden, 1)
        )

    def training_step(self, batch: list[Tensor], _: int) -> Tensor:
        loss = F.mse_loss(self.net(batch[0])[:, 0], batch[1])
        self.log("train/mse", loss, on_step=True, on_epoch=True)
        return loss

    def validation_step(self, batch: list[Tensor], _: int) -> None:
        self.log("val_mae", F.l1_loss(self.net(batch[0])[:, 0], batch[1]))

    def test_step(self, batch: list[Tensor], batch_idx: int) -> None:
        del batch_idx
        self.log("test_mae", F.l1_loss(self.net(batch[0])[:, 0], batch[1]))

    def configure_optimizers(self) -> Any:
        groups = [
            {"params": self.net[0].parameters()},
            {"params": self.net[3].parameters(), "lr": 2 * self.hparams["lr"]},
        ]
        optimiser = torch.optim.Adam(groups, lr=self.hparams["lr"])
        schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, patience=0)
        when = {"monitor": "val_mae", "frequency": self.hparams["frequency"]}
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, **when}}


class Interrupted(Exception):
    """A machine that is taken away."""


class Folder:
    """A context: keeps the records, and interrupts where it is told."""

    rank, world_size, device, threads = 0, 1, "cpu", 1

    def __init__(self, folder: Path, *, stop_after: int = 0, kill_at_step: int = 0) -> None:
        self.folder, self.records = folder, list[dict[str, Any]]()
        self._stop_after, self._kill_at_step, self._steps = stop_after, kill_at_step, 0

    def epoch(self, record: dict[str, Any]) -> None:
        self.records.append(record)
        if record["epoch"] == self._stop_after:
            raise Interrupted

    def beat(self) -> None:
        self._steps += 1
        if self._steps == self._kill_at_step:
            raise Interrupted


def train(settings: dict[str, Any], context: Any) -> dict[str, Any]:
    """A run of a study for the engine; the first attempt is killed where the settings say so."""
    report = context.epoch

    def epoch(record: dict[str, Any]) -> None:
        report(record)
        if context.attempt == 1 and record["epoch"] == settings.get("killed_after"):
            os.kill(os.getpid(), signal.SIGKILL)

    context.epoch = epoch
    module = construct(lambda: Prices(hidden=settings["x"]), seed=settings["seed"]).module
    outcome = fit(
        module,
        Houses(workers=settings["workers"]),
        rule=EpochRule(metric="val_mae"),
        trainer_options={"max_epochs": settings["epochs"]},
        seed=settings["seed"],
        context=context,
        checkpoint_seconds=0,
    )
    return {"val_loss": outcome.metrics["val_mae"], "epochs_run": outcome.epochs_run}
