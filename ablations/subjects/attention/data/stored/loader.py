"""Batches of stored images, decoded ahead by worker processes (torch's `DataLoader`)."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ablations.errors import SettingError
from ablations.subjects.attention.data.layouts.listing import Listing, Unreadable
from ablations.subjects.attention.data.stored.decode import Draw, View, decoded

AHEAD = 2
"""Batches that each worker process has ready or in work."""


def cores() -> int:
    """Of this machine, that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # macOS has none
    return len(affinity(0)) if affinity else os.cpu_count() or 1


@dataclass(frozen=True)
class Images:
    """A map of places to a batch of pixels."""

    listing: Listing
    view: View
    size: tuple[int, int]
    """Height and width that each has."""
    draw: Draw | None = None

    def __getitems__(self, places: list[int]) -> Tensor | str:
        """Pixels, (n, height, width, 3) in 8 bits; or the sentence that says which image is missing."""
        batch = np.empty((len(places), *self.size, 3), dtype=np.uint8)
        for at, place in enumerate(places):
            try:
                pixels = decoded(self.listing.stored(place), self.view, place=place, draw=self.draw)
            except Unreadable as error:
                return self._lost(place, str(error))
            if pixels.shape[:2] != self.size:
                return self._lost(place, f"it is {pixels.shape[:2]} now")
            batch[at] = pixels
        return torch.from_numpy(batch)

    def _lost(self, place: int, why: str) -> str:
        return (
            f"the data must stay as they are while a study runs, but {self.listing.where(place)} cannot be read as it "
            f"was: {why}. Restore it, or start another study."
        )


def batches(
    images: Images, steps: Iterable[list[int]], *, workers: int, pinned: bool = False
) -> Iterator[Tensor]:
    """The images of each step, in order, whatever the number of workers.

    Args:
        images: Where from.
        steps: Places for each batch.
        workers: Processes that decode; with 0 this one does, when asked for the next batch.
        pinned: Whether the batches lie in memory that a GPU copies from while it computes.

    Raises:
        SettingError: If an image cannot be read as it was.
    """
    for batch in in_workers(images, steps, workers=workers, pinned=pinned):
        if isinstance(batch, str):
            raise SettingError(batch)
        yield batch


def in_workers(
    source: Any, steps: Iterable[list[int]], *, workers: int, pinned: bool = False
) -> Iterator[Any]:
    """`source.__getitems__` of each step, in order."""
    loader: DataLoader[Any] = DataLoader(
        cast("Dataset[Any]", source),
        batch_sampler=steps,
        num_workers=workers,
        collate_fn=_as_it_is,
        pin_memory=pinned,
        prefetch_factor=AHEAD if workers else None,
        generator=torch.Generator(),  # else it would draw a number from torch's global one
    )
    yield from loader


def _as_it_is(batch: Any) -> Any:
    return batch
