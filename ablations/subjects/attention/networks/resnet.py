"""Residual networks for large images (arXiv 1512.03385), with torchvision's names of networks and tensors.

`resnet50` has the stride in the 3x3 convolution (v1.5, torchvision and timm), `resnet50_v1` in the first
1x1 (the papers). Weights of torchvision load unchanged.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from ablations.subjects.attention.blocks.layout import mean_over_positions
from ablations.subjects.attention.networks.layers import conv
from ablations.subjects.attention.networks.preact import PreactBasicBlock, PreactBottleneck
from ablations.subjects.attention.networks.residual import BasicBlock, Bottleneck, Place
from ablations.subjects.attention.sites.sites import Sites

Block = Callable[..., Any]


@dataclass(frozen=True, kw_only=True)
class Design:
    """What distinguishes the members of the family."""

    block: Block
    blocks: tuple[int, int, int, int]
    preact: bool = False
    options: dict[str, Any] = field(default_factory=dict)


DEPTHS = {
    18: (BasicBlock, (2, 2, 2, 2)),
    34: (BasicBlock, (3, 4, 6, 3)),
    50: (Bottleneck, (3, 4, 6, 3)),
    101: (Bottleneck, (3, 4, 23, 3)),
    152: (Bottleneck, (3, 8, 36, 3)),
}
PREACT = {BasicBlock: PreactBasicBlock, Bottleneck: PreactBottleneck}

DESIGNS: dict[str, Design] = {
    **{f"resnet{d}": Design(block=block, blocks=n) for d, (block, n) in DEPTHS.items()},
    **{
        f"resnet{d}_v1": Design(block=block, blocks=n, options={"early_stride": True})
        for d, (block, n) in DEPTHS.items()
        if block is Bottleneck
    },
    **{
        f"preact_resnet{d}": Design(block=PREACT[block], blocks=n, preact=True)
        for d, (block, n) in DEPTHS.items()
    },
    "resnext50_32x4d": Design(
        block=Bottleneck, blocks=(3, 4, 6, 3), options={"groups": 32, "group_width": 4}
    ),
    "resnext101_32x8d": Design(
        block=Bottleneck, blocks=(3, 4, 23, 3), options={"groups": 32, "group_width": 8}
    ),
    "wide_resnet50_2": Design(block=Bottleneck, blocks=(3, 4, 6, 3), options={"group_width": 128}),
    "wide_resnet101_2": Design(
        block=Bottleneck, blocks=(3, 4, 23, 3), options={"group_width": 128}
    ),
}


class ResNet(nn.Module):
    """A 7x7 stem and a pool, four stages of 64, 128, 256 and 512 times the expansion, a linear head."""

    def __init__(self, design: Design, *, sites: Sites, in_channels: int, classes: int) -> None:
        super().__init__()
        self.conv1 = conv(2, in_channels, 64, 7, stride=2)
        self.bn1: nn.Module = nn.Identity() if design.preact else nn.BatchNorm2d(64)
        self.relu = nn.Identity() if design.preact else nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        inputs = 64
        for stage, count in enumerate(design.blocks, start=1):
            width = 64 * 2 ** (stage - 1)
            self.add_module(f"layer{stage}", _stage(design, stage, inputs, width, count, sites))
            inputs = width * _expansion(design)
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


def _expansion(design: Design) -> int:
    expansion: int = design.block.expansion  # type: ignore[attr-defined]
    return expansion


def _stage(
    design: Design, stage: int, inputs: int, width: int, count: int, sites: Sites
) -> nn.Sequential:
    layers = nn.Sequential()
    outputs = width * _expansion(design)
    for block in range(count):
        stride = 2 if stage > 1 and block == 0 else 1
        changes = stride != 1 or inputs != outputs
        place = Place(
            name=f"layer{stage}.{block}",
            stage=stage,
            block=block,
            of=count,
            # The map before the first pre-activation unit has no activation either.
            nonnegative_input=not design.preact,
        )
        layers.append(
            design.block(
                inputs,
                width,
                stride=stride,
                downsample=_projection(inputs, outputs, stride, design.preact) if changes else None,
                sites=sites,
                place=place,
                **design.options,
            )
        )
        inputs = outputs
    return layers


def _projection(inputs: int, outputs: int, stride: int, preact: bool) -> nn.Module:
    projection = nn.Sequential(conv(2, inputs, outputs, 1, stride=stride))
    # A pre-activation network adds the bare convolution.
    return projection if preact else projection.append(nn.BatchNorm2d(outputs))
