"""The program that people write today, as an opponent: Lightning, DataLoader, checkpoint, W&B, Optuna on SQLite.

One process: `python benchmarks/idiomatic.py STORAGE TRIALS`. Several processes share one storage. The
network, data, recipe and logging are those of our run; only the way of doing it is the usual one.
"""

import sys
import tempfile

import lightning.pytorch as pl
import optuna
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import WandbLogger
from torch.utils.data import DataLoader, TensorDataset

from ablations.data import load
from ablations.module import AttentionClassifier
from ablations.settings import Data, Training


def train(trial: optuna.Trial, *, epochs: int, batch_size: int) -> float:
    """One trial: the validation loss of its last epoch."""
    split = load(Data())
    pl.seed_everything(trial.number, verbose=False)
    module = AttentionClassifier(
        in_channels=split.in_channels,
        classes=split.classes,
        reduction=trial.suggest_categorical("reduction", [1, 2, 4, 8, 16]),
        training=Training(epochs=epochs, batch_size=batch_size, warmup_epochs=1),
    )
    with tempfile.TemporaryDirectory() as folder:
        logger = WandbLogger(
            project="idiomatic", mode="offline", save_dir=folder, reinit="create_new"
        )
        trainer = pl.Trainer(
            max_epochs=epochs,
            accelerator="cpu",
            devices=1,
            logger=logger,
            callbacks=[ModelCheckpoint(folder, monitor="val_loss", save_last=True)],
        )
        trainer.fit(
            module,
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
    storage, trials, epochs, batch_size, threads = sys.argv[1], *map(int, sys.argv[2:6])
    if threads:
        torch.set_num_threads(threads)
    study = optuna.create_study(study_name="idiomatic", storage=storage, load_if_exists=True)
    study.optimize(
        lambda trial: train(trial, epochs=epochs, batch_size=batch_size), n_trials=trials
    )


if __name__ == "__main__":
    main()
