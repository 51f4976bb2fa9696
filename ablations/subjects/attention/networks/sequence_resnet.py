"""A residual network for sequences: 1-d convolutions, with a mask for padded positions.

`sequence_resnet<6n+2>` is the CIFAR family with 1-d convolutions of size 3 and shortcuts by 1x1 convolution.
With a mask, padded positions are set to zero before every convolution, do not count in any pool, and change
no other position; batch norm's statistics in training do see them as zeros.
"""

import torch
from torch import Tensor, nn

from ablations.subjects.attention.blocks.host_layers import conv
from ablations.subjects.attention.networks.cifar_resnet import depth
from ablations.subjects.attention.networks.sites import Site, Sites, Unit


class SequenceUnit(Unit):
    """Two convolutions of size 3 and a shortcut over (N, C, L)."""

    def __init__(self, inputs: int, width: int, *, stride: int, sites: Sites) -> None:
        super().__init__()
        self.inner = sites.inner(width)
        self.stride = stride
        self.conv1 = conv(1, inputs, self.inner, 3, stride=stride)
        self.bn1 = nn.BatchNorm1d(self.inner)
        self.conv2 = conv(1, self.inner, width, 3)
        self.bn2 = nn.BatchNorm1d(width)
        self.downsample = (
            nn.Sequential(conv(1, inputs, width, 1, stride=stride), nn.BatchNorm1d(width))
            if stride > 1 or inputs != width
            else None
        )

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """(N, C_in, L) to (N, C_out, L / stride); the mask (N, L) is that of the input."""
        small = mask if mask is None else mask[:, :: self.stride]
        h = self.bn1(self.conv1(_hide(self.at("input", x, mask), mask)))
        h = self.at("activated_inner", torch.relu(self.at("inner", h, small)), small)
        h = self.at("branch", self.bn2(self.conv2(_hide(h, small))), small)
        if self.point == "activated_branch":
            h = self.at("activated_branch", torch.relu(h), small)
        skip = x if self.downsample is None else self.downsample(_hide(x, mask))
        return self.at("output", torch.relu(h + self.at("shortcut", skip, small)), small)


class SequenceResNet(nn.Module):
    """A stem, three stages, the mean over the positions that count, and a linear head."""

    def __init__(
        self, name: str, *, width: int, sites: Sites, in_channels: int, classes: int
    ) -> None:
        super().__init__()
        blocks = (depth(name) - 2) // 6
        self.conv1 = conv(1, in_channels, width, 3)
        self.bn1 = nn.BatchNorm1d(width)
        inputs = width
        self.layers = nn.ModuleList()
        for stage in (1, 2, 3):
            outputs = width * 2 ** (stage - 1)
            units = nn.ModuleList()
            for block in range(blocks):
                stride = 2 if stage > 1 and block == 0 else 1
                unit = SequenceUnit(inputs, outputs, stride=stride, sites=sites)
                sites.attend(unit, _site(stage, block, blocks, inputs, unit.inner, outputs))
                units.append(unit)
                inputs = outputs
            self.layers.append(units)
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x_ncl: Tensor, mask_nl: Tensor | None = None) -> Tensor:
        """Sequences (N, C, L) to logits (N, classes).

        Args:
            x_ncl: The sequences, padded to one length.
            mask_nl: True where a sequence is, False where it is padded; None if nothing is.
        """
        h = torch.relu(self.bn1(self.conv1(_hide(x_ncl, mask_nl))))
        for units in self.layers:
            assert isinstance(units, nn.ModuleList)
            for unit in units:
                assert isinstance(unit, SequenceUnit)
                h = unit(h, mask_nl)
                mask_nl = None if mask_nl is None else mask_nl[:, :: unit.stride]
        count = h.shape[2] if mask_nl is None else mask_nl.sum(1, keepdim=True)
        logits: Tensor = self.fc(_hide(h, mask_nl).sum(2) / count)
        return logits


def _hide(x_ncl: Tensor, mask_nl: Tensor | None) -> Tensor:
    return x_ncl if mask_nl is None else x_ncl * mask_nl.unsqueeze(1)


def _site(stage: int, block: int, of: int, inputs: int, inner: int, outputs: int) -> Site:
    after = dict.fromkeys(("branch", "activated_branch", "shortcut", "output"), outputs)
    positive = {"input", "activated_inner", "activated_branch", "output"}
    return Site(
        name=f"layers.{stage - 1}.{block}",
        stage=stage,
        block=block,
        of=of,
        points={"input": inputs, "inner": inner, "activated_inner": inner, **after},
        inputs=inputs,
        outputs=outputs,
        nonnegative=positive,
        dims=1,
    )
