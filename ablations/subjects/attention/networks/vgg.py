"""VGG with batch norm (arXiv 1409.1556, configurations A, B, D and E): plain layers without shortcuts.

Each convolution with its norm and activation is a unit; only the `standard` placement exists, and the SENet
paper's is after the non-linearity (`order='after'`).
"""

import torch
from torch import Tensor, nn

from ablations.subjects.attention.blocks.host_layers import conv
from ablations.subjects.attention.networks.sites import Site, Sites, Unit

COUNTS = {
    "vgg11_bn": (1, 1, 2, 2, 2),
    "vgg13_bn": (2, 2, 2, 2, 2),
    "vgg16_bn": (2, 2, 3, 3, 3),
    "vgg19_bn": (2, 2, 4, 4, 4),
}
WIDTHS = (64, 128, 256, 512, 512)


class PlainUnit(Unit):
    """A 3x3 convolution with bias, a norm and an activation."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = conv(2, inputs, outputs, 3, bias=True)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C_in, H, W) to (N, C_out, H, W)."""
        h = self.at("branch", self.bn(self.conv(x)))
        return self.at("activated_branch", torch.relu(h))


class Vgg(nn.Module):
    """Five stages, each ended by a 2x2 pool, and a head of three linear layers on a 7x7 map."""

    def __init__(self, name: str, *, sites: Sites, in_channels: int, classes: int) -> None:
        super().__init__()
        self.stages = nn.Sequential()
        inputs = in_channels
        for stage, (count, width) in enumerate(zip(COUNTS[name], WIDTHS, strict=True), start=1):
            units = nn.Sequential()
            for block in range(count):
                # The last layer's width is the head's.
                is_last = stage == len(WIDTHS) and block == count - 1
                outputs = width if is_last else sites.inner(width)
                unit = PlainUnit(inputs, outputs)
                sites.attend(unit, _site(stage, block, count, inputs, outputs))
                units.append(unit)
                inputs = outputs
            self.stages.append(units.append(nn.MaxPool2d(2)))
        self.pool = nn.AdaptiveAvgPool2d(7)
        self.head = nn.Sequential(
            nn.Linear(512 * 49, 4096),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(4096, 4096),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(4096, classes),
        )

    def forward(self, x_nchw: Tensor) -> Tensor:
        """Images (N, C, H, W) of at least 32x32 to logits (N, classes)."""
        logits: Tensor = self.head(self.pool(self.stages(x_nchw)).flatten(1))
        return logits


def _site(stage: int, block: int, of: int, inputs: int, outputs: int) -> Site:
    return Site(
        name=f"stages.{stage - 1}.{block}",
        stage=stage,
        block=block,
        of=of,
        points={"branch": outputs, "activated_branch": outputs},
        inputs=inputs,
        outputs=outputs,
        nonnegative={"activated_branch"},
    )
