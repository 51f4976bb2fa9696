"""The program that people write today, as an opponent: Lightning, DataLoader, checkpoint, W&B, Optuna on SQLite.

One process: `python benchmarks/idiomatic.py STORAGE TRIALS EPOCHS BATCH THREADS MODULE`; several processes share
one storage. Data, network and recipe are those of our run. MODULE says who wrote the Lightning module:
`textbook` as the libraries' introductions do (the usual SE layer, `self.log` in each step, torchmetrics), or
`ours`, which leaves only the way of running it to compare.
"""

import argparse
import tempfile

import lightning.pytorch as pl
import optuna
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import WandbLogger
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset
from torchmetrics.classification import MulticlassAccuracy

from ablations.subjects.attention.data.dataset import load
from ablations.subjects.attention.settings.groups import Data, Training
from ablations.subjects.attention.training.module import AttentionClassifier
from ablations.subjects.attention.training.schedules import warmup_cosine


class SELayer(nn.Module):
    """The usual squeeze-and-excitation layer."""

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Sequential(
            nn.Linear(channels, channels // reduction, bias=False),
            nn.ReLU(inplace=True),
            nn.Linear(channels // reduction, channels, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """The gated map."""
        n, c, _, _ = x.size()
        scale = self.fc(self.pool(x).view(n, c)).view(n, c, 1, 1)
        return x * scale.expand_as(x)


class SEBasicBlock(nn.Module):
    """Two 3x3 convolutions, the layer, and a shortcut without parameters."""

    def __init__(self, inputs: int, outputs: int, stride: int, reduction: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.se = SELayer(outputs, reduction)
        self.stride, self.new = stride, outputs - inputs

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C', H', W')."""
        h = F.relu(self.bn1(self.conv1(x)))
        h = self.se(self.bn2(self.conv2(h)))
        if self.new:
            x = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.new))
        return F.relu(h + x)


class SEResNet8(nn.Module):
    """Three blocks of 16, 32 and 64 channels."""

    def __init__(self, in_channels: int, classes: int, reduction: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = SEBasicBlock(16, 16, 1, reduction)
        self.layer2 = SEBasicBlock(16, 32, 2, reduction)
        self.layer3 = SEBasicBlock(32, 64, 2, reduction)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(64, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """Logits."""
        h = F.relu(self.bn1(self.conv1(x)))
        h = self.layer3(self.layer2(self.layer1(h)))
        logits: Tensor = self.fc(torch.flatten(self.pool(h), 1))
        return logits


class Textbook(pl.LightningModule):
    """The Lightning module of the introductions."""

    def __init__(self, in_channels: int, classes: int, reduction: int, recipe: Training) -> None:
        super().__init__()
        self.network = SEResNet8(in_channels, classes, reduction)
        self.recipe = recipe
        self.accuracy = MulticlassAccuracy(classes)

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
        """The loss, logged."""
        x, y = batch
        loss = F.cross_entropy(self.network(x), y)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], _: int) -> None:
        """Loss and accuracy, logged."""
        x, y = batch
        logits = self.network(x)
        self.accuracy(logits, y)
        self.log("val_loss", F.cross_entropy(logits, y), prog_bar=True)
        self.log("val_acc", self.accuracy, prog_bar=True)

    def configure_optimizers(self) -> dict[str, object]:
        """SGD; linear warm-up, then a cosine."""
        optimiser = torch.optim.SGD(
            self.parameters(),
            lr=self.recipe.learning_rate,
            momentum=self.recipe.momentum,
            nesterov=True,
            weight_decay=self.recipe.weight_decay,
        )
        steps = int(self.trainer.estimated_stepping_batches)
        factor = warmup_cosine(
            steps=steps, warmup=steps * self.recipe.warmup_epochs // self.recipe.epochs
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, factor)
        return {
            "optimizer": optimiser,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }


def train(trial: optuna.Trial, *, epochs: int, batch_size: int, module: str) -> float:
    """One trial: the validation loss of its last epoch."""
    split = load(Data())
    pl.seed_everything(trial.number, verbose=False)
    reduction = trial.suggest_categorical("reduction", [1, 2, 4, 8, 16])
    recipe = Training(epochs=epochs, batch_size=batch_size, warmup_epochs=1)
    model: pl.LightningModule
    if module == "ours":
        model = AttentionClassifier(
            in_channels=split.in_channels,
            classes=split.classes,
            reduction=reduction,
            training=recipe,
        )
    else:
        model = Textbook(split.in_channels, split.classes, reduction, recipe)
    with tempfile.TemporaryDirectory() as folder:
        logger = WandbLogger(
            project="idiomatic", mode="offline", save_dir=folder, reinit="create_new"
        )
        trainer = pl.Trainer(
            max_epochs=epochs,
            accelerator="auto",
            devices=1,
            logger=logger,
            callbacks=[ModelCheckpoint(folder, monitor="val_loss", save_last=True)],
        )
        trainer.fit(
            model,
            DataLoader(
                TensorDataset(split.train.x, split.train.y),
                batch_size=batch_size,
                shuffle=True,
                drop_last=True,
            ),
            DataLoader(TensorDataset(split.val.x, split.val.y), batch_size=1024),
        )
        loss = float(trainer.callback_metrics["val_loss"])
        logger.experiment.finish()
    return loss


def main() -> None:
    """Run trials against a shared storage."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("storage", help="where the trials are shared: sqlite:///study.db")
    for name in ("trials", "epochs", "batch"):
        options.add_argument(name, type=int)
    options.add_argument("threads", type=int, help="0: torch's default")
    options.add_argument("module", choices=("textbook", "ours"))
    given = options.parse_args()
    if given.threads:
        torch.set_num_threads(given.threads)
    study = optuna.create_study(study_name="idiomatic", storage=given.storage, load_if_exists=True)
    study.optimize(
        lambda trial: train(
            trial, epochs=given.epochs, batch_size=given.batch, module=given.module
        ),
        n_trials=given.trials,
    )


if __name__ == "__main__":
    main()
