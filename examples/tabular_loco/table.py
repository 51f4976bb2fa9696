"""An MLP on the diabetes table of scikit-learn, with five components that can be left out."""

from typing import Any, Literal

import lightning.pytorch as pl
import torch
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

COLUMNS = 10


class Progress(pl.LightningModule):
    """Predicts the progress of the disease within a year, in standard deviations.

    Args:
        hidden: Units of both hidden layers.
        activation: What stands between the layers.
        norm: What normalises the first hidden layer.
        skip: Whether the second hidden layer is added to the first.
        dropout: Share of the second hidden layer's units that a step leaves out.
        rate: Step size of AdamW.
    """

    def __init__(
        self,
        hidden: int = 32,
        activation: Literal["relu", "none"] = "relu",
        norm: Literal["batch", "none"] = "batch",
        skip: bool = True,
        dropout: float = 0.1,
        rate: float = 3e-3,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.first = nn.Linear(COLUMNS, hidden)
        self.norm = nn.BatchNorm1d(hidden) if norm == "batch" else nn.Identity()
        self.activation = nn.ReLU() if activation == "relu" else nn.Identity()
        self.second = nn.Linear(hidden, hidden)
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(n, 10) to (n,)."""
        x = self.activation(self.norm(self.first(x)))
        more = self.dropout(self.activation(self.second(x)))
        prediction: Tensor = self.out(x + more if self.hparams["skip"] else more)
        return prediction[:, 0]

    def training_step(self, batch: list[Tensor], _: int) -> Tensor:
        """Mean squared error."""
        return F.mse_loss(self(batch[0]), batch[1])

    def validation_step(self, batch: list[Tensor], _: int) -> None:
        """Mean absolute error."""
        self.log("val_mae", F.l1_loss(self(batch[0]), batch[1]))

    def configure_optimizers(self) -> Any:
        """AdamW."""
        return torch.optim.AdamW(self.parameters(), lr=self.hparams["rate"])


class Diabetes(pl.LightningDataModule):
    """442 patients, of whom a third validates.

    Args:
        batch_size: Patients a step.
        scale: Whether each column has the mean 0 and the standard deviation 1; without, it is 0.05.
    """

    def __init__(self, batch_size: int = 32, scale: bool = True) -> None:
        super().__init__()
        self.batch_size, self.scale = batch_size, scale

    def setup(self, stage: str) -> None:
        """Split, and put the target into standard deviations of the training part."""
        x, y = load_diabetes(return_X_y=True)
        x, x_val, y, y_val = train_test_split(x, y, test_size=1 / 3, random_state=0)
        centre, spread = (x.mean(0), x.std(0)) if self.scale else (0.0, 1.0)
        self.train = tensors((x - centre) / spread, (y - y.mean()) / y.std())
        self.val = tensors((x_val - centre) / spread, (y_val - y.mean()) / y.std())

    def train_dataloader(self) -> DataLoader[Any]:
        """Shuffled; the last batch is left out, since batch norm takes no batch of one."""
        return DataLoader(self.train, batch_size=self.batch_size, shuffle=True, drop_last=True)

    def val_dataloader(self) -> DataLoader[Any]:
        """All at once."""
        return DataLoader(self.val, batch_size=len(self.val))


def tensors(x: Any, y: Any) -> TensorDataset:
    """Rows and targets as torch has them."""
    return TensorDataset(*(torch.tensor(one, dtype=torch.float32) for one in (x, y)))
