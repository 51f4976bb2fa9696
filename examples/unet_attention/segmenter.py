"""The same U-Net and discs as a LightningModule and a LightningDataModule, for a study by `attention.yaml`."""

import lightning.pytorch as pl
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset
from train import scenes
from unet import UNet

from ablations.streams import generator


class Segmenter(pl.LightningModule):
    """Logs `val_dice`, of the discs that the network finds."""

    def __init__(self, width: int = 8, rate: float = 3e-3) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.unet = UNet(width)

    def training_step(self, batch: list[Tensor], _: int) -> Tensor:
        """Mean cross-entropy of the pixels."""
        return F.binary_cross_entropy_with_logits(self.unet(batch[0]), batch[1])

    def validation_step(self, batch: list[Tensor], _: int) -> None:
        """Logs 2 |A B| / (|A| + |B|)."""
        found = (self.unet(batch[0]) > 0).float()
        self.log("val_dice", 2 * (found * batch[1]).sum() / (found.sum() + batch[1].sum()))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW."""
        return torch.optim.AdamW(self.parameters(), lr=self.hparams["rate"])


class Discs(pl.LightningDataModule):
    """Discs among squares, always the same ones."""

    def __init__(self, batch_size: int = 16) -> None:
        super().__init__()
        self.batch_size = batch_size

    def setup(self, stage: str) -> None:
        """Draw them."""
        del stage
        self.train = TensorDataset(*scenes(160, generator(0, "train")))
        self.val = TensorDataset(*scenes(64, generator(0, "val")))

    def train_dataloader(self) -> DataLoader[tuple[Tensor, ...]]:
        """In another order in each epoch."""
        return DataLoader(self.train, batch_size=self.batch_size, shuffle=True)

    def val_dataloader(self) -> DataLoader[tuple[Tensor, ...]]:
        """All at once."""
        return DataLoader(self.val, batch_size=64)
