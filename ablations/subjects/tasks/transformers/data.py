"""scikit-learn's bundled digits at twice their size: 16 tokens of a small vision transformer."""

import lightning.pytorch as pl
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from ablations.subjects.attention.data.dataset import load
from ablations.subjects.attention.data.examples import Examples
from ablations.subjects.attention.settings.groups import Data

TIMES = 2


class LargeDigits(pl.LightningDataModule):
    """Each pixel as 2x2, so that an image of 16x16 has 16 patches of 4x4.

    Args:
        batch_size: Images of a step.
        held_out: Share of each digit to validate with.
        split_seed: Draws which.
    """

    def __init__(self, batch_size: int = 64, held_out: float = 0.3, split_seed: int = 0) -> None:
        super().__init__()
        self.batch_size = batch_size
        self.source = Data(name="digits", val_fraction=held_out, split_seed=split_seed)

    def setup(self, stage: str) -> None:
        """Both parts, standardised."""
        del stage
        split = load(self.source)
        self.train, self.val = _large(split.train[slice(None)]), _large(split.val[slice(None)])

    def train_dataloader(self) -> DataLoader[tuple[Tensor, ...]]:
        """In another order in each epoch."""
        return DataLoader(self.train, batch_size=self.batch_size, shuffle=True)

    def val_dataloader(self) -> DataLoader[tuple[Tensor, ...]]:
        """All that is held out, at once."""
        return DataLoader(self.val, batch_size=len(self.val))


def _large(examples: Examples) -> TensorDataset:
    larger = examples.x.repeat_interleave(TIMES, 2).repeat_interleave(TIMES, 3)
    return TensorDataset(larger, examples.y)
