"""Scenes of digits as a LightningDataModule, for segmentation and for detection."""

from collections.abc import Sized
from dataclasses import dataclass

import lightning.pytorch as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ablations.errors import SettingError
from ablations.subjects.tasks.scenes.compose import Scenes
from ablations.subjects.tasks.scenes.glyphs import Part
from ablations.subjects.tasks.scenes.remembered import digest, scenes
from ablations.subjects.tasks.scenes.settings import SceneSettings

Example = dict[str, Tensor]


class DigitScenes(pl.LightningDataModule):
    """Several of the bundled digits in each scene, among clutter and in noise.

    A batch is a mapping: `image` (n, 1, side, side) from 0 to 1; `mask` (n, side, side), 0 for background and d + 1
    for digit d; `boxes` (n, most, 4), left, top, right, bottom in pixels; `labels` (n, most), -1 where a scene has
    fewer digits. No digit image is in scenes of both parts.

    Args:
        train: Scenes to train with.
        val: Scenes to validate with.
        batch_size: Scenes in a batch.
        side: Height and width in pixels.
        least: Digits in a scene, at least.
        most: Digits in a scene, at most.
        smallest: Size of the smallest digits in pixels.
        largest: Size of the largest digits in pixels.
        overlap: Largest share of the smaller of two boxes that lies in the other one.
        clutter: Pieces of digits in a scene that belong to nothing.
        noise: Standard deviation of the noise, where ink is 1 and paper 0.
        scene_seed: Of the scenes, the same for all runs.
        workers: Processes that read batches.

    Raises:
        SettingError: If a number is out of its range.
    """

    def __init__(
        self,
        train: int = 400,
        val: int = 100,
        batch_size: int = 16,
        side: int = 32,
        least: int = 2,
        most: int = 3,
        smallest: int = 12,
        largest: int = 16,
        overlap: float = 0.2,
        clutter: int = 2,
        noise: float = 0.05,
        scene_seed: int = 0,
        workers: int = 0,
    ) -> None:
        super().__init__()
        counted = {"train": train, "val": val, "batch_size": batch_size}
        for name, value in counted.items():
            if value < 1:
                raise SettingError(f"`data.{name} >= 1` must hold, but got {value}.")
        self._counts: dict[Part, int] = {"train": train, "val": val}
        self._batch_size, self._workers = batch_size, workers
        self._settings = SceneSettings(
            side=side,
            least=least,
            most=most,
            smallest=smallest,
            largest=largest,
            overlap=overlap,
            clutter=clutter,
            noise=noise,
            seed=scene_seed,
        )

    def fingerprint(self) -> str:
        """What the scenes are, whatever made them."""
        return " ".join(digest(self._part(part)) for part in self._counts)

    def train_dataloader(self) -> DataLoader[Example]:
        """In another order in each epoch."""
        return self._loader("train", shuffle=True)

    def val_dataloader(self) -> DataLoader[Example]:
        """Always in the same order."""
        return self._loader("val", shuffle=False)

    def _loader(self, part: Part, *, shuffle: bool) -> DataLoader[Example]:
        return DataLoader(
            SceneExamples(self._part(part)),
            batch_size=self._batch_size,
            shuffle=shuffle,
            num_workers=self._workers,
        )

    def _part(self, part: Part) -> Scenes:
        return scenes(self._settings, part=part, count=self._counts[part])


@dataclass(frozen=True)
class SceneExamples(Dataset[Example], Sized):
    """Scenes one by one, as tensors."""

    scenes: Scenes

    def __len__(self) -> int:
        return len(self.scenes.images_nhw)

    def __getitem__(self, index: int) -> Example:
        found = self.scenes
        return {
            "image": torch.from_numpy(found.images_nhw[index])[None] / 255,
            "mask": torch.from_numpy(found.masks_nhw[index]).long(),
            "boxes": torch.from_numpy(found.boxes_nk4[index]),
            "labels": torch.from_numpy(found.labels_nk[index]),
        }
