"""Residual units: y = act(branch(x) + shortcut(x)), with every place for attention that the papers name.

`input` is seen by the branch alone (the shortcut is tapped before it, as in the SENet paper's figure 5);
`inner` follows the first 3x3 convolution; `branch` the last norm; `shortcut` the projection, where there
is one; `output` the sum and its activation.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ablations.subjects.attention.networks.layers import conv
from ablations.subjects.attention.sites.sites import Site, Sites, Unit

Act = Callable[[Tensor], Tensor]


@dataclass(frozen=True, kw_only=True)
class Place:
    """Which unit of the host it is."""

    name: str
    stage: int
    block: int
    of: int
    nonnegative_input: bool = True
    own: bool = True


class Residual(Unit):
    """The frame: subclasses give `branch`, `act`, and a `downsample` that is the identity if None."""

    downsample: nn.Module | None
    act: Act = staticmethod(torch.relu)
    joined: Act = staticmethod(torch.relu)
    """After the sum."""
    nonnegative_output = True

    def forward(self, x: Tensor) -> Tensor:
        """(N, C_in, ...) to (N, C_out, ...)."""
        h = self.branch(self.at("input", x))
        h = self.at("branch", h)
        if self.point == "activated_branch":
            h = self.at("activated_branch", self.act(h))
        skip = x if self.downsample is None else self.downsample(x)
        return self.at("output", self.joined(h + self.at("shortcut", skip)))

    def branch(self, x: Tensor) -> Tensor:
        """The residual branch, up to its last norm."""
        raise NotImplementedError

    def activated_inner(self, h: Tensor) -> Tensor:
        """The activation of the inner map, gated before or after it."""
        return self.at("activated_inner", self.act(self.at("inner", h)))

    def place_attention(
        self, sites: Sites, place: Place, *, inputs: int, inner: int, outputs: int, dims: int = 2
    ) -> None:
        """Tell the sites which points there are; called when the unit is built."""
        positive = {"activated_branch", "activated_inner"}
        positive |= {"output"} if self.nonnegative_output else set()
        if place.nonnegative_input:
            positive |= {"input"} | ({"shortcut"} if self.downsample is None else set())
        sites.attend(
            self,
            Site(
                name=place.name,
                stage=place.stage,
                block=place.block,
                of=place.of,
                points={
                    "input": inputs,
                    "inner": inner,
                    "activated_inner": inner,
                    "branch": outputs,
                    "activated_branch": outputs,
                    "shortcut": outputs,
                    "output": outputs,
                },
                inputs=inputs,
                outputs=outputs,
                nonnegative=positive,
                own=place.own,
                dims=dims,
            ),
        )


class BasicBlock(Residual):
    """Two 3x3 convolutions; `inner` follows the first."""

    expansion = 1

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
        self.conv1 = conv(2, inputs, inner, 3, stride=stride)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = conv(2, inner, width, 3)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = downsample
        self.place_attention(sites, place, inputs=inputs, inner=inner, outputs=width)

    def branch(self, x: Tensor) -> Tensor:
        """conv, norm, activation, conv, norm."""
        h = self.activated_inner(self.bn1(self.conv1(x)))
        last: Tensor = self.bn2(self.conv2(h))
        return last


class Bottleneck(Residual):
    """1x1, 3x3, 1x1 with four times the channels out; `inner` follows the 3x3.

    Args:
        inputs: Channels in.
        width: Channels of the stage; 4 width channels out.
        stride: In the 3x3 convolution, or in the first 1x1 where `early_stride` (the papers' v1).
        downsample: The projection of the shortcut, or None.
        groups: Groups of the 3x3 convolution.
        group_width: Inner channels of a group at width 64.
        early_stride: Stride in the first 1x1 convolution.
        sites: Puts the attention in.
        place: Which unit it is.
    """

    expansion = 4

    def __init__(
        self,
        inputs: int,
        width: int,
        *,
        stride: int,
        downsample: nn.Module | None,
        sites: Sites,
        place: Place,
        groups: int = 1,
        group_width: int = 64,
        early_stride: bool = False,
    ) -> None:
        super().__init__()
        inner = sites.inner(width * group_width // 64 * groups, granule=groups)
        first, second = (stride, 1) if early_stride else (1, stride)
        self.conv1 = conv(2, inputs, inner, 1, stride=first)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = conv(2, inner, inner, 3, stride=second, groups=groups)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3 = conv(2, inner, 4 * width, 1)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.downsample = downsample
        self.place_attention(sites, place, inputs=inputs, inner=inner, outputs=4 * width)

    def branch(self, x: Tensor) -> Tensor:
        """1x1, 3x3, 1x1, each with a norm."""
        h = torch.relu(self.bn1(self.conv1(x)))
        h = self.activated_inner(self.bn2(self.conv2(h)))
        last: Tensor = self.bn3(self.conv3(h))
        return last
