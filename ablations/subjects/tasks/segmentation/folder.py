"""A user's own images and masks, as a LightningDataModule."""

from collections.abc import Sized
from pathlib import Path

import lightning.pytorch as pl
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ablations.errors import SettingError
from ablations.subjects.tasks.pictures.files import read_image
from ablations.subjects.tasks.pictures.framed import Framing, check_sizes
from ablations.subjects.tasks.segmentation.dice import UNLABELLED
from ablations.subjects.tasks.segmentation.masks import (
    Pair,
    check_masks,
    digest,
    pairs,
    read_mask,
)

Example = dict[str, Tensor]


class MaskFolder(pl.LightningDataModule):
    """Images in `images` and masks of the same names in `masks`, brought to squares of one size.

    A mask has a class number for each pixel, 255 for none (grey, or a palette as PASCAL VOC's). A batch is a mapping:
    `image` (n, 3, size, size) from 0 to 1, `mask` (n, size, size). All files are checked before the first run.

    Args:
        train: Folder of `images` and `masks` to train with.
        val: Likewise, to validate with.
        classes: How many there are, background included; give `model.classes` the same number.
        size: Height and width of the squares in pixels, a multiple of 4.
        crop: Fill the square and cut what is too long, at random in training; else the whole image, padded.
        flip: Exchange left and right of every other image in training.
        batch_size: Images in a batch.
        workers: Processes that read images.

    Raises:
        SettingError: If a number is out of its range.
    """

    def __init__(
        self,
        train: str,
        val: str,
        classes: int,
        size: int = 256,
        crop: bool = False,
        flip: bool = True,
        batch_size: int = 16,
        workers: int = 0,
    ) -> None:
        super().__init__()
        if not 2 <= classes <= UNLABELLED:
            raise SettingError(f"`2 <= data.classes <= {UNLABELLED}` must hold, but got {classes}.")
        check_sizes(size=size, multiple=4, batch_size=batch_size, workers=workers)
        self._roots = {"train": Path(train), "val": Path(val)}
        self._classes, self._framing = classes, Framing(size=size, crop=crop, flip=flip)
        self._batch_size, self._workers = batch_size, workers

    def fingerprint(self) -> str:
        """Of the masks, and of the images' names and sizes."""
        return " ".join(map(digest, self._roots.values()))

    def prepare_data(self) -> None:
        """Check all files, once.

        Raises:
            SettingError: If one is not as it must be, with its path.
        """
        for part, root in self._roots.items():
            check_masks(root, classes=self._classes, every=part == "train")

    def train_dataloader(self) -> DataLoader[Example]:
        """In another order in each epoch."""
        return self._loader("train", training=True)

    def val_dataloader(self) -> DataLoader[Example]:
        """Always in the same order, nothing drawn at random."""
        return self._loader("val", training=False)

    def _loader(self, part: str, *, training: bool) -> DataLoader[Example]:
        examples = MaskExamples(pairs(self._roots[part]), self._framing, training=training)
        return DataLoader(
            examples, batch_size=self._batch_size, shuffle=training, num_workers=self._workers
        )


class MaskExamples(Dataset[Example], Sized):
    """Images one by one with their masks; what is beside the image in its square has no label."""

    def __init__(self, found: tuple[Pair, ...], framing: Framing, *, training: bool) -> None:
        self._pairs, self._framing, self._training = found, framing, training

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, index: int) -> Example:
        pair = self._pairs[index]
        image = read_image(pair.image)
        placed = self._framing.draw(*image.size, training=self._training)
        pixels = placed.picture(image, fill=(0, 0, 0), smooth=True)
        mask = placed.picture(read_mask(pair.mask), fill=UNLABELLED, smooth=False)
        return {
            "image": torch.from_numpy(pixels.transpose(2, 0, 1).copy()) / 255,
            "mask": torch.from_numpy(mask.astype(np.int64)),
        }
