"""What a reduction ratio costs: the weights of the squeeze-and-excite bottlenecks.

    C     channels of a block          h     its hidden width
    C2    sum of C^2 over the blocks   r     realised ratio, C2 / sum(C h)

One block has C h + h C weights, so the whole network has 2 C2 / r (Hu et al. 2018, section 6.4).
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from analysis.errors import TableError


@dataclass(frozen=True)
class Cost:
    """The channels of every block that has attention."""

    channels: tuple[int, ...]
    """C of each block, one entry per block."""

    def __post_init__(self) -> None:
        if not self.channels or min(self.channels) < 1:
            raise TableError(f"`channels >= 1` must hold in every block, but got {self.channels}.")

    @property
    def c2_eff(self) -> int:
        """Sum of C^2 over the blocks."""
        return sum(c * c for c in self.channels)

    def hidden(self, r: float) -> tuple[int, ...]:
        """Hidden width of each block: C/r rounded half up, at least 1."""
        return tuple(hidden_width(c, r) for c in self.channels)

    def realised(self, r: float) -> float:
        """The ratio that the rounded hidden widths amount to, by cost."""
        return realised_ratio(self.channels, self.hidden(r))

    def params(self, r: float, *, bias: bool = False) -> int:
        """Weights (and biases, where asked) of all blocks, from the rounded hidden widths."""
        pairs = list(zip(self.channels, self.hidden(r), strict=True))
        return sum(2 * c * h for c, h in pairs) + (sum(c + h for c, h in pairs) if bias else 0)


def hidden_width(channels: int, r: float) -> int:
    """C/r rounded half up, at least 1."""
    return max(1, math.floor(channels / r + 0.5))


def realised_ratio(channels: Sequence[int], hidden: Sequence[int]) -> float:
    """sum(C^2) / sum(C h): the single ratio with the same cost."""
    return sum(c * c for c in channels) / sum(c * h for c, h in zip(channels, hidden, strict=True))


def parse_blocks(text: str) -> Cost:
    """The cost of blocks written as `3x256,4x512,6x1024,3x2048` (number x channels).

    Raises:
        TableError: If a part is not of that form.
    """
    channels: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(?:(\d+)\s*[xX*]\s*)?(\d+)\s*", part)
        if match is None:
            raise TableError(f"`blocks` must read like 3x256,4x512, but has the part {part!r}.")
        channels += [int(match[2])] * int(match[1] or 1)
    return Cost(tuple(channels))
