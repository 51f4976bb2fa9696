"""One look at every image of a data set: which cannot be read, how large they are, the sums of their numbers.

It is kept in the cache, so a data set is decoded once for all studies of it. Sums are whole numbers: the order in
which images are added up, and the number of processes that do it, change nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ablations.subjects.attention.data.layouts.kept import Arrays, kept_arrays, key
from ablations.subjects.attention.data.layouts.listing import Listing, Pixels, Unreadable
from ablations.subjects.attention.data.layouts.names import Names
from ablations.subjects.attention.data.stored.decode import View, decoded
from ablations.subjects.attention.data.stored.loader import cores, in_workers

ROW = np.dtype(
    [
        ("size", "i4", 2),
        ("sum", "i8", 3),
        ("square", "i8", 3),
        ("low", "u1", 3),
        ("high", "u1", 3),
    ]
)
"""Of one image: height and width, and of each channel the sum, the sum of squares, the least and the largest."""
VALUES = np.arange(256)
BATCH = 64
IN_PROCESS = 2048
"""Fewer images than this are looked at by this process."""


@dataclass(frozen=True, eq=False)
class Survey:
    """What is known of n images."""

    rows: NDArray[np.void]
    """`ROW`s, (n,); zeros for an image that cannot be read."""
    unreadable: dict[int, str]
    """Place -> why."""


def survey(listing: Listing, view: View) -> Survey:
    """A look at every image, by as many processes as there are cores where they are many."""
    name = f"surveys/{survey_key(listing, view)}.npz"
    found = kept_arrays(name, lambda: _look(listing, view))
    reasons = Names(found["reasons"], found["ends"])
    places = found["unreadable"].tolist()
    return Survey(found["rows"], dict(zip(places, reasons, strict=True)))


def survey_key(listing: Listing, view: View) -> str:
    """Another one where a name, a size, a time or the view is another."""
    written = getattr(listing, "written", ())
    pixels = getattr(listing, "pixels", None)
    return key(
        *listing.identity(),
        listing.size.tobytes(),
        np.asarray(written, dtype=np.int64).tobytes(),
        b"" if pixels is None else pixels.tobytes(),
        listing.where(0),
        repr(view),
    )


def row(pixels: Pixels) -> NDArray[np.void]:
    """What a look at an image keeps, shape ()."""
    found = np.zeros((), dtype=ROW)
    found["size"] = pixels.shape[:2]
    for channel in range(pixels.shape[2]):
        counts = np.bincount(pixels[:, :, channel].ravel(), minlength=256)
        seen = np.flatnonzero(counts)
        found["sum"][channel], found["square"][channel] = counts @ VALUES, counts @ VALUES**2
        found["low"][channel], found["high"][channel] = seen[0], seen[-1]
    return found


def _look(listing: Listing, view: View) -> Arrays:
    n = len(listing.y)
    rows, reasons = np.zeros(n, dtype=ROW), dict[int, str]()
    for begin, found, failed in _looks(listing, view, n):
        rows[begin : begin + len(found)] = found
        reasons.update(failed)
    names = Names.of(reasons.values())
    places = np.array(list(reasons), dtype=np.int64)
    return {"rows": rows, "unreadable": places, "reasons": names.text, "ends": names.ends}


def _looks(
    listing: Listing, view: View, n: int
) -> Iterator[tuple[int, NDArray[np.void], dict[int, str]]]:
    look = _Look(listing, view)
    begins = [[begin] for begin in range(0, n, BATCH)]
    yield from in_workers(look, begins, workers=cores() if n >= IN_PROCESS else 0)


@dataclass(frozen=True)
class _Look:
    """A map of the first place of a batch to what is seen in it."""

    listing: Listing
    view: View

    def __getitems__(self, begins: list[int]) -> tuple[int, NDArray[np.void], dict[int, str]]:
        (begin,) = begins
        places = range(begin, min(begin + BATCH, len(self.listing.y)))
        rows, reasons = np.zeros(len(places), dtype=ROW), dict[int, str]()
        for at, place in enumerate(places):
            try:
                rows[at] = row(decoded(self.listing.stored(place), self.view, place=place))
            except Unreadable as error:
                reasons[place] = str(error)
        return begin, rows, reasons
