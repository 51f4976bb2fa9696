"""Residual networks for large images (arXiv 1512.03385), with torchvision's names of networks and tensors.

`resnet50` has the stride in the 3x3 convolution (v1.5, torchvision and timm), `resnet50_v1` in the first
1x1 (the papers). Weights of torchvision load unchanged.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from ablations.subjects.attention.blocks.host_layers import conv
from ablations.subjects.attention.blocks.layout import mean_over_positions
from ablations.subjects.attention.networks.residual import (
    LayersOf,
    basic,
    bottleneck,
    residual_stage,
)
from ablations.subjects.attention.networks.sites import Sites


@dataclass(frozen=True, kw_only=True)
class Design:
    """What distinguishes the members of the family."""

    layers_of: LayersOf
    blocks: tuple[int, int, int, int]
    expansion: int = 1
    """Channels that leave a unit, in multiples of its width."""
    preact: bool = False


DEPTHS = {
    18: Design(layers_of=basic, blocks=(2, 2, 2, 2)),
    34: Design(layers_of=basic, blocks=(3, 4, 6, 3)),
    50: Design(layers_of=bottleneck, expansion=4, blocks=(3, 4, 6, 3)),
    101: Design(layers_of=bottleneck, expansion=4, blocks=(3, 4, 23, 3)),
    152: Design(layers_of=bottleneck, expansion=4, blocks=(3, 8, 36, 3)),
}


def _bottlenecks(depth: int, **options: Any) -> Design:
    return replace(DEPTHS[depth], layers_of=partial(bottleneck, **options))


DESIGNS: dict[str, Design] = {
    **{f"resnet{depth}": design for depth, design in DEPTHS.items()},
    **{f"resnet{depth}_v1": _bottlenecks(depth, early_stride=True) for depth in (50, 101, 152)},
    **{f"preact_resnet{depth}": replace(design, preact=True) for depth, design in DEPTHS.items()},
    "resnext50_32x4d": _bottlenecks(50, groups=32, group_width=4),
    "resnext101_32x8d": _bottlenecks(101, groups=32, group_width=8),
    "wide_resnet50_2": _bottlenecks(50, group_width=128),
    "wide_resnet101_2": _bottlenecks(101, group_width=128),
}


class ResNet(nn.Module):
    """A 7x7 stem and a pool, four stages of 64, 128, 256 and 512 times the expansion, a linear head."""

    def __init__(self, design: Design, *, sites: Sites, in_channels: int, classes: int) -> None:
        super().__init__()
        self.conv1 = conv(2, in_channels, 64, 7, stride=2)
        self.bn1: nn.Module = nn.Identity() if design.preact else nn.BatchNorm2d(64)
        self.relu = nn.Identity() if design.preact else nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        stage = partial(
            residual_stage,
            layers_of=design.layers_of,
            shortcut=_project_alone if design.preact else _project,
            preact=design.preact,
            sites=sites,
        )
        inputs = 64
        for number, count in enumerate(design.blocks, start=1):
            width = 64 * 2 ** (number - 1)
            self.add_module(f"layer{number}", stage(number, count, inputs, width))
            inputs = width * design.expansion
        # The activation that a pre-activation unit would do first.
        self.bn_last: nn.Module = nn.BatchNorm2d(inputs) if design.preact else nn.Identity()
        self.fc = nn.Linear(inputs, classes)
        self.preact = design.preact

    def forward(self, x_nchw: Tensor) -> Tensor:
        """Images (N, C, H, W) to logits (N, classes)."""
        h = self.maxpool(self.relu(self.bn1(self.conv1(x_nchw))))
        for stage in self.stages():
            h = stage(h)
        h = torch.relu(self.bn_last(h)) if self.preact else h
        logits: Tensor = self.fc(mean_over_positions(h))
        return logits

    def stages(self) -> list[nn.Module]:
        """The four stages."""
        return [self.get_submodule(f"layer{stage}") for stage in (1, 2, 3, 4)]


def _project(inputs: int, outputs: int, stride: int) -> nn.Module:
    return nn.Sequential(conv(2, inputs, outputs, 1, stride=stride), nn.BatchNorm2d(outputs))


def _project_alone(inputs: int, outputs: int, stride: int) -> nn.Module:
    """Of a pre-activation network."""
    return nn.Sequential(conv(2, inputs, outputs, 1, stride=stride))
