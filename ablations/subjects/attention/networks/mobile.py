"""MobileNetV3 (arXiv 1905.02244) and EfficientNet-B0 (arXiv 1905.11946).

Both are built of one unit: a 1x1 convolution that expands, a depthwise convolution, a 1x1 that projects;
no activation follows the projection. Their own attention sits after the depthwise convolution and its
activation (`placement='inner'`, `order='after'`), in MobileNetV3 in some of the units.
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from ablations.subjects.attention.blocks.host_layers import conv
from ablations.subjects.attention.blocks.layout import mean_over_positions
from ablations.subjects.attention.networks.sites import Site, Sites, Unit

ACTS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "hard_swish": nn.Hardswish,
    "silu": nn.SiLU,
}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One unit, as a line of the papers' tables."""

    kernel: int
    expanded: int
    outputs: int
    own: bool
    act: str
    stride: int


class MobileUnit(Unit):
    """Expand, filter each channel, project; a shortcut where the shape stays."""

    def __init__(
        self, inputs: int, row: Row, *, sites: Sites, name: str, epsilon: float, momentum: float
    ) -> None:
        super().__init__()

        def norm(channels: int) -> nn.Module:
            return nn.BatchNorm2d(channels, eps=epsilon, momentum=momentum)

        expands = row.expanded != inputs
        inner = sites.inner(row.expanded) if expands else inputs
        self.act = ACTS[row.act]()
        self.expand = nn.Sequential(conv(2, inputs, inner, 1), norm(inner)) if expands else None
        self.depthwise = nn.Sequential(
            conv(2, inner, inner, row.kernel, stride=row.stride, groups=inner), norm(inner)
        )
        self.project = nn.Sequential(conv(2, inner, row.outputs, 1), norm(row.outputs))
        self.has_shortcut = row.stride == 1 and inputs == row.outputs
        self.inner, self.inputs, self.outputs, self.name = inner, inputs, row.outputs, name

    def forward(self, x: Tensor) -> Tensor:
        """(N, C_in, H, W) to (N, C_out, H / stride, W / stride)."""
        h = self.at("input", x)
        h = h if self.expand is None else self.act(self.expand(h))
        h = self.at("inner", self.depthwise(h))
        h = self.at("activated_inner", self.act(h))
        h = self.at("branch", self.project(h))
        if self.point == "activated_branch":
            h = self.at("activated_branch", self.act(h))
        return self.at("output", h + self.at("shortcut", x)) if self.has_shortcut else h

    def points(self) -> dict[str, int]:
        """Where attention may sit: without a shortcut, neither on it nor after it."""
        points = {"inner": self.inner, "activated_inner": self.inner}
        points |= dict.fromkeys(("branch", "activated_branch"), self.outputs)
        if self.has_shortcut:
            points |= {"input": self.inputs, "shortcut": self.outputs, "output": self.outputs}
        return points

    def positive(self) -> set[str]:
        """Points whose map is nowhere negative."""
        return {"activated_inner", "activated_branch"} if isinstance(self.act, nn.ReLU) else set()


class MobileNet(nn.Module):
    """A 3x3 stem of stride 2, the units, a 1x1 convolution, the mean over positions and a head."""

    def __init__(
        self,
        rows: list[list[Row]],
        *,
        stem: tuple[int, str],
        last: int,
        head: int,
        dropout: float,
        epsilon: float,
        momentum: float,
        sites: Sites,
        in_channels: int,
        classes: int,
    ) -> None:
        super().__init__()
        inputs, act = stem
        self.stem = _layer(in_channels, inputs, 3, 2, act, epsilon, momentum)
        self.stages = nn.Sequential()
        for number, stage in enumerate(rows, start=1):
            units = nn.Sequential()
            for block, row in enumerate(stage):
                name = f"stages.{number - 1}.{block}"
                unit = MobileUnit(
                    inputs, row, sites=sites, name=name, epsilon=epsilon, momentum=momentum
                )
                sites.attend(unit, _site(unit, number, block, len(stage), row.own))
                units.append(unit)
                inputs = row.outputs
            self.stages.append(units)
        self.last = _layer(inputs, last, 1, 1, rows[-1][-1].act, epsilon, momentum)
        self.head = nn.Sequential()
        if head:
            self.head.extend([nn.Linear(last, head), ACTS["hard_swish"]()])
        self.head.extend([nn.Dropout(dropout), nn.Linear(head or last, classes)])

    def forward(self, x_nchw: Tensor) -> Tensor:
        """Images (N, C, H, W) to logits (N, classes)."""
        h = self.last(self.stages(self.stem(x_nchw)))
        logits: Tensor = self.head(mean_over_positions(h))
        return logits


