"""RegNetY (arXiv 2003.13678): widths that grow along a line, grouped 3x3 convolutions, own attention.

The attention sits after the 3x3 convolution and its activation (`placement='inner'`, `order='after'`); its
hidden width is a quarter of the unit's input.
"""

import math
from dataclasses import dataclass

from torch import Tensor, nn

from ablations.subjects.attention.blocks.host_layers import conv
from ablations.subjects.attention.blocks.layout import mean_over_positions
from ablations.subjects.attention.networks.residual import Layer, Layers, Place, ResidualUnit
from ablations.subjects.attention.networks.sites import Sites


@dataclass(frozen=True, kw_only=True)
class Line:
    """A design: depth, first width, slope, quantising base, group width."""

    depth: int
    start: int
    slope: float
    base: float
    group: int


# The designs and names of torchvision; 200mf is timm's regnety_002.
LINES = {
    "regnet_y_200mf": Line(depth=13, start=24, slope=36.44, base=2.49, group=8),
    "regnet_y_400mf": Line(depth=16, start=48, slope=27.89, base=2.09, group=8),
    "regnet_y_800mf": Line(depth=14, start=56, slope=38.84, base=2.4, group=16),
    "regnet_y_1_6gf": Line(depth=27, start=48, slope=20.71, base=2.65, group=24),
    "regnet_y_3_2gf": Line(depth=21, start=80, slope=42.63, base=2.66, group=24),
    "regnet_y_8gf": Line(depth=17, start=192, slope=76.82, base=2.19, group=56),
    "regnet_y_16gf": Line(depth=18, start=200, slope=106.23, base=2.48, group=112),
    "regnet_y_32gf": Line(depth=20, start=232, slope=115.89, base=2.53, group=232),
}


class RegNet(nn.Module):
    """A 3x3 stem of stride 2, four stages that each halve the map, a linear head."""

    def __init__(self, name: str, *, sites: Sites, in_channels: int, classes: int) -> None:
        super().__init__()
        line = LINES[name]
        self.stem = nn.Sequential(
            conv(2, in_channels, 32, 3, stride=2), nn.BatchNorm2d(32), nn.ReLU()
        )
        self.stages = nn.Sequential()
        inputs = 32
        for stage, (width, count) in enumerate(stages(line), start=1):
            units = nn.Sequential()
            for block in range(count):
                place = Place(
                    name=f"stages.{stage - 1}.{block}", stage=stage, block=block, of=count
                )
                stride = 2 if block == 0 else 1
                units.append(
                    ResidualUnit(
                        _layers(inputs, width, stride=stride, group=line.group, sites=sites),
                        downsample=_projection(inputs, width) if block == 0 else None,
                        sites=sites,
                        place=place,
                    )
                )
                inputs = width
            self.stages.append(units)
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x_nchw: Tensor) -> Tensor:
        """Images (N, C, H, W) to logits (N, classes)."""
        logits: Tensor = self.fc(mean_over_positions(self.stages(self.stem(x_nchw))))
        return logits


def stages(line: Line) -> list[tuple[int, int]]:
    """Width and number of units of each stage (eq. 2 to 4, then widths made multiples of the group)."""
    widths = []
    for j in range(line.depth):
        step = round(math.log((line.start + line.slope * j) / line.start) / math.log(line.base))
        widths.append(8 * round(line.start * line.base**step / 8))
    counts = {width: widths.count(width) for width in sorted(set(widths))}
    return [(_whole_groups(width, line.group), count) for width, count in counts.items()]


def _layers(inputs: int, width: int, *, stride: int, group: int, sites: Sites) -> Layers:
    """1x1, grouped 3x3, 1x1, all of one width; `inner` follows the 3x3."""
    group = min(group, width)
    inner = sites.inner(width, granule=group)
    return (
        Layer(inputs=inputs, outputs=inner, kernel=1),
        Layer(inputs=inner, outputs=inner, kernel=3, stride=stride, groups=inner // group),
        Layer(inputs=inner, outputs=width, kernel=1),
    )


def _projection(inputs: int, width: int) -> nn.Module:
    return nn.Sequential(conv(2, inputs, width, 1, stride=2), nn.BatchNorm2d(width))


def _whole_groups(width: int, group: int) -> int:
    group = min(group, width)
    nearest = max(group, int(width + group / 2) // group * group)
    return nearest + group if nearest < 0.9 * width else nearest
