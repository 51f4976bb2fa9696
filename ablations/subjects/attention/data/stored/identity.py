"""By what stored images are told from others: all their pixels where they are few, else names, sizes and a sample."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from ablations.subjects.attention.data.layouts.listing import Listing, Unreadable
from ablations.subjects.attention.data.stored.decode import View
from ablations.subjects.attention.data.stored.stored import RESIDENT_BYTES, Stored, bytes_in_memory

SAMPLE = 1000
"""Images whose content counts where it is not that of all."""


def by_pixels(listing: Listing, view: View) -> bool:
    """Whether all pixels are looked at. Nothing that may differ from machine to machine decides it."""
    return view.side is None and bytes_in_memory(listing, view) <= RESIDENT_BYTES


def update_with_pixels(digest: "hashlib._Hash", stored: Stored) -> None:
    """Adds every pixel, as float32 channel by channel, and the labels."""
    for pixels in stored.each():
        digest.update(pixels.transpose(2, 0, 1).astype(np.float32).tobytes())
    digest.update(np.ascontiguousarray(stored.y).tobytes())


def update_with_sample(digest: "hashlib._Hash", listing: Listing) -> None:
    """Adds names, sizes, labels, and the stored content of up to a thousand images spread over all."""
    for part in (*listing.identity(), listing.size.tobytes(), listing.y.tobytes()):
        digest.update(part)
    for place in sample(len(listing.y)).tolist():
        try:
            content = listing.stored(place)
        except Unreadable:  # told when the data are read
            continue
        digest.update(content if isinstance(content, bytes) else content.tobytes())


def sample(n: int) -> NDArray[np.int64]:
    """The places of the images that are looked into: all of a few, else the first, the last and others between."""
    return np.unique(np.linspace(0, n - 1, min(n, SAMPLE)).astype(np.int64))
