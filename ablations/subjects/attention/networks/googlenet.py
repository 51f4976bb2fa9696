"""GoogLeNet with batch norm (arXiv 1409.4842), as torchvision builds it: 3x3 where the paper has 5x5.

The unit is a whole Inception module, as in the SENet paper: the four branches are concatenated, then gated
before or after their common activation. There is no shortcut, so only `standard` exists. No auxiliary
heads.
"""

import torch
from torch import Tensor, nn

from ablations.subjects.attention.blocks.host_layers import conv
from ablations.subjects.attention.blocks.layout import mean_over_positions
from ablations.subjects.attention.networks.sites import Site, Sites, Unit

# inputs; 1x1; 3x3 reduce, 3x3; "5x5" reduce, "5x5"; pool projection. Stages are divided by pools.
MODULES = (
    ((192, 64, 96, 128, 16, 32, 32), (256, 128, 128, 192, 32, 96, 64)),
    (
        (480, 192, 96, 208, 16, 48, 64),
        (512, 160, 112, 224, 24, 64, 64),
        (512, 128, 128, 256, 24, 64, 64),
        (512, 112, 144, 288, 32, 64, 64),
        (528, 256, 160, 320, 32, 128, 128),
    ),
    ((832, 256, 160, 320, 32, 128, 128), (832, 384, 192, 384, 48, 128, 128)),
)
POOLS = ((3, 2), (3, 2), (2, 2))
"""Kernel and stride of the pool before each stage."""


class ConvNorm(nn.Module):
    """A convolution and its norm; the activation is the caller's."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, stride: int = 1) -> None:
        super().__init__()
        self.conv = conv(2, inputs, outputs, kernel, stride=stride)
        self.bn = nn.BatchNorm2d(outputs, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        """Norm of the convolution."""
        h: Tensor = self.bn(self.conv(x))
        return h


class Inception(Unit):
    """Four branches side by side: 1x1; 1x1, 3x3; 1x1, 3x3; pool, 1x1."""

    def __init__(self, sizes: tuple[int, ...], *, sites: Sites) -> None:
        super().__init__()
        inputs, one, three_in, three, five_in, five, pooled = sizes
        three_in, five_in = sites.inner(three_in), sites.inner(five_in)
        self.one = ConvNorm(inputs, one, 1)
        self.three_in = ConvNorm(inputs, three_in, 1)
        self.three = ConvNorm(three_in, three, 3)
        self.five_in = ConvNorm(inputs, five_in, 1)
        self.five = ConvNorm(five_in, five, 3)
        self.pool = nn.MaxPool2d(3, stride=1, padding=1)
        self.pooled = ConvNorm(inputs, pooled, 1)
        self.inputs, self.outputs = inputs, one + three + five + pooled

    def forward(self, x: Tensor) -> Tensor:
        """(N, C_in, H, W) to (N, C_out, H, W)."""
        branches = (
            self.one(x),
            self.three(torch.relu(self.three_in(x))),
            self.five(torch.relu(self.five_in(x))),
            self.pooled(self.pool(x)),
        )
        h = self.at("branch", torch.cat(branches, dim=1))
        return self.at("activated_branch", torch.relu(h))


class GoogLeNet(nn.Module):
    """A stem that shrinks the map by 4, nine modules in three stages, a linear head."""

    def __init__(self, *, sites: Sites, in_channels: int, classes: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            ConvNorm(in_channels, 64, 7, stride=2),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2, ceil_mode=True),
            ConvNorm(64, 64, 1),
            nn.ReLU(),
            ConvNorm(64, 192, 3),
            nn.ReLU(),
        )
        self.stages = nn.Sequential()
        for stage, (modules, (kernel, stride)) in enumerate(
            zip(MODULES, POOLS, strict=True), start=1
        ):
            units = nn.Sequential(nn.MaxPool2d(kernel, stride=stride, ceil_mode=True))
            for block, sizes in enumerate(modules):
                unit = Inception(sizes, sites=sites)
                sites.attend(unit, _site(unit, stage, block, len(modules)))
                units.append(unit)
            self.stages.append(units)
        self.dropout = nn.Dropout(0.2)
        self.fc = nn.Linear(1024, classes)

    def forward(self, x_nchw: Tensor) -> Tensor:
        """Images (N, C, H, W) to logits (N, classes)."""
        h = mean_over_positions(self.stages(self.stem(x_nchw)))
        logits: Tensor = self.fc(self.dropout(h))
        return logits


def _site(unit: Inception, stage: int, block: int, of: int) -> Site:
    return Site(
        # The pool is number 0.
        name=f"stages.{stage - 1}.{block + 1}",
        stage=stage,
        block=block,
        of=of,
        points={"branch": unit.outputs, "activated_branch": unit.outputs},
        inputs=unit.inputs,
        outputs=unit.outputs,
        nonnegative={"activated_branch"},
    )
