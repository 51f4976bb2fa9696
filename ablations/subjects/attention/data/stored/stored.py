"""A data set of stored images, found and looked at: in memory as 8-bit pixels, or left where it lies."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ablations.errors import SettingError
from ablations.subjects.attention.data.layouts.labels import check_labels
from ablations.subjects.attention.data.layouts.listing import Labels, Listing, Pixels, Unreadable
from ablations.subjects.attention.data.stored.decode import View, decoded
from ablations.subjects.attention.data.stored.survey import ROW, Survey, row, survey
from ablations.subjects.attention.settings.groups import Data

RESIDENT_BYTES = 2 * 10**9
"""A data set that takes more as float32 is streamed, if the settings do not say otherwise."""
NAMED = 3
"""Images that cannot be read, of which a sentence names so many."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Stored:
    """The images of a data set that can be read, n of them."""

    listing: Listing
    view: View
    places: NDArray[np.int64]
    """In the listing, (n,)."""
    y: Labels
    rows: NDArray[np.void]
    """What is known of each, `survey.ROW`, (n,)."""
    cut: bool = False
    """Whether training sees another part of each image in each epoch."""
    lengths: None = None
    """Images have none, sequences have."""
    left_out: tuple[str, ...] = ()
    """Where those lie that cannot be read."""
    pixels: NDArray[np.uint8] | None = None
    """(n, height, width, 3) where they are in memory, else None."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of each."""
        height, width = self.rows["size"][0].tolist()
        return 3, height, width

    def each(self) -> Iterator[Pixels]:
        """One after the other, not cut at random."""
        if self.pixels is not None:
            yield from self.pixels
            return
        for place in self.places.tolist():
            yield decoded(self.listing.stored(place), self.view, place=place)


def view_of(data: Data) -> View:
    """What the settings see of each image."""
    return View() if data.image_size is None else View(data.image_size, data.image_share)


def streams(data: Data, listing: Listing, view: View) -> bool:
    """Whether images are read anew in each epoch."""
    if data.cuts_stored_images or data.stream == "streamed":
        return True
    return data.stream == "auto" and bytes_in_memory(listing, view) > RESIDENT_BYTES


def bytes_in_memory(listing: Listing, view: View) -> int:
    """What all examples take as float32, if all are as large as the first that can be read."""
    return len(listing.y) * 3 * 4 * int(np.prod(_first_size(listing, view)))


def read_stored(data: Data, listing: Listing) -> Stored:
    """The images of the listing, each looked at once.

    Raises:
        SettingError: If some cannot be read or are of other sizes, or the labels are not 0, 1, ...
    """
    if not len(listing.y):
        raise SettingError(f"`data.root` must hold images, but {data.root!r} holds none.")
    view = view_of(data)
    pixels = None
    if streams(data, listing, view):
        found = survey(listing, view)
    else:
        pixels, found = _all(listing, view)
    places = _readable(data, listing, found)
    _check_sizes(listing, found, places)
    y = listing.y[places]
    check_labels(data, y)
    return Stored(
        listing=listing,
        view=view,
        places=places,
        y=y,
        rows=found.rows[places],
        cut=data.cuts_stored_images,
        left_out=tuple(listing.where(place) for place in sorted(found.unreadable)),
        pixels=None if pixels is None else pixels[places] if found.unreadable else pixels,
    )


def _all(listing: Listing, view: View) -> tuple[NDArray[np.uint8], Survey]:
    n = len(listing.y)
    rows, unreadable = np.zeros(n, dtype=ROW), dict[int, str]()
    all_pixels = np.zeros((n, *_first_size(listing, view), 3), dtype=np.uint8)
    for place in range(n):
        try:
            pixels = decoded(listing.stored(place), view, place=place)
        except Unreadable as error:
            unreadable[place] = str(error)
            continue
        rows[place] = row(pixels)
        if pixels.shape == all_pixels.shape[1:]:  # another size is told for all of them together
            all_pixels[place] = pixels
    return all_pixels, Survey(rows, unreadable)


def _first_size(listing: Listing, view: View) -> tuple[int, int]:
    """Height and width of the first image that can be read; of nothing where there is none."""
    if view.side is not None:
        return view.side, view.side
    for place in range(len(listing.y)):
        try:
            height, width, _ = decoded(listing.stored(place), view, place=place).shape
        except Unreadable:
            continue
        return height, width
    return 0, 0


def _readable(data: Data, listing: Listing, found: Survey) -> NDArray[np.int64]:
    """The places of images that can be read: all, or those that are left where others are to be skipped."""
    n, bad = len(listing.y), sorted(found.unreadable)
    if bad and (len(bad) == n or not data.skip_corrupt):
        first = f"{listing.where(bad[0])} cannot be read as one: {found.unreadable[bad[0]]}"
        if len(bad) == 1:
            raise SettingError(
                f"`data.root` must hold images only, but {first}. Mend or remove it, or leave it out "
                "(--set data.skip_corrupt=true)."
            )
        others = "none can" if len(bad) == n else f"{len(bad):,} of {n:,} cannot"
        raise SettingError(
            f"`data.root` must hold images only, but {others} be read: {first}; "
            f"{_named(listing, bad[1:])}. Mend or remove them, or leave them out (--set data.skip_corrupt=true)."
        )
    return np.delete(np.arange(n), bad)


def _named(listing: Listing, places: Sequence[int]) -> str:
    names = ", ".join(listing.where(place) for place in places[:NAMED])
    return f"also {names}" + (" ..." if len(places) > NAMED else "")


def _check_sizes(listing: Listing, found: Survey, places: NDArray[np.int64]) -> None:
    sizes = found.rows["size"][places]
    odd = np.flatnonzero((sizes != sizes[0]).any(1))
    if not len(odd):
        return
    is_one, first = tuple(sizes[odd[0]].tolist()), tuple(sizes[0].tolist())
    raise SettingError(
        f"all images must be of one size, but {listing.where(int(places[odd[0]]))} is {is_one} where the first is "
        f"{first} ({len(odd):,} of {len(places):,} are not as the first). Scale them as they are read "
        "(--set data.image_size=224), or resize them first."
    )
