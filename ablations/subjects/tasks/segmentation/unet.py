"""A small U-Net that knows nothing of attention (arXiv 1505.04597, with padding and batch norm)."""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, pixel_unshuffle

from ablations.errors import SettingError


class Step(nn.Module):
    """Two 3x3 convolutions, each with batch norm and ReLU; attention is attached at `norm2`."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)

    def forward(self, x_nchw: Tensor) -> Tensor:
        """(n, inputs, h, w) to (n, outputs, h, w)."""
        x_nchw = torch.relu(self.norm1(self.conv1(x_nchw)))
        return torch.relu(self.norm2(self.conv2(x_nchw)))


class UNet(nn.Module):
    """Images (n, channels, h, w) to logits (n, classes, h, w).

    Args:
        channels: Of the images.
        classes: Of the pixels.
        width: Channels of the finest map; twice as many after each halving.
        depth: Resolutions; h and w are multiples of stride * 2^(depth - 1).
        prior: Probability of class 0 at every pixel before learning, as a detector's is set (arXiv 1708.02002,
            section 4.1).
        stride: Pixels along each side of what the network sees as one position, all their values as channels; its
            logits are interpolated to the pixels.
    """

    def __init__(
        self, channels: int, classes: int, *, width: int, depth: int, prior: float, stride: int = 1
    ) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(depth)]
        self.encoder = nn.ModuleList(map(Step, [channels * stride**2, *widths], widths))
        upwards = list(zip(widths[:0:-1], widths[-2::-1], strict=True))
        self.up = nn.ModuleList(nn.ConvTranspose2d(low, high, 2, 2) for low, high in upwards)
        self.decoder = nn.ModuleList(Step(2 * high, high) for _, high in upwards)
        self.pool = nn.MaxPool2d(2)
        self.head = nn.Conv2d(width, classes, 1)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]
        # Learnt from 0, it would take the first hundreds of steps.
        self.head.bias.data[0] = math.log((classes - 1) * prior / (1 - prior))  # type: ignore[union-attr]
        self._stride, self._halvings = stride, depth - 1

    def forward(self, x_nchw: Tensor) -> Tensor:
        """The logits.

        Raises:
            SettingError: If h or w cannot be halved so often.
        """
        self._check(x_nchw)
        if self._stride > 1:
            x_nchw = pixel_unshuffle(x_nchw, self._stride)
        seen: list[Tensor] = []
        for step in self.encoder:
            x_nchw = step(self.pool(x_nchw) if seen else x_nchw)
            seen.append(x_nchw)
        for up, step, finer in zip(self.up, self.decoder, seen[-2::-1], strict=True):
            x_nchw = step(torch.cat((up(x_nchw), finer), 1))
        logits: Tensor = self.head(x_nchw)
        if self._stride > 1:
            logits = interpolate(logits, scale_factor=self._stride, mode="bilinear")
        return logits

    def _check(self, x_nchw: Tensor) -> None:
        height, width = x_nchw.shape[2:]
        multiple = self._stride * 2**self._halvings
        if height % multiple or width % multiple:
            patches = f"sees {self._stride} pixels as one and " if self._stride > 1 else ""
            raise SettingError(
                f"height and width of the images must be multiples of {multiple}, since the U-Net {patches}halves them "
                f"{self._halvings} times, but they are {height} and {width}: set another size, or a smaller "
                "`model.depth`."
            )
