"""Examples of stored images: in memory as tensors, or read anew in each epoch by worker processes."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ablations.subjects.attention.data.examples import Examples, Labelled, Step
from ablations.subjects.attention.data.standard import Channel, table
from ablations.subjects.attention.data.stored.decode import Draw
from ablations.subjects.attention.data.stored.loader import Images, batches
from ablations.subjects.attention.data.stored.stored import Stored

AT_ONCE = 2**18
"""Numbers that a processor looks up together: what they take fits into its cache."""


def channels_of_stored(stored: Stored, train: NDArray[np.bool_]) -> list[Channel]:
    """Each channel of the images that train, from what the look at all of them kept.

    Raises:
        SettingError: If a channel has one value in all of them.
    """
    rows = stored.rows[train]
    pixels = int(np.prod(stored.shape[1:])) * len(rows)
    return [
        Channel.of_bytes(
            total=int(rows["sum"][:, number].sum()),
            squares=int(rows["square"][:, number].sum()),
            count=pixels,
            low=int(rows["low"][:, number].min()),
            high=int(rows["high"][:, number].max()),
            number=number,
        )
        for number in range(stored.shape[0])
    ]


def examples_of_stored(
    stored: Stored, chosen: NDArray[np.bool_], channels: list[Channel]
) -> Labelled:
    """The chosen images, standardised: tensors where the pixels are in memory, else streamed."""
    standard, y = torch.from_numpy(table(channels)), torch.from_numpy(stored.y[chosen])
    if stored.pixels is not None:
        return Examples(standardised(torch.from_numpy(stored.pixels[chosen]), standard), y)
    images = Images(stored.listing, stored.view, stored.shape[1:])
    return StreamedExamples(
        images, torch.from_numpy(stored.places[chosen]), y, standard, stored.cut
    )


def standardised(pixels_nhwc: Tensor, standard: Tensor) -> Tensor:
    """Float32 images (n, channels, height, width), channels last in memory, of 8-bit ones by looking each number up."""
    device, flat = pixels_nhwc.device, standard.flatten()
    first = torch.arange(0, len(flat), 256, dtype=torch.int32, device=device)
    x_nhwc = torch.empty(pixels_nhwc.shape, device=device)
    images = len(pixels_nhwc)
    if device.type == "cpu":
        images = max(1, AT_ONCE // math.prod(pixels_nhwc.shape[1:]))
    for pixels, x in zip(
        torch.split(pixels_nhwc, images), torch.split(x_nhwc, images), strict=True
    ):
        torch.index_select(flat, 0, (pixels.int() + first).flatten(), out=x.view(-1))
    return x_nhwc.permute(0, 3, 1, 2)


@dataclass(frozen=True, eq=False)
class StreamedExamples:
    """Labelled images that are read when they are asked for."""

    images: Images
    places: Tensor
    """Of these examples in the data set, (n,)."""
    y: Tensor
    """(n,), int64."""
    standard: Tensor
    """The number that each 8-bit one becomes, (channels, 256), on the device."""
    cut: bool
    """Whether training sees a random part of each image."""

    def __len__(self) -> int:
        return len(self.y)

    @property
    def shape(self) -> tuple[int, ...]:
        """Channels, height and width of each."""
        return len(self.standard), *self.images.size

    def __getitem__(self, chosen: Step) -> Examples:
        """These, read by this process, not cut at random."""
        (examples,) = self.fetched([chosen], draw=None, workers=0)
        return examples

    def fetched(
        self, steps: Sequence[Step], *, draw: tuple[int, int] | None, workers: int
    ) -> Iterator[Examples]:
        """The examples of each step, in order, read ahead by so many processes."""
        device = self.standard.device
        cut = Draw(*draw) if draw is not None and self.cut else None
        pixels = batches(
            replace(self.images, draw=cut),
            (self.places[step].tolist() for step in steps),
            workers=workers,
            pinned=device.type == "cuda",
        )
        for step, batch in zip(steps, pixels, strict=True):
            x = standardised(batch.to(device, non_blocking=True), self.standard)
            yield Examples(x, self.y[step].to(device))

    def to(self, device: str) -> Self:
        """The same for training on a device; the labels stay here, as the images do."""
        return replace(self, standard=self.standard.to(device))