def mobilenet_v3_large(sites: Sites, in_channels: int, classes: int) -> nn.Module:
    """5 483 032 parameters with its own attention and 1000 classes."""
    return _mobilenet_v3(LARGE, 960, 1280, sites, in_channels, classes)


def mobilenet_v3_small(sites: Sites, in_channels: int, classes: int) -> nn.Module:
    """2 542 856 parameters with its own attention and 1000 classes."""
    return _mobilenet_v3(SMALL, 576, 1024, sites, in_channels, classes)


def efficientnet_b0(sites: Sites, in_channels: int, classes: int) -> nn.Module:
    """5 288 548 parameters with its own attention and 1000 classes. No stochastic depth."""
    rows, inputs = [], 32
    for expansion, outputs, count, stride, kernel in EFFICIENTNET_B0:
        stage = []
        for block in range(count):
            stage.append(
                Row(
                    kernel=kernel,
                    expanded=expansion * inputs,
                    outputs=outputs,
                    own=True,
                    act="silu",
                    stride=stride if block == 0 else 1,
                )
            )
            inputs = outputs
        rows.append(stage)
    return MobileNet(
        rows,
        stem=(32, "silu"),
        last=1280,
        head=0,
        dropout=0.2,
        epsilon=1e-5,
        momentum=0.1,
        sites=sites,
        in_channels=in_channels,
        classes=classes,
    )


# kernel, expanded, outputs, own attention, act, stride; a blank line of the papers' tables is a stage.
_R, _H = "relu", "hard_swish"
LARGE = (
    ((3, 16, 16, 0, _R, 1),),
    ((3, 64, 24, 0, _R, 2), (3, 72, 24, 0, _R, 1)),
    ((5, 72, 40, 1, _R, 2), (5, 120, 40, 1, _R, 1), (5, 120, 40, 1, _R, 1)),
    (
        (3, 240, 80, 0, _H, 2),
        (3, 200, 80, 0, _H, 1),
        (3, 184, 80, 0, _H, 1),
        (3, 184, 80, 0, _H, 1),
    ),
    ((3, 480, 112, 1, _H, 1), (3, 672, 112, 1, _H, 1)),
    ((5, 672, 160, 1, _H, 2), (5, 960, 160, 1, _H, 1), (5, 960, 160, 1, _H, 1)),
)
SMALL = (
    ((3, 16, 16, 1, _R, 2),),
    ((3, 72, 24, 0, _R, 2), (3, 88, 24, 0, _R, 1)),
    ((5, 96, 40, 1, _H, 2), (5, 240, 40, 1, _H, 1), (5, 240, 40, 1, _H, 1)),
    ((5, 120, 48, 1, _H, 1), (5, 144, 48, 1, _H, 1)),
    ((5, 288, 96, 1, _H, 2), (5, 576, 96, 1, _H, 1), (5, 576, 96, 1, _H, 1)),
)
# expansion, outputs, units, stride, kernel
EFFICIENTNET_B0 = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)


def _mobilenet_v3(
    table: tuple[tuple[tuple[int, int, int, int, str, int], ...], ...],
    last: int,
    head: int,
    sites: Sites,
    in_channels: int,
    classes: int,
) -> nn.Module:
    rows = [
        [
            Row(kernel=k, expanded=e, outputs=o, own=bool(own), act=act, stride=s)
            for k, e, o, own, act, s in stage
        ]
        for stage in table
    ]
    return MobileNet(
        rows,
        stem=(16, "hard_swish"),
        last=last,
        head=head,
        dropout=0.2,
        epsilon=1e-3,
        momentum=0.01,
        sites=sites,
        in_channels=in_channels,
        classes=classes,
    )


def _layer(
    inputs: int, outputs: int, kernel: int, stride: int, act: str, epsilon: float, momentum: float
) -> nn.Sequential:
    return nn.Sequential(
        conv(2, inputs, outputs, kernel, stride=stride),
        nn.BatchNorm2d(outputs, eps=epsilon, momentum=momentum),
        ACTS[act](),
    )


def _site(unit: MobileUnit, stage: int, block: int, of: int, own: bool) -> Site:
    return Site(
        name=unit.name,
        stage=stage,
        block=block,
        of=of,
        points=unit.points(),
        inputs=unit.inputs,
        outputs=unit.outputs,
        nonnegative=unit.positive(),
        own=own,
    )
