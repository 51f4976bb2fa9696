"""Two operations on feature maps whose gradients keep the map's memory layout.

Training runs in torch's channels-last layout. There the gradients of `x.mean((2, 3))` and of
`x[:, :, ::2, ::2]` come back with the positions last, and every elementwise operation on the way to the next
convolution reads two layouts at once. Same numbers, to the last bit; on one CPU thread the mean of a
32x256x14x14 map with its gradient takes 0.6 instead of 3.6 ms.

x_ncs is a feature map (N, C, ...) with any number of position dimensions.
"""

from torch import Tensor
from torch.nn import functional as F


def is_channels_last(x_ncs: Tensor) -> bool:
    """Whether the channels of a position lie side by side, and not the positions of a channel."""
    return x_ncs.stride(1) == 1 and not x_ncs.is_contiguous()


def mean_over_positions(x_ncs: Tensor) -> Tensor:
    """The mean of each channel, (N, C)."""
    if is_channels_last(x_ncs):
        return x_ncs.movedim(1, -1).mean(tuple(range(1, x_ncs.dim() - 1)))
    return x_ncs.mean(tuple(range(2, x_ncs.dim())))


def every_second(x_nchw: Tensor) -> Tensor:
    """Every second row and column, from the first on: (N, C, ceil(H/2), ceil(W/2))."""
    if is_channels_last(x_nchw):
        # A window of one pixel: the mean of one number.
        return F.avg_pool2d(x_nchw, 1, stride=2)
    return x_nchw[:, :, ::2, ::2]
