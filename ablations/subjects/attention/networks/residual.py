"""Residual units: y = act(branch(x) + shortcut(x)), with every place for attention that the papers name.

The branch of a unit is a chain of convolutions with a norm and an activation between any two. A plain unit
(arXiv 1512.03385) has a norm after its last convolution and an activation after the sum; a pre-activation
unit (arXiv 1603.05027) has a norm and an activation before its first convolution and nothing after the sum,
so that its `output` and `shortcut` may be negative.

`input` is seen by the branch alone (the shortcut is tapped before it, as in the SENet paper's figure 5);
`inner` lies before the activation of the last convolution; `branch` ends the branch; `shortcut` follows the
projection, where there is one; `output` the sum and its activation.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ablations.subjects.attention.blocks.host_layers import conv
from ablations.subjects.attention.networks.sites import Site, Sites, Unit


@dataclass(frozen=True, kw_only=True)
class Place:
    """Which unit of the host it is."""

    name: str
    stage: int
    block: int
    of: int


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One convolution of a branch, kernel x kernel."""

    inputs: int
    outputs: int
    kernel: int
    stride: int = 1
    groups: int = 1


Layers = Sequence[Layer]
LayersOf = Callable[..., Layers]
"""From (inputs, width, *, stride, sites) to the convolutions of a branch."""


class ResidualUnit(Unit):
    """A branch `conv1`, `bn1`, `conv2`, `bn2`, ... and a shortcut.

    Args:
        layers: Of the branch, two or more.
        downsample: The projection of the shortcut, or None where it is the identity.
        preact: Whether norm and activation come before each convolution.
        sites: Puts the attention in.
        place: Which unit it is.
    """

    act = staticmethod(torch.relu)
    left_out = 0.0
    """How often training leaves the branch out, for each image by itself."""

    def __init__(
        self,
        layers: Layers,
        *,
        downsample: nn.Module | None,
        preact: bool = False,
        sites: Sites,
        place: Place,
    ) -> None:
        super().__init__()
        self.preact = preact
        self.chain = chain(len(layers), preact=preact)
        for i, layer in enumerate(layers, start=1):
            if preact:
                self.add_module(f"bn{i}", nn.BatchNorm2d(layer.inputs))
            self.add_module(f"conv{i}", _conv(layer))
            if not preact:
                self.add_module(f"bn{i}", nn.BatchNorm2d(layer.outputs))
        self.downsample = downsample
        sites.attend(self, _site(layers, downsample, preact, place))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C_in, ...) to (N, C_out, ...)."""
        h = self.at("branch", self.branch(self.at("input", x)))
        if self.point == "activated_branch":
            h = self.at("activated_branch", self.act(h))
        if self.training and self.left_out:
            h = _some_left_out(h, self.left_out)
        skip = x if self.downsample is None else self.downsample(x)
        total = h + self.at("shortcut", skip)
        return self.at("output", total if self.preact else self.act(total))

    def branch(self, x: Tensor) -> Tensor:
        """The residual branch, up to its last norm or convolution."""
        h = x
        for step in self.chain:
            h = getattr(self, step)(h)
        return h

    def activated_inner(self, h: Tensor) -> Tensor:
        """The activation of the inner map, gated before or after it."""
        return self.at("activated_inner", self.act(self.at("inner", h)))


def set_stochastic_depth(network: nn.Module, last: float) -> None:
    """Let training leave out branches: the last so often, those before it in proportion to their place."""
    units = [unit for unit in network.modules() if isinstance(unit, ResidualUnit)]
    for place, unit in enumerate(units, start=1):
        unit.left_out = last * place / len(units)


def chain(layers: int, *, preact: bool) -> tuple[str, ...]:
    """What a branch does, as names of the unit; an activation precedes each convolution but a plain unit's first."""
    steps: list[str] = []
    for i in range(1, layers + 1):
        act = "activated_inner" if i == layers else "act"
        steps += [f"bn{i}", act, f"conv{i}"] if preact else [act, f"conv{i}", f"bn{i}"]
    return tuple(steps if preact else steps[1:])


def basic(inputs: int, width: int, *, stride: int, sites: Sites) -> Layers:
    """Two 3x3 convolutions; `inner` lies between them."""
    inner = sites.inner(width)
    return (
        Layer(inputs=inputs, outputs=inner, kernel=3, stride=stride),
        Layer(inputs=inner, outputs=width, kernel=3),
    )


def bottleneck(
    inputs: int,
    width: int,
    *,
    stride: int,
    sites: Sites,
    groups: int = 1,
    group_width: int = 64,
    early_stride: bool = False,
) -> Layers:
    """1x1, 3x3, 1x1 with four times the channels out; `inner` follows the 3x3.

    Args:
        inputs: Channels in.
        width: Channels of the stage; 4 width channels out.
        stride: In the 3x3 convolution, or in the first 1x1 where `early_stride` (the papers' v1).
        sites: Widens the inner layers.
        groups: Groups of the 3x3 convolution.
        group_width: Inner channels of a group at width 64.
        early_stride: Stride in the first 1x1 convolution.
    """
    inner = sites.inner(width * group_width // 64 * groups, granule=groups)
    first, second = (stride, 1) if early_stride else (1, stride)
    return (
        Layer(inputs=inputs, outputs=inner, kernel=1, stride=first),
        Layer(inputs=inner, outputs=inner, kernel=3, stride=second, groups=groups),
        Layer(inputs=inner, outputs=4 * width, kernel=1),
    )


def residual_stage(
    number: int,
    count: int,
    inputs: int,
    width: int,
    *,
    layers_of: LayersOf,
    shortcut: Callable[[int, int, int], nn.Module],
    preact: bool,
    sites: Sites,
) -> nn.Sequential:
    """The units `layer<number>.0`, `.1`, ... of a host; every stage but the first halves the map.

    Args:
        number: From 1.
        count: Units.
        inputs: Channels in.
        width: Of the stage.
        layers_of: The branch of each unit.
        shortcut: From (inputs, outputs, stride) to the shortcut of a unit that changes the map's shape.
        preact: Whether the units are pre-activation ones.
        sites: Puts the attention in.
    """
    stage = nn.Sequential()
    for block in range(count):
        stride = 2 if number > 1 and block == 0 else 1
        layers = layers_of(inputs, width, stride=stride, sites=sites)
        outputs = layers[-1].outputs
        changes = stride != 1 or inputs != outputs
        stage.append(
            ResidualUnit(
                layers,
                downsample=shortcut(inputs, outputs, stride) if changes else None,
                preact=preact,
                sites=sites,
                place=Place(name=f"layer{number}.{block}", stage=number, block=block, of=count),
            )
        )
        inputs = outputs
    return stage


def _some_left_out(h: Tensor, share: float) -> Tensor:
    """Zero for a share of the images, the others scaled so that the mean stays."""
    kept = torch.rand(len(h), *[1] * (h.dim() - 1), device=h.device, dtype=h.dtype) >= share
    return h * kept / (1 - share)


def _conv(layer: Layer) -> nn.Module:
    return conv(
        2, layer.inputs, layer.outputs, layer.kernel, stride=layer.stride, groups=layer.groups
    )


def _site(layers: Layers, downsample: nn.Module | None, preact: bool, place: Place) -> Site:
    """What the unit says of itself; no activation precedes or follows a pre-activation unit."""
    inputs, inner, outputs = layers[0].inputs, layers[-1].inputs, layers[-1].outputs
    positive = {"activated_branch", "activated_inner"}
    if not preact:
        positive |= {"input", "output"} | ({"shortcut"} if downsample is None else set())
    return Site(
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
    )
