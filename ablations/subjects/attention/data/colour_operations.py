"""Operations on whole batches of colours in [0, 1], each image by a number of its own; torchvision's formulas.

An image that an operation moves is black where it was not (torchvision's `fill=None`), and its pixels are the nearest
ones. `posterize` and `equalize` are defined on 8-bit colours, to which they round.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

Operation = Callable[[Tensor, Tensor], Tensor]
"""Colours (n, channels, height, width) and a number for each image (n,) -> colours."""
GREY = (0.2989, 0.587, 0.114)


def brightness(x_nchw: Tensor, factor: Tensor) -> Tensor:
    """Between black at 0 and the image at 1, and beyond."""
    return _blend(x_nchw, torch.zeros_like(x_nchw), factor)


def contrast(x_nchw: Tensor, factor: Tensor) -> Tensor:
    """Between the mean of its grey at 0 and the image at 1, and beyond."""
    return _blend(x_nchw, _grey(x_nchw).mean(dim=(1, 2, 3), keepdim=True), factor)


def saturation(x_nchw: Tensor, factor: Tensor) -> Tensor:
    """Between its grey at 0 and the image at 1, and beyond; an image of one channel is grey already."""
    return _blend(x_nchw, _grey(x_nchw), factor)


def hue(x_nchw: Tensor, turn: Tensor) -> Tensor:
    """Hue turned by a share of the circle, in the HSV colours; images of other than three channels have none."""
    if x_nchw.shape[1] != 3:
        return x_nchw
    red, green, blue = x_nchw.unbind(1)
    value, which = x_nchw.max(1)
    range_nhw = value - x_nchw.amin(1)
    whole = torch.where(range_nhw == 0, torch.ones_like(value), range_nhw)
    apart = torch.stack([green - blue, blue - red, red - green], 1)
    sixths = 2 * which + apart.gather(1, which[:, None])[:, 0] / whole
    sixths = sixths + 6 * turn.to(x_nchw)[:, None, None]
    # Of six colours about the circle, each channel is at its value in two and at its lowest in two.
    at = (torch.tensor([5, 3, 1]).to(x_nchw)[:, None, None] + sixths[:, None]).remainder(6)
    return value[:, None] - range_nhw[:, None] * torch.minimum(at, 4 - at).clamp(0, 1)


def sharpness(x_nchw: Tensor, factor: Tensor) -> Tensor:
    """Between the smoothed image at 0 and the image at 1, and beyond; the border stays."""
    channels, height, width = x_nchw.shape[1:]
    if min(height, width) <= 2:
        return x_nchw
    kernel = torch.ones(3, 3, dtype=x_nchw.dtype, device=x_nchw.device)
    kernel[1, 1] = 5
    kernel = (kernel / kernel.sum()).expand(channels, 1, 3, 3)
    smooth = x_nchw.clone()
    smooth[..., 1:-1, 1:-1] = F.conv2d(x_nchw, kernel, groups=channels)
    return _blend(x_nchw, smooth, factor)


def posterize(x_nchw: Tensor, bits: Tensor) -> Tensor:
    """Of 8-bit colours the first bits."""
    step = _each(2 ** (8 - bits), x_nchw)
    return (_eight_bits(x_nchw) / step).floor() * step / 255


def solarize(x_nchw: Tensor, threshold: Tensor) -> Tensor:
    """Colours from a threshold on (of 255) are inverted."""
    return torch.where(x_nchw >= _each(threshold / 255, x_nchw), 1 - x_nchw, x_nchw)


def autocontrast(x_nchw: Tensor, unused: Tensor) -> Tensor:
    """Each channel stretched from its lowest to its highest colour; one of a single colour stays."""
    del unused
    low, high = (extreme(x_nchw, dim=(2, 3), keepdim=True) for extreme in (torch.amin, torch.amax))
    flat = high == low
    low, whole = low.masked_fill(flat, 0), (high - low).masked_fill(flat, 1)
    return ((x_nchw - low) / whole).clamp(0, 1)


def equalize(x_nchw: Tensor, unused: Tensor) -> Tensor:
    """Each channel's 8-bit colours spread so that all are about equally frequent."""
    del unused
    n, channels, height, width = x_nchw.shape
    level = _eight_bits(x_nchw).long().reshape(n * channels, height * width)
    counts = torch.zeros(n * channels, 256, dtype=torch.long, device=x_nchw.device)
    counts.scatter_add_(1, level, torch.ones_like(level))
    of_highest = counts.gather(1, level.amax(1, keepdim=True))
    step = (height * width - of_highest) // 255
    below = counts.cumsum(1) - counts
    table = ((below + step // 2) // step.clamp(min=1)).clamp(0, 255)
    spread = torch.where(step > 0, table.gather(1, level), level)
    return spread.reshape(x_nchw.shape).to(x_nchw.dtype) / 255


def shear_x(x_nchw: Tensor, slope: Tensor) -> Tensor:
    """Each row moved left by a share of its distance from the top."""
    height = x_nchw.shape[2]
    one, zero = torch.ones_like(slope), torch.zeros_like(slope)
    return _moved(x_nchw, (one, slope, slope * height / 2), (zero, one, zero))


def shear_y(x_nchw: Tensor, slope: Tensor) -> Tensor:
    """Each column moved up by a share of its distance from the left."""
    width = x_nchw.shape[3]
    one, zero = torch.ones_like(slope), torch.zeros_like(slope)
    return _moved(x_nchw, (one, zero, zero), (slope, one, slope * width / 2))


def translate_x(x_nchw: Tensor, pixels: Tensor) -> Tensor:
    """Moved right by whole pixels."""
    one, zero = torch.ones_like(pixels), torch.zeros_like(pixels)
    return _moved(x_nchw, (one, zero, -pixels.trunc()), (zero, one, zero))


def translate_y(x_nchw: Tensor, pixels: Tensor) -> Tensor:
    """Moved down by whole pixels."""
    one, zero = torch.ones_like(pixels), torch.zeros_like(pixels)
    return _moved(x_nchw, (one, zero, zero), (zero, one, -pixels.trunc()))


def rotate(x_nchw: Tensor, degrees: Tensor) -> Tensor:
    """Turned counter-clockwise about its middle."""
    angle, zero = degrees * math.pi / 180, torch.zeros_like(degrees)
    return _moved(x_nchw, (angle.cos(), -angle.sin(), zero), (angle.sin(), angle.cos(), zero))


Row = tuple[Tensor, Tensor, Tensor]
"""Of an affine map: what x, y and 1 are multiplied by, each (n,)."""


def _moved(x_nchw: Tensor, column: Row, row: Row) -> Tensor:
    """Each pixel from where the map sends it, in pixels from the middle."""
    height, width = x_nchw.shape[2:]
    theta = torch.stack([torch.stack(column, 1), torch.stack(row, 1)], 1).to(x_nchw)
    x = torch.arange(width, device=x_nchw.device, dtype=x_nchw.dtype) - (width - 1) / 2
    y = torch.arange(height, device=x_nchw.device, dtype=x_nchw.dtype) - (height - 1) / 2
    ones = torch.ones(height, width, dtype=x.dtype, device=x.device)
    at = torch.stack([x.expand(height, -1), y[:, None].expand(-1, width), ones], 2)
    grid = at.reshape(1, -1, 3) @ theta.transpose(1, 2)
    size = torch.tensor([width / 2, height / 2], dtype=x_nchw.dtype, device=x_nchw.device)
    grid = (grid / size).reshape(len(x_nchw), height, width, 2)
    return F.grid_sample(x_nchw, grid, mode="nearest", padding_mode="zeros", align_corners=False)


def _blend(x_nchw: Tensor, other: Tensor, factor: Tensor) -> Tensor:
    share = _each(factor, x_nchw)
    return (share * x_nchw + (1 - share) * other).clamp(0, 1)


def _grey(x_nchw: Tensor) -> Tensor:
    if x_nchw.shape[1] != 3:
        return x_nchw.mean(dim=1, keepdim=True)
    weight = torch.tensor(GREY, dtype=x_nchw.dtype, device=x_nchw.device)
    return (x_nchw * weight[:, None, None]).sum(dim=1, keepdim=True)


def _eight_bits(x_nchw: Tensor) -> Tensor:
    return (x_nchw * 255).round()


def _each(value: Tensor, x_nchw: Tensor) -> Tensor:
    return value.to(x_nchw)[:, None, None, None]
