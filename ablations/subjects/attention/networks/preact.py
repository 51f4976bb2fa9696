"""Pre-activation residual units: norm and activation before each convolution (arXiv 1603.05027).

Nothing follows the sum, so `output` and `shortcut` may be negative.
"""

import torch
from torch import Tensor, nn

from ablations.subjects.attention.networks.layers import conv
from ablations.subjects.attention.networks.residual import Place, Residual
from ablations.subjects.attention.sites.sites import Sites


def unchanged(h: Tensor) -> Tensor:
    """The same."""
    return h


class PreactBasicBlock(Residual):
    """Two 3x3 convolutions; `inner` follows the first."""

    expansion = 1
    joined = staticmethod(unchanged)
    nonnegative_output = False

    def __init__(
        self,
        inputs: int,
        width: int,
        *,
        stride: int,
        downsample: nn.Module | None,
        sites: Sites,
        place: Place,
    ) -> None:
        super().__init__()
        inner = sites.inner(width)
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = conv(2, inputs, inner, 3, stride=stride)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv2 = conv(2, inner, width, 3)
        self.downsample = downsample
        self.place_attention(sites, place, inputs=inputs, inner=inner, outputs=width)

    def branch(self, x: Tensor) -> Tensor:
        """Norm, activation and convolution, twice."""
        h = self.conv1(torch.relu(self.bn1(x)))
        last: Tensor = self.conv2(self.activated_inner(self.bn2(h)))
        return last


class PreactBottleneck(Residual):
    """1x1, 3x3, 1x1; `inner` follows the 3x3."""

    expansion = 4
    joined = staticmethod(unchanged)
    nonnegative_output = False

    def __init__(
        self,
        inputs: int,
        width: int,
        *,
        stride: int,
        downsample: nn.Module | None,
        sites: Sites,
        place: Place,
    ) -> None:
        super().__init__()
        inner = sites.inner(width)
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = conv(2, inputs, inner, 1)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv2 = conv(2, inner, inner, 3, stride=stride)
        self.bn3 = nn.BatchNorm2d(inner)
        self.conv3 = conv(2, inner, 4 * width, 1)
        self.downsample = downsample
        self.place_attention(sites, place, inputs=inputs, inner=inner, outputs=4 * width)

    def branch(self, x: Tensor) -> Tensor:
        """Norm, activation and convolution, three times."""
        h = self.conv1(torch.relu(self.bn1(x)))
        h = self.conv2(torch.relu(self.bn2(h)))
        last: Tensor = self.conv3(self.activated_inner(self.bn3(h)))
        return last
