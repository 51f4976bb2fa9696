"""What training with streams, records and resume costs beside a bare Trainer: `python benchmarks/paired_training.py`.

The same LightningModule, data and callbacks through `fit` and through `Trainer.fit`; pairs of the two, in turn, in
one process with one thread. Prints the median ratio of processor seconds and its distribution-free 95 % interval, for
runs of several lengths, so that what a run adds once and what each step adds are apart.
"""

import argparse
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, TensorDataset
from training_overhead import interval

from ablations.subjects.lightning.epoch_rule import EpochRule
from ablations.subjects.lightning.fit import fit
from ablations.subjects.lightning.trainer import quiet


class Classifier(pl.LightningModule):
    """A network with dropout, of a given cost."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def training_step(self, batch: list[Tensor], _: int) -> Tensor:
        """Mean loss of the batch."""
        return F.cross_entropy(self.network(batch[0]), batch[1])

    def validation_step(self, batch: list[Tensor], _: int) -> None:
        """Logs the loss."""
        self.log("val_loss", F.cross_entropy(self.network(batch[0]), batch[1]))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam."""
        return torch.optim.Adam(self.parameters())


def mlp() -> nn.Module:
    """Two hidden layers of 256 on 64 numbers."""
    wide = [nn.Linear(64, 256), nn.ReLU(), nn.Dropout(0.1), nn.Linear(256, 256), nn.ReLU()]
    return nn.Sequential(nn.Unflatten(1, (1, 64)), nn.Flatten(), *wide, nn.Linear(256, 10))


def cnn() -> nn.Module:
    """Three convolutions of 32 channels on 16 x 16 maps."""
    layers: list[nn.Module] = []
    for channels in (1, 32, 32):
        layers += [nn.Conv2d(channels, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))


class Examples(Dataset[Any]):
    """The same numbers in a data set of the user's own, which is read one example at a time."""

    def __init__(self, *tensors: Tensor) -> None:
        self.tensors = tensors

    def __len__(self) -> int:
        return len(self.tensors[0])

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        return tuple(one[index] for one in self.tensors)


@dataclass(frozen=True)
class Case:
    """What is trained on what."""

    network: Callable[[], nn.Module]
    shape: tuple[int, ...]
    held: Callable[..., Dataset[Any]]


CASES = {
    "MLP on 64 numbers, TensorDataset": Case(mlp, (64,), TensorDataset),
    "MLP on 64 numbers, own Dataset": Case(mlp, (64,), Examples),
    "CNN on 16 x 16, own Dataset": Case(cnn, (1, 16, 16), Examples),
}
STEPS = 20
"""Of an epoch."""


@dataclass
class Folder:
    """Where a run of the benchmark keeps what it keeps."""

    folder: Path
    device: str = "cpu"
    threads: int = 1
    rank: int = 0
    world_size: int = 1

    def epoch(self, record: dict[str, Any]) -> None:
        """Nothing listens."""

    def beat(self) -> None:
        """Nothing listens."""


def loaders(case: Case) -> tuple[DataLoader[Any], DataLoader[Any]]:
    """1 280 training and 320 validation examples, 64 at a time."""
    draws = torch.Generator().manual_seed(0)
    x, y = torch.randn(1600, *case.shape, generator=draws), torch.arange(1600) % 10
    train, val = case.held(x[:1280], y[:1280]), case.held(x[1280:], y[1280:])
    return DataLoader(train, batch_size=64, shuffle=True), DataLoader(val, batch_size=64)


def callbacks(folder: Path) -> list[pl.Callback]:
    """The user's own."""
    return [
        EarlyStopping("val_loss", patience=99),
        ModelCheckpoint(folder / "mine", monitor="val_loss"),
    ]


def ours(case: Case, epochs: int) -> None:
    """Through `fit`, which writes its own checkpoint as a run of a study does."""
    with tempfile.TemporaryDirectory() as name:
        options = {"max_epochs": epochs, "callbacks": callbacks(Path(name))}
        fit(
            Classifier(case.network()),
            loaders(case),
            rule=EpochRule(metric="val_loss"),
            trainer_options=options,
            seed=0,
            context=Folder(Path(name)),
        )


def bare(case: Case, epochs: int) -> None:
    """Through `Trainer.fit`, as quiet as ours."""
    with tempfile.TemporaryDirectory() as name, quiet():
        trainer = pl.Trainer(
            max_epochs=epochs,
            accelerator="cpu",
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            callbacks=callbacks(Path(name)),
        )
        trainer.fit(Classifier(case.network()), *loaders(case))


def seconds(work: Callable[..., object], *arguments: object) -> float:
    """Processor seconds of a call, all threads of this process."""
    began = time.process_time()
    work(*arguments)
    return time.process_time() - began


def main() -> None:
    """Print a line for each network."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pairs", type=int, default=12)
    options.add_argument("--epochs", type=int, nargs="+", default=[4, 20], help="of 20 steps")
    given = options.parse_args()
    torch.set_num_threads(1)
    print(f"{platform.machine()}, torch {torch.__version__}, 1 thread, {given.pairs} pairs")
    for name, case in CASES.items():
        for epochs in given.epochs:
            print(
                f"{name}, {epochs * STEPS} steps: {_compared(case, epochs, given.pairs)}",
                flush=True,
            )


def _compared(case: Case, epochs: int, count: int) -> str:
    """The ratio of the pairs, and what ours takes more."""
    pairs = []
    for i in range(-1, count):  # the first warms up
        order = (ours, bare) if i % 2 == 0 else (bare, ours)
        took = {one: seconds(one, case, epochs) for one in order}
        pairs += [(took[ours], took[bare])] if i >= 0 else []
    ratios = sorted(mine / theirs for mine, theirs in pairs)
    low, high = interval(ratios)
    more = statistics.median(mine - theirs for mine, theirs in pairs)
    usual = statistics.median(theirs for _, theirs in pairs)
    ratio = f"ratio {statistics.median(ratios):.3f} [{low:.3f}, {high:.3f}]"
    return f"{ratio}, {more * 1e3:+.1f} ms on {usual * 1e3:.0f} ms"


if __name__ == "__main__":
    main()
