"""Between standardised images and their colours in [0, 1], which is where operations on colours are defined."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Colours:
    """What standardising took away.

    0 is black, or the lowest number if that is below 0; 1 is the highest number in any channel of the training images.
    """

    spread: Tensor
    """Standard deviation of each channel in these colours, (channels,)."""
    middle: Tensor
    """Mean of each channel in them, (channels,)."""

    def of(self, x_nchw: Tensor) -> Tensor:
        """The colours of standardised images; numbers that no training image had are cut off at 0 and 1."""
        return (x_nchw * _along(self.spread, x_nchw) + _along(self.middle, x_nchw)).clamp(0, 1)

    def standardised(self, colour_nchw: Tensor) -> Tensor:
        """The images that have these colours."""
        return (colour_nchw - _along(self.middle, colour_nchw)) / _along(self.spread, colour_nchw)


def _along(channel: Tensor, x_nchw: Tensor) -> Tensor:
    return channel.to(x_nchw)[:, None, None]
