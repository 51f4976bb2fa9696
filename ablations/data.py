"""Data sets as tensors in memory, with a fixed stratified split and a fingerprint of their content."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ablations.errors import SettingError
from ablations.settings import Data
from ablations.sources import Labels, Pixels, read


@dataclass(frozen=True)
class Images:
    """Labelled images: x of shape (n, channels, height, width), float32; y of shape (n,), int64."""

    x: Tensor
    y: Tensor


@dataclass(frozen=True)
class Split:
    """Training and validation images, both standardised with the training images' statistics."""

    train: Images
    val: Images
    classes: int

    @property
    def in_channels(self) -> int:
        """Channels of an image."""
        return self.train.x.shape[1]

    @property
    def image(self) -> int:
        """Height of an image in pixels."""
        return self.train.x.shape[2]


def load(data: Data) -> Split:
    """The split that the settings name.

    Raises:
        SettingError: If there is no such data set, or a class is too small to be split.
    """
    pixels, labels = _read(data)
    held_out = _stratified(labels, share=data.val_fraction, seed=data.split_seed)
    mean = pixels[~held_out].mean(axis=(0, 2, 3), keepdims=True)
    std = pixels[~held_out].std(axis=(0, 2, 3), keepdims=True)
    x, y = torch.from_numpy((pixels - mean) / std), torch.from_numpy(labels)
    keep, out = torch.from_numpy(~held_out), torch.from_numpy(held_out)
    return Split(Images(x[keep], y[keep]), Images(x[out], y[out]), classes=int(y.max()) + 1)


@lru_cache(maxsize=8)
def fingerprint(data: Data) -> str:
    """Sixteen hexadecimal digits of the content of the data set, before any split."""
    pixels, labels = _read(data)
    digest = hashlib.sha256(np.ascontiguousarray(pixels).tobytes())
    digest.update(np.ascontiguousarray(labels).tobytes())
    return digest.hexdigest()[:16]


@lru_cache(maxsize=8)
def shape(data: Data) -> tuple[int, int, int]:
    """Channels and height of an image, and the number of classes."""
    split = load(data)
    return split.in_channels, split.image, split.classes


@lru_cache(maxsize=2)
def _read(data: Data) -> tuple[Pixels, Labels]:
    return read(data)


def _stratified(labels: Labels, *, share: float, seed: int) -> NDArray[np.bool_]:
    """True for the held-out examples: `share` of each class, rounded to the nearest whole example."""
    rng = np.random.default_rng(seed)
    held_out = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        count = round(share * len(members))
        if not 0 < count < len(members):
            raise SettingError(
                f"`val_fraction` must leave images of class {label} on both sides, but "
                f"{share:g} of {len(members)} leaves {count} to validate; choose another share."
            )
        held_out[members[:count]] = True
    return held_out
