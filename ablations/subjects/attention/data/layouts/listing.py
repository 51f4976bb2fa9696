"""Which examples a data set has and where the bytes of each lie; a listing holds no image.

Shapes: n examples, f files.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ablations.subjects.attention.data.layouts.names import Names

Labels = NDArray[np.int64]
Pixels = NDArray[np.uint8]
"""(height, width, 3)."""


class Unreadable(Exception):
    """An example that is no image, or not there; its text says why."""


class Listing(Protocol):
    """Examples by their places, from 0."""

    @property
    def y(self) -> Labels:
        """Their labels, (n,)."""
        ...

    @property
    def size(self) -> NDArray[np.int64]:
        """Stored bytes of each, (n,)."""
        ...

    def stored(self, place: int) -> bytes | Pixels:
        """An encoded image, or its pixels where they lie as such.

        Raises:
            Unreadable: If it is not there, or was written since it was listed.
        """
        ...

    def where(self, place: int) -> str:
        """In words that name the file."""
        ...

    def identity(self) -> list[bytes]:
        """What besides labels, sizes and content tells this set from another, wherever it lies: its names."""
        ...


@dataclass(frozen=True, eq=False)
class Files:
    """Examples that are a file each below a folder."""

    root: Path
    names: Names
    """Below the root, (n)."""
    y: Labels
    size: NDArray[np.int64]
    written: NDArray[np.int64]
    """When each was last written, in nanoseconds, (n,)."""

    def stored(self, place: int) -> bytes:
        """The whole file."""
        path = os.path.join(self.root, self.names[place])  # noqa: PTH118 - a Path costs more than the read
        return _bytes(path, 0, int(self.size[place]), written=int(self.written[place]))

    def where(self, place: int) -> str:
        """Its path."""
        return repr(str(self.root / self.names[place]))

    def identity(self) -> list[bytes]:
        """The names below the root."""
        return [self.names.text.tobytes(), self.names.ends.tobytes()]


@dataclass(frozen=True, eq=False)
class Members:
    """Examples that lie one behind the other in a few files."""

    files: tuple[Path, ...]
    written: tuple[int, ...]
    """When each file was last written, in nanoseconds."""
    names: Names
    """How a sentence calls each example, (n)."""
    y: Labels
    file: NDArray[np.int64]
    """Which file, (n,)."""
    offset: NDArray[np.int64]
    """Where in it the example begins, (n,)."""
    size: NDArray[np.int64]

    def stored(self, place: int) -> bytes:
        """Its part of the file."""
        at = int(self.file[place])
        offset, size = int(self.offset[place]), int(self.size[place])
        return _bytes(str(self.files[at]), offset, size, written=self.written[at])

    def where(self, place: int) -> str:
        """The name it has in its file."""
        return repr(self.names[place])

    def identity(self) -> list[bytes]:
        """The examples' names."""
        return [self.names.text.tobytes(), self.names.ends.tobytes()]


@dataclass(frozen=True, eq=False)
class Held:
    """Examples whose pixels are all in memory, in 8 bits."""

    name: str
    pixels: NDArray[np.uint8]
    """(n, height, width, 3)."""
    y: Labels

    @property
    def size(self) -> NDArray[np.int64]:
        """Bytes of each, (n,)."""
        return np.full(len(self.y), self.pixels[0].nbytes)

    def stored(self, place: int) -> Pixels:
        """Its pixels."""
        pixels: Pixels = self.pixels[place]
        return pixels

    def where(self, place: int) -> str:
        """Its number."""
        return f"image {place} of {self.name}"

    def identity(self) -> list[bytes]:
        """Nothing: the content says all."""
        return []


def _bytes(path: str, offset: int, size: int, *, written: int) -> bytes:
    try:
        opened = os.open(path, os.O_RDONLY)
    except OSError as error:
        raise Unreadable(f"it cannot be opened ({error.strerror})") from None
    try:
        if os.fstat(opened).st_mtime_ns != written:
            raise Unreadable("it was written since the data were listed")
        found = os.pread(opened, size, offset)
    except OSError as error:
        raise Unreadable(f"it cannot be read ({error.strerror})") from None
    finally:
        os.close(opened)
    if len(found) < size:
        raise Unreadable(f"it ends after {len(found)} of {size} bytes")
    return found
