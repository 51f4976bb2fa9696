"""The network of `backbone.py` learns the digits 5 to 9, of which there are few: what of it should go on learning?"""

from itertools import pairwise
from typing import Any, Literal

import lightning.pytorch as pl
import torch
from backbone import FILE, digits, network
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Subset, TensorDataset


class Tuned(pl.LightningModule):
    """A pretrained backbone with a new head.

    Args:
        start: Whether the backbone begins with its pretrained weights.
        learns: What of the network is trained.
        rate: Step size at the beginning; it follows half a cosine.
        dropout: Share of the features that a step leaves out.
    """

    def __init__(
        self,
        start: Literal["pretrained", "random"] = "pretrained",
        learns: Literal["all", "head"] = "all",
        rate: float = 3e-3,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.backbone = network()
        if start == "pretrained":
            self.backbone.load_state_dict(torch.load(FILE, weights_only=True))
        self.backbone.requires_grad_(learns == "all")
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(32, 5))

    def training_step(self, batch: list[Tensor], _: int) -> Tensor:
        """Cross-entropy."""
        return F.cross_entropy(self.head(self.backbone(batch[0])), batch[1])

    def _measure(self, batch: list[Tensor], part: str) -> None:
        logits = self.head(self.backbone(batch[0])).float()
        self.log(f"{part}_loss", F.cross_entropy(logits, batch[1]))
        self.log(f"{part}_accuracy", (logits.argmax(1) == batch[1]).float().mean())

    def validation_step(self, batch: list[Tensor], _: int) -> None:
        """Loss and accuracy."""
        self._measure(batch, "val")

    def test_step(self, batch: list[Tensor], batch_idx: int) -> None:
        """The same, once at the end."""
        self._measure(batch, "test")

    def configure_optimizers(self) -> Any:
        """AdamW under half a cosine."""
        learning = [one for one in self.parameters() if one.requires_grad]
        optimiser = torch.optim.AdamW(learning, lr=self.hparams["rate"])
        epochs = self.trainer.max_epochs or 1
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)
        return {"optimizer": optimiser, "lr_scheduler": schedule}


class Later(pl.LightningDataModule):
    """The digits 5 to 9: a few to learn from, 300 to validate, the others to test.

    Args:
        few: Images to learn from.
        batch_size: Images a step.
        workers: Processes that read ahead.
    """

    def __init__(self, few: int = 100, batch_size: int = 10, workers: int = 0) -> None:
        super().__init__()
        self.few, self.batch_size, self.workers = few, batch_size, workers

    def setup(self, stage: str) -> None:
        """The same parts in every run."""
        whole = TensorDataset(*digits(range(5, 10)))
        order = torch.randperm(len(whole), generator=torch.Generator().manual_seed(0)).tolist()
        ends = (0, self.few, self.few + 300, len(whole))
        self.parts = [Subset(whole, order[a:b]) for a, b in pairwise(ends)]

    def train_dataloader(self) -> DataLoader[Any]:
        """Read ahead by workers, where there are some."""
        ahead: dict[str, Any] = {"num_workers": self.workers}
        ahead |= {"prefetch_factor": 4, "persistent_workers": True} if self.workers else {}
        return DataLoader(self.parts[0], self.batch_size, shuffle=True, **ahead)

    def val_dataloader(self) -> DataLoader[Any]:
        """In one batch."""
        return DataLoader(self.parts[1], 300)

    def test_dataloader(self) -> DataLoader[Any]:
        """In one batch."""
        return DataLoader(self.parts[2], 1000)
