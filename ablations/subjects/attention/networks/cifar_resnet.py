"""The residual networks of depth 6n+2 for small images (He et al., arXiv 1512.03385, section 4.2).

Three stages of n basic blocks with width, 2 width and 4 width channels. The shortcut between
stages is either the paper's parameter-free one (`pad`, its option A: every second pixel, new
channels zero; 269 722 parameters at depth 20) or a 1x1 convolution with batch norm (`project`,
option B; 272 474). `cifar_preact_resnet<6n+2>` has pre-activation units.
"""

import re
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ablations.errors import SettingError
from ablations.subjects.attention.blocks.host_layers import conv
from ablations.subjects.attention.blocks.layout import every_second, mean_over_positions
from ablations.subjects.attention.networks.residual import basic, residual_stage
from ablations.subjects.attention.networks.sites import Sites

FAMILY = re.compile(r"cifar_(preact_)?resnet(\w*)")


class PadShortcut(nn.Module):
    """Every second pixel, with zeros for the channels that are new."""

    def __init__(self, new_channels: int) -> None:
        super().__init__()
        self.new_channels = new_channels

    def forward(self, x_nchw: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C + new, H/2, W/2)."""
        return F.pad(every_second(x_nchw), (0, 0, 0, 0, 0, self.new_channels))


class CifarResNet(nn.Module):
    """A 3x3 stem, three stages of basic blocks, the mean over positions and a linear head."""

    def __init__(
        self, name: str, *, width: int, shortcut: str, sites: Sites, in_channels: int, classes: int
    ) -> None:
        super().__init__()
        self.preact = name.startswith("cifar_preact")
        blocks = (depth(name) - 2) // 6
        self.conv1 = conv(2, in_channels, width, 3)
        self.bn1: nn.Module = nn.Identity() if self.preact else nn.BatchNorm2d(width)
        stage = partial(
            residual_stage,
            layers_of=basic,
            shortcut=SHORTCUTS[shortcut],
            preact=self.preact,
            sites=sites,
        )
        self.layer1 = stage(1, blocks, width, width)
        self.layer2 = stage(2, blocks, width, 2 * width)
        self.layer3 = stage(3, blocks, 2 * width, 4 * width)
        self.bn_last: nn.Module = nn.BatchNorm2d(4 * width) if self.preact else nn.Identity()
        self.fc = nn.Linear(4 * width, classes)

    def forward(self, x_nchw: Tensor) -> Tensor:
        """Images (N, C, H, W) to logits (N, classes)."""
        h = self.bn1(self.conv1(x_nchw))
        h = self.layer3(self.layer2(self.layer1(h if self.preact else torch.relu(h))))
        h = torch.relu(self.bn_last(h)) if self.preact else h
        logits: Tensor = self.fc(mean_over_positions(h))
        return logits


def depth(name: str) -> int:
    """The depth in `cifar_resnet<depth>`.

    Raises:
        SettingError: If it is not 6n+2 with n >= 1.
    """
    found = re.fullmatch(r"([a-z_]*resnet)(\w*)", name)
    family, digits = found.groups() if found else (name, "")
    number = int(digits) if digits.isdecimal() else 0
    if number < 8 or (number - 2) % 6:
        raise SettingError(
            f"`depth = 6n + 2` must hold in `{family}<depth>`, but got {name!r}. "
            "Depths are 8, 14, 20, 26, 32, ..."
        )
    return number


def _project(inputs: int, outputs: int, stride: int) -> nn.Module:
    return nn.Sequential(conv(2, inputs, outputs, 1, stride=stride), nn.BatchNorm2d(outputs))


def _pad(inputs: int, outputs: int, stride: int) -> nn.Module:
    assert stride == 2
    return PadShortcut(outputs - inputs)


SHORTCUTS = {"pad": _pad, "project": _project}
