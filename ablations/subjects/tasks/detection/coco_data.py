"""A user's own images with COCO annotations, as a LightningDataModule."""

from collections.abc import Sized
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ablations.errors import SettingError
from ablations.subjects.tasks.detection.coco import Coco, Picture, read_coco
from ablations.subjects.tasks.pictures.files import read_image, size_of
from ablations.subjects.tasks.pictures.frame import Frame
from ablations.subjects.tasks.pictures.framed import Framing, check_sizes

Example = dict[str, Tensor]
BESIDE = {"boxes": 0, "labels": -1, "crowd": False}
"""What stands in the rows of an image that has fewer boxes than another."""


class CocoBoxes(pl.LightningDataModule):
    """Images of any size with COCO annotations, brought to squares of one size.

    A batch is a mapping: `image` (n, 3, size, size) from 0 to 1; `boxes` (n, most, 4), left, top, right, bottom in
    pixels of the square; `labels` (n, most), places of the categories in the order of their ids, -1 where an image
    has fewer boxes; `crowd` (n, most). All files are checked before the first run.

    Args:
        images: Folder of the images to train with.
        annotations: Their annotations, a JSON file.
        val_images: Folder of the images to validate with.
        val_annotations: Their annotations.
        size: Height and width of the squares in pixels, a multiple of 4.
        crop: Fill the square and cut what is too long, at random in training; else the whole image, padded.
        flip: Exchange left and right of every other image in training.
        drop_empty: Leave boxes without an area out instead of refusing them.
        batch_size: Images in a batch.
        workers: Processes that read images.

    Raises:
        SettingError: If a number is out of its range.
    """

    def __init__(
        self,
        images: str,
        annotations: str,
        val_images: str,
        val_annotations: str,
        size: int = 256,
        crop: bool = False,
        flip: bool = True,
        drop_empty: bool = False,
        batch_size: int = 16,
        workers: int = 0,
    ) -> None:
        super().__init__()
        check_sizes(size=size, multiple=4, batch_size=batch_size, workers=workers)
        self._paths = {"train": (annotations, images), "val": (val_annotations, val_images)}
        self._framing = Framing(size=size, crop=crop, flip=flip)
        self._drop_empty, self._batch_size, self._workers = drop_empty, batch_size, workers

    def fingerprint(self) -> str:
        """Of the annotations, and of the images' names and sizes."""
        return " ".join(self._part(part).digest for part in self._paths)

    def prepare_data(self) -> None:
        """Check everything, once: that each image is whole and of its size, and that no class is empty.

        Raises:
            SettingError: If one is not, with its path.
        """
        train, val = self._part("train"), self._part("val")
        if train.classes != val.classes:
            raise SettingError(
                "both files of annotations must have the same categories, but "
                f"{self._paths['train'][0]!r} and {self._paths['val'][0]!r} differ."
            )
        shown = {int(label) for one in train.pictures for label in one.labels_m[~one.crowd_m]}
        for label, name in enumerate(train.classes.values()):
            if label not in shown:
                raise SettingError(
                    f"each category must have a box to learn from, but {name!r} has none in "
                    f"{self._paths['train'][0]!r}; remove it from both files, or add boxes."
                )
        for picture in (*train.pictures, *val.pictures):
            _check(picture)

    def train_dataloader(self) -> DataLoader[Example]:
        """In another order in each epoch."""
        return self._loader("train", training=True)

    def val_dataloader(self) -> DataLoader[Example]:
        """Always in the same order, nothing drawn at random."""
        return self._loader("val", training=False)

    def _loader(self, part: str, *, training: bool) -> DataLoader[Example]:
        examples = CocoExamples(self._part(part).pictures, self._framing, training=training)
        return DataLoader(
            examples, batch_size=self._batch_size, shuffle=training, num_workers=self._workers
        )

    def _part(self, part: str) -> Coco:
        annotations, images = map(Path, self._paths[part])
        return read_coco(annotations, images=images, drop_empty=self._drop_empty)


class CocoExamples(Dataset[Example], Sized):
    """Images one by one; rows of boxes up to the most that any image has."""

    def __init__(self, pictures: tuple[Picture, ...], framing: Framing, *, training: bool) -> None:
        self._pictures, self._framing, self._training = pictures, framing, training
        self._most = max(1, *(len(one.labels_m) for one in pictures))

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, index: int) -> Example:
        picture = self._pictures[index]
        image = read_image(picture.path)
        placed = self._framing.draw(picture.width, picture.height, training=self._training)
        pixels = placed.picture(image, fill=(0, 0, 0), smooth=True)
        boxes, kept = _boxes(picture, placed)
        rows: dict[str, NDArray[Any]] = {
            "boxes": boxes,
            "labels": picture.labels_m,
            "crowd": picture.crowd_m,
        }
        tensors = {name: self._padded(values[kept], name) for name, values in rows.items()}
        return {"image": torch.from_numpy(pixels.transpose(2, 0, 1).copy()) / 255, **tensors}

    def _padded(self, values: NDArray[Any], name: str) -> Tensor:
        beside = np.full((self._most, *values.shape[1:]), BESIDE[name], dtype=values.dtype)
        beside[: len(values)] = values
        return torch.from_numpy(beside)


def _boxes(picture: Picture, placed: Frame) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The boxes in the square, and which of them have their centre in it."""
    whole = placed.boxes(picture.boxes_m4, cut=False)
    centres = (whole[:, :2] + whole[:, 2:]) / 2
    kept = np.asarray(((centres >= 0) & (centres < placed.size)).all(1))
    return placed.boxes(picture.boxes_m4, cut=True), kept


def _check(picture: Picture) -> None:
    size = size_of(picture.path)
    if size != (picture.width, picture.height):
        raise SettingError(
            f"each image must be of the size that its annotations say, but {str(picture.path)!r} has "
            f"{size[0]} x {size[1]} pixels where they say {picture.width} x {picture.height}."
        )
