"""Labelled examples as tensors, and the parts of a data set."""

from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from ablations.subjects.attention.data.colours import Colours


@dataclass(frozen=True)
class Examples:
    """Labelled images or sequences."""

    x: Tensor
    """(n, channels, height, width) or (n, channels, length), float32."""
    y: Tensor
    """(n,), int64."""
    mask: Tensor | None = None
    """(n, length), True where a sequence is and False where it is padded; None if nothing is."""

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, chosen: Tensor | slice) -> Self:
        mask = None if self.mask is None else self.mask[chosen]
        return type(self)(self.x[chosen], self.y[chosen], mask)

    def to(self, device: str) -> Self:
        """The same on a device, images in the channels-last layout."""
        x = self.x.to(device)
        if x.dim() == 4:
            x = x.contiguous(memory_format=torch.channels_last)
        return type(self)(x, self.y.to(device), None if self.mask is None else self.mask.to(device))

    def batch(self) -> tuple[Tensor, ...]:
        """(x, y), or (x, y, mask) where there is one."""
        return (self.x, self.y) if self.mask is None else (self.x, self.y, self.mask)


@dataclass(frozen=True)
class Split:
    """Training, validation and test examples, all standardised with the training examples' statistics."""

    train: Examples
    val: Examples
    classes: int
    test: Examples | None = None
    """None where no test set is declared."""
    colours: Colours | None = None
    """What standardising took away; None for examples that come standardised."""

    def to(self, device: str) -> Self:
        """The same on a device."""
        test = None if self.test is None else self.test.to(device)
        return replace(self, train=self.train.to(device), val=self.val.to(device), test=test)

    @property
    def in_channels(self) -> int:
        """Channels of an example."""
        return self.train.x.shape[1]

    @property
    def size(self) -> tuple[int, ...]:
        """Height and width of an image, or length of a sequence."""
        return tuple(self.train.x.shape[2:])
