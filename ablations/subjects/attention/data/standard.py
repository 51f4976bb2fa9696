"""Standardising: mean 0 and deviation 1 for each channel of the training examples."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ablations.errors import SettingError
from ablations.subjects.attention.data.colours import Colours


@dataclass(frozen=True, kw_only=True)
class Channel:
    """What is known of a channel's numbers in the training examples."""

    low: float
    high: float
    unit: float
    """What numbers are divided by first: squares of 1e200 are infinite, and those of 1e-200 are 0."""
    mean: float
    """In units."""
    deviation: float
    """In units."""

    @staticmethod
    def of(seen: NDArray[np.float64], number: int) -> "Channel":
        """From all the numbers.

        Raises:
            SettingError: If they are all one.
        """
        low, high = float(seen.min()), float(seen.max())
        _check_varies(low, high, number)
        unit = max(abs(low), abs(high))
        in_units = seen / unit
        mean = in_units.mean()
        # In place, what `in_units.std()` does in as much memory again.
        in_units -= mean
        in_units *= in_units
        deviation = math.sqrt(in_units.sum() / in_units.size)
        return Channel(low=low, high=high, unit=unit, mean=mean, deviation=deviation)

    @staticmethod
    def of_bytes(
        *, total: int, squares: int, count: int, low: int, high: int, number: int
    ) -> "Channel":
        """From sums over whole numbers: whoever adds them up in whatever order finds the same.

        Raises:
            SettingError: If the numbers are all one.
        """
        _check_varies(low, high, number)
        variance = (count * squares - total**2) / count**2
        return Channel(
            low=low, high=high, unit=1.0, mean=total / count, deviation=math.sqrt(variance)
        )

    def standard(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Numbers of this channel at mean 0 and deviation 1."""
        standard: NDArray[np.float64] = (values / self.unit - self.mean) / self.deviation
        return standard


def table(channels: list[Channel]) -> NDArray[np.float32]:
    """The standardised number of each 8-bit one, (channels, 256)."""
    values = np.arange(256, dtype=np.float64)
    return np.stack([channel.standard(values) for channel in channels]).astype(np.float32)


def colours(channels: list[Channel]) -> Colours:
    """What standardising took away."""
    low = min(0.0, *(one.low for one in channels))
    high = max(one.high for one in channels)
    with np.errstate(all="ignore"):  # of numbers near the largest that there are; no image has them
        whole = np.float64(high) - low
        return Colours(
            spread=torch.tensor([float(x.deviation * x.unit / whole) for x in channels]),
            middle=torch.tensor([float((x.mean * x.unit - low) / whole) for x in channels]),
        )


def _check_varies(low: float, high: float, number: int) -> None:
    if high == low:
        raise SettingError(
            f"channel {number} of the data has one value in all training examples, so it "
            "cannot be standardised; leave it out."
        )
