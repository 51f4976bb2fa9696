"""Labelled examples as tensors, and the parts of a data set."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, Self

import torch
from torch import Tensor

from ablations.subjects.attention.data.colours import Colours

Step = Tensor | slice
"""Which examples are of a batch, by their places."""


class Labelled(Protocol):
    """Labelled examples, in memory (`Examples`) or streamed (`streamed.StreamedExamples`)."""

    @property
    def y(self) -> Tensor:
        """(n,), int64."""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one example: channels, and height and width or length."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, chosen: Step) -> "Examples": ...

    def fetched(
        self, steps: Sequence[Step], *, draw: tuple[int, int] | None, workers: int
    ) -> Iterator["Examples"]:
        """The examples of each step, in order.

        Args:
            steps: Which.
            draw: Seed and epoch of what is drawn at random as an image is read; None for nothing.
            workers: Processes that read ahead, where examples are not in memory.
        """
        ...

    def to(self, device: str) -> Self:
        """The same for training on a device."""
        ...


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

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one example."""
        return tuple(self.x.shape[1:])

    def __getitem__(self, chosen: Step) -> "Examples":
        mask = None if self.mask is None else self.mask[chosen]
        return Examples(self.x[chosen], self.y[chosen], mask)

    def fetched(
        self, steps: Sequence[Step], *, draw: tuple[int, int] | None, workers: int
    ) -> Iterator["Examples"]:
        """The examples of each step; they are here already."""
        del draw, workers
        return (self[step] for step in steps)

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

    train: Labelled
    val: Labelled
    classes: int
    test: Labelled | None = None
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
        return self.train.shape[0]

    @property
    def size(self) -> tuple[int, ...]:
        """Height and width of an image, or length of a sequence."""
        return self.train.shape[1:]
