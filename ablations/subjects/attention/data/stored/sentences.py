"""What `ablate show` says of stored images."""

from collections.abc import Sequence

from ablations.subjects.attention.data.layouts.listing import Listing
from ablations.subjects.attention.data.stored.decode import View
from ablations.subjects.attention.data.stored.identity import by_pixels, sample
from ablations.subjects.attention.data.stored.stored import NAMED, RESIDENT_BYTES, Stored
from ablations.subjects.attention.settings.groups import Data


def in_words(data: Data, stored: Stored) -> str:
    """Resident or streamed, why, how many bytes, and how many processes read."""
    channels, height, width = stored.shape
    memory = 4 * channels * height * width * len(stored.y)
    if stored.pixels is not None:
        return f"Resident: {size(memory)} in the memory of each process that trains"
    if stored.cut:
        why = "another part is cut out of each image in each epoch"
    elif data.stream == "streamed":
        why = f"as `data.stream` says, {size(memory)} if it were resident"
    else:
        why = f"resident it would be {size(memory)}, more than {size(RESIDENT_BYTES)}"
    workers = "as many as a run has threads" if data.workers is None else f"{data.workers}"
    return f"Streamed ({why}): {size(int(stored.listing.size.sum()))} read in each epoch; worker processes: {workers}"


def identity_in_words(listing: Listing, view: View) -> str:
    """By what the images are told from others: how strong their fingerprint is."""
    n = len(listing.y)
    if by_pixels(listing, view):
        return "The images are told from others by all their pixels"
    looked = len(sample(n))
    content = "all" if looked == n else f"{looked:,} of them"
    return f"The images are told from others by the names, sizes and labels of all {n:,}, and the content of {content}"


def left_out_in_words(left_out: Sequence[str]) -> str:
    """How many images cannot be read, and the first of them."""
    names = ", ".join(left_out[:NAMED]) + (", ..." if len(left_out) > NAMED else "")
    which = (
        "image that cannot be read is" if len(left_out) == 1 else "images that cannot be read are"
    )
    return f"{len(left_out):,} {which} left out: {names}"


def size(count: int) -> str:
    """A number of bytes in the largest unit that leaves one before the point."""
    value, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.3g} {unit}"
