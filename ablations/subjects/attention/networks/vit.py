"""A small vision transformer (arXiv 2010.11929) whose units can gate the channels of their tokens.

`small_vit`: 4x4 patches, 6 layers, 4 width channels, 4 heads, an MLP twice as wide, fixed sine positions (so
that any image size goes), the mean over tokens. The unit is a layer's MLP: `branch` follows its second
linear layer, `inner` the first; tokens are the positions that a squeeze pools over.
"""

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ablations.errors import SettingError
from ablations.subjects.attention.blocks.host_layers import conv
from ablations.subjects.attention.networks.sites import Site, Sites, Unit

LAYERS, HEADS, PATCH, STRETCH = 6, 4, 4, 2


class TokenAttention(nn.Module):
    """Softmax attention between tokens (N, T, D), D a multiple of the heads."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.query_key_value = nn.Linear(channels, 3 * channels)
        self.out = nn.Linear(channels, channels)

    def forward(self, x_ntd: Tensor) -> Tensor:
        """The same shape."""
        n, t, d = x_ntd.shape
        qkv = self.query_key_value(x_ntd).reshape(n, t, 3, HEADS, d // HEADS)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        weight = torch.softmax(q @ k.transpose(-2, -1) / math.sqrt(d // HEADS), dim=-1)
        mixed: Tensor = self.out((weight @ v).transpose(1, 2).reshape(n, t, d))
        return mixed

    def products(self, shape: torch.Size) -> int:
        """Multiply-adds of q k and weight v for one image; the linear layers count themselves."""
        _, t, d = shape
        return 2 * t * t * d


class Mlp(Unit):
    """x + W2 gelu(W1 norm(x)) on tokens; gates see (N, D, T)."""

    def __init__(self, channels: int, *, sites: Sites) -> None:
        super().__init__()
        self.inner = sites.inner(STRETCH * channels)
        self.norm = nn.LayerNorm(channels)
        self.fc1 = nn.Linear(channels, self.inner)
        self.fc2 = nn.Linear(self.inner, channels)

    def at(self, point: str, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """The tokens, gated if attention sits at this point."""
        if self.point != point:
            return x
        return super().at(point, x.transpose(1, 2), mask).transpose(1, 2)

    def forward(self, x_ntd: Tensor) -> Tensor:
        """The same shape."""
        h = self.at("inner", self.fc1(self.norm(self.at("input", x_ntd))))
        h = self.at("activated_inner", F.gelu(h))
        h = self.at("branch", self.fc2(h))
        return self.at("output", h + self.at("shortcut", x_ntd))


class Layer(nn.Module):
    """Attention between tokens, then the MLP, each with its shortcut."""

    def __init__(self, channels: int, *, sites: Sites) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.mixing = TokenAttention(channels)
        self.mlp = Mlp(channels, sites=sites)

    def forward(self, x_ntd: Tensor) -> Tensor:
        """The same shape."""
        mixed: Tensor = self.mlp(x_ntd + self.mixing(self.norm(x_ntd)))
        return mixed


class SmallVit(nn.Module):
    """Patches, layers, the mean over tokens and a linear head."""

    def __init__(self, *, width: int, sites: Sites, in_channels: int, classes: int) -> None:
        super().__init__()
        self.channels = 4 * width
        self.patches = conv(
            2, in_channels, self.channels, PATCH, stride=PATCH, padding=0, bias=True
        )
        self.layers = nn.Sequential()
        for block in range(LAYERS):
            layer = Layer(self.channels, sites=sites)
            sites.attend(layer.mlp, _site(block, self.channels, layer.mlp.inner))
            self.layers.append(layer)
        self.norm = nn.LayerNorm(self.channels)
        self.fc = nn.Linear(self.channels, classes)

    def forward(self, x_nchw: Tensor) -> Tensor:
        """Images (N, C, H, W) to logits (N, classes).

        Raises:
            SettingError: If H or W is no multiple of 4: the patches would leave out the last rows or columns.
        """
        _check_size(x_nchw.shape[2:])
        p_ndhw = self.patches(x_nchw)
        x_ntd = p_ndhw.flatten(2).transpose(1, 2)
        x_ntd = x_ntd + _positions(p_ndhw.shape[2], p_ndhw.shape[3], self.channels).to(x_ntd)
        logits: Tensor = self.fc(self.norm(self.layers(x_ntd)).mean(1))
        return logits


def _check_size(size: torch.Size) -> None:
    if not any(side % PATCH for side in size):
        return
    smaller = [side // PATCH * PATCH for side in size]
    larger = [math.ceil(side / PATCH) * PATCH for side in size]
    fitting = [_times(sides) for sides in (smaller, larger) if all(sides)]
    raise SettingError(
        f"`small_vit` cuts images into patches of {PATCH}x{PATCH}: height and width must be multiples of "
        f"{PATCH}, but the image is {_times(size)}. Use {' or '.join(fitting)}."
    )


def _times(sides: Iterable[int]) -> str:
    return "x".join(map(str, sides))


def _positions(height: int, width: int, channels: int) -> Tensor:
    """Sines and cosines of row and column (T, D), a quarter of the channels each (arXiv 2205.01580)."""
    row, column = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    frequency = 10_000 ** -(torch.arange(channels // 4) / max(channels // 4 - 1, 1))
    angles = [axis.flatten()[:, None] * frequency for axis in (row, column)]
    return torch.cat([wave(angle) for angle in angles for wave in (torch.sin, torch.cos)], dim=1)


def _site(block: int, channels: int, inner: int) -> Site:
    own = dict.fromkeys(("input", "branch", "shortcut", "output"), channels)
    return Site(
        name=f"layers.{block}.mlp",
        stage=1,
        block=block,
        of=LAYERS,
        points={**own, "inner": inner, "activated_inner": inner},
        inputs=channels,
        outputs=channels,
        # Tokens are one row of positions.
        dims=1,
    )
