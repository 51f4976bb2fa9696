"""The data set that the settings name: its split, the fingerprint of its content, its shape."""

import hashlib

import numpy as np

from ablations.errors import SettingError
from ablations.subjects.attention.data.examples import Split
from ablations.subjects.attention.data.remembered import remembered
from ablations.subjects.attention.data.sources.content import Content
from ablations.subjects.attention.data.sources.read import read
from ablations.subjects.attention.data.split import split_by_class
from ablations.subjects.attention.settings.groups import Data


def load(data: Data) -> Split:
    """The split that the settings name.

    Raises:
        SettingError: If there is no such data set, a class is too small to be split, a channel is
            constant, or sequences are to be augmented as images are.
    """
    content = _read(data)
    if content.x.ndim == 3 and data.augmentation != "none":
        raise SettingError(
            f"`data.augmentation` must be 'none' for sequences, but is {data.augmentation!r}: it moves images."
        )
    return split_by_class(content, val_fraction=data.val_fraction, seed=data.split_seed)


@remembered(most=4)
def on_device(data: Data, device: str) -> Split:
    """The split, kept on the device from one run of a worker to the next."""
    split = load(data)
    return Split(split.train.to(device), split.val.to(device), classes=split.classes)


@remembered(most=8)
def fingerprint(data: Data) -> str:
    """Sixteen hexadecimal digits of the content of the data set, before any split."""
    content = _read(data)
    digest = hashlib.sha256(np.ascontiguousarray(content.x).tobytes())
    digest.update(np.ascontiguousarray(content.y).tobytes())
    if content.lengths is not None:
        digest.update(np.ascontiguousarray(content.lengths).tobytes())
    return digest.hexdigest()[:16]


def shape(data: Data) -> tuple[int, tuple[int, ...], int]:
    """Channels and size of an example, and the number of classes."""
    return _facts(data)[0]


def sizes(data: Data) -> tuple[int, int]:
    """How many examples train, and how many validate."""
    return _facts(data)[1]


@remembered(most=8)
def _facts(data: Data) -> tuple[tuple[int, tuple[int, ...], int], tuple[int, int]]:
    split = load(data)
    shape = split.in_channels, split.size, split.classes
    return shape, (len(split.train), len(split.val))


@remembered(most=2)
def _read(data: Data) -> Content:
    return read(data)
