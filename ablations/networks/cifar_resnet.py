"""The residual networks of depth 6n+2 for small images (He et al., arXiv 1512.03385, section 4.2).

Three stages of n basic blocks with width, 2 width and 4 width channels. The shortcut between
stages is either the paper's parameter-free one (`pad`, its option A: every second pixel, new
channels zero; 269 722 parameters at depth 20) or a 1x1 convolution with batch norm (`project`,
option B; 272 474).
"""

from torch import Tensor, nn
from torch.nn.functional import pad, relu

from ablations.errors import SettingError
from ablations.networks.layers import Conv
from ablations.networks.sites import Sites, Unit


class PadShortcut(nn.Module):
    """Every second pixel, with zeros for the channels that are new."""

    def __init__(self, new_channels: int) -> None:
        super().__init__()
        self.new_channels = new_channels

    def forward(self, x_nchw: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C + new, H/2, W/2)."""
        return pad(x_nchw[:, :, ::2, ::2], (0, 0, 0, 0, 0, self.new_channels))


class BasicBlock(Unit):
    """Two 3x3 convolutions and a shortcut."""

    def __init__(self, inputs: int, outputs: int, *, shortcut: str) -> None:
        super().__init__()
        stride = 1 if inputs == outputs else 2
        self.conv1 = Conv(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = Conv(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = SHORTCUTS[shortcut](inputs, outputs) if stride == 2 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """relu(branch(x) + shortcut(x))."""
        h = relu(self.bn1(self.conv1(x)))
        h = self.at("branch", self.bn2(self.conv2(h)))
        if self.point == "activated_branch":
            h = self.at("activated_branch", relu(h))
        return self.at("output", relu(h + self.shortcut(x)))


class CifarResNet(nn.Module):
    """A 3x3 stem, three stages of basic blocks, the mean over positions and a linear head."""

    def __init__(
        self, depth: int, *, width: int, shortcut: str, sites: Sites, in_channels: int, classes: int
    ) -> None:
        super().__init__()
        self.conv1 = Conv(in_channels, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        blocks = (depth - 2) // 6
        self.layer1 = _stage("layer1", blocks, width, width, shortcut, sites)
        self.layer2 = _stage("layer2", blocks, width, 2 * width, shortcut, sites)
        self.layer3 = _stage("layer3", blocks, 2 * width, 4 * width, shortcut, sites)
        self.fc = nn.Linear(4 * width, classes)

    def forward(self, x_nchw: Tensor) -> Tensor:
        """Images (N, C, H, W) to logits (N, classes)."""
        h = relu(self.bn1(self.conv1(x_nchw)))
        h = self.layer3(self.layer2(self.layer1(h)))
        logits: Tensor = self.fc(h.mean((2, 3)))
        return logits


def cifar_depth(name: str) -> int:
    """The depth in `cifar_resnet<depth>`.

    Raises:
        SettingError: If it is not 6n+2 with n >= 1.
    """
    digits = name.removeprefix("cifar_resnet")
    depth = int(digits) if digits.isdecimal() else 0
    if depth < 8 or (depth - 2) % 6:
        raise SettingError(
            f"`depth = 6n + 2` must hold in `cifar_resnet<depth>`, but got {name!r}. "
            f"Depths are 8, 14, 20, 26, 32, ..."
        )
    return depth


def _project(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(Conv(inputs, outputs, 1, stride=2, bias=False), nn.BatchNorm2d(outputs))


def _pad(inputs: int, outputs: int) -> nn.Module:
    return PadShortcut(outputs - inputs)


SHORTCUTS = {"pad": _pad, "project": _project}


def _stage(
    name: str, blocks: int, inputs: int, outputs: int, shortcut: str, sites: Sites
) -> nn.Sequential:
    stage = nn.Sequential()
    for block in range(blocks):
        unit = BasicBlock(inputs if block == 0 else outputs, outputs, shortcut=shortcut)
        points = dict.fromkeys(("branch", "activated_branch", "output"), outputs)
        sites.attend(unit, name=f"{name}.{block}", channels=points)
        stage.append(unit)
    return stage
