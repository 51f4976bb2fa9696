"""Images with identities, some of which are trained on and the others held out: no identity is in both parts."""

import hashlib
from abc import abstractmethod
from dataclasses import dataclass

import lightning.pytorch as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

VALIDATED = 256
"""Images of a batch to validate with; it changes no number."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Images (n, channels, height, width) with their identities (n,), those to train on counted from 0."""

    train: tuple[Tensor, Tensor]
    held_out: tuple[Tensor, Tensor]


class Identities(pl.LightningDataModule):
    """What all sources of identities have in common."""

    def __init__(self, batch_size: int) -> None:
        super().__init__()
        self.batch_size = batch_size

    @abstractmethod
    def parts(self) -> Parts:
        """Read or draw all images."""

    def setup(self, stage: str) -> None:
        """Both parts, with the mean and deviation of what is trained on taken out."""
        del stage
        parts = self.parts()
        spread, mean = torch.std_mean(parts.train[0])
        self.train, self.held_out = (
            TensorDataset((x - mean) / spread, y) for x, y in (parts.train, parts.held_out)
        )

    def train_dataloader(self) -> DataLoader[tuple[Tensor, ...]]:
        """In another order in each epoch."""
        return DataLoader(self.train, batch_size=self.batch_size, shuffle=True)

    def val_dataloader(self) -> DataLoader[tuple[Tensor, ...]]:
        """All that is held out."""
        return DataLoader(self.held_out, batch_size=VALIDATED)

    def fingerprint(self) -> str:
        """A hash of all images and identities."""
        digest = hashlib.sha256()
        parts = self.parts()
        for tensor in (*parts.train, *parts.held_out):
            digest.update(str(tuple(tensor.shape)).encode() + tensor.numpy().tobytes())
        return digest.hexdigest()[:16]
