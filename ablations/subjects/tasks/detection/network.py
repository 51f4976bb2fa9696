"""A small residual network with three heads at a quarter of the resolution; it knows nothing of attention."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

STRIDE = 4
"""Pixels of the image in one place of the maps."""
PRIOR = 0.05
"""The heat that every place has before learning, so that the many empty ones do not drown the others."""


@dataclass(frozen=True, kw_only=True)
class Maps:
    """What the heads say of each place (of h by w), in logits and in units of the stride.

    Attributes:
        heat_nkhw: Whether the centre of a box of class k lies here, a logit.
        size_n2hw: Width and height of that box.
        offset_n2hw: Of its centre from the left and the upper edge of the place, 0 to 1.
    """

    heat_nkhw: Tensor
    size_n2hw: Tensor
    offset_n2hw: Tensor


class Unit(nn.Module):
    """A residual unit of two 3x3 convolutions; attention in the branch is attached at `norm2`."""

    def __init__(self, inputs: int, outputs: int, *, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or inputs != outputs:
            self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, x_nchw: Tensor) -> Tensor:
        """(n, inputs, h, w) to (n, outputs, h / stride, w / stride)."""
        branch = torch.relu(self.norm1(self.conv1(x_nchw)))
        return torch.relu(self.norm2(self.conv2(branch)) + self.shortcut(x_nchw))


class Detector(nn.Module):
    """Images (n, channels, h, w) to maps of centres, sizes and offsets (CenterNet, arXiv 1904.07850).

    Args:
        channels: Of the images.
        classes: Of the boxes.
        width: Channels at half the resolution; twice as many at a quarter.
        deep: Residual units at a quarter of the resolution behind the first one.
    """

    def __init__(self, channels: int, classes: int, *, width: int, deep: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(channels, width, 3, 2, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
        )
        wide = 2 * width
        self.units = nn.ModuleList(
            [
                Unit(width, wide, stride=2),
                *(Unit(wide, wide, stride=1) for _ in range(deep)),
            ]
        )
        self.heat = nn.Conv2d(wide, classes, 1)
        self.size = nn.Conv2d(wide, 2, 1)
        self.offset = nn.Conv2d(wide, 2, 1)
        nn.init.constant_(self.heat.bias, torch.tensor(PRIOR).logit().item())  # type: ignore[arg-type]

    def forward(self, image_nchw: Tensor) -> Maps:
        """The maps."""
        x_nchw = self.stem(image_nchw)
        for unit in self.units:
            x_nchw = unit(x_nchw)
        return Maps(
            heat_nkhw=self.heat(x_nchw),
            size_n2hw=self.size(x_nchw),
            offset_n2hw=self.offset(x_nchw),
        )
