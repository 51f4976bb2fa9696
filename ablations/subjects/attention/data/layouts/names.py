"""Many names in two arrays."""

import os
from array import array
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray


class Names:
    """A sequence of names: as strings a million take a hundred megabytes, which each worker process would copy.

    Args:
        text: All names, one after the other, as the file system encodes them.
        ends: Where each of them ends, (n,).
    """

    def __init__(self, text: NDArray[np.uint8], ends: NDArray[np.int64]) -> None:
        self.text, self.ends = text, ends

    @classmethod
    def of(cls, names: Iterable[str]) -> "Names":
        """These names, packed as they come."""
        text, ends = bytearray(), array("q")
        for name in names:
            text += os.fsencode(name)
            ends.append(len(text))
        return cls(np.frombuffer(text, dtype=np.uint8), np.frombuffer(ends, dtype=np.int64))

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, place: int) -> str:
        begin = int(self.ends[place - 1]) if place else 0
        return os.fsdecode(self.text[begin : int(self.ends[place])].tobytes())

    def __iter__(self) -> Iterator[str]:
        return (self[place] for place in range(len(self)))
