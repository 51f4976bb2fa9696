"""Relatives of squeeze-and-excitation that are more than a choice of squeeze, excitation and gate.

x_ncs is a feature map (N, C, ...) with one, two or three position dimensions.
ECA, effective SE, SRM, CBAM's channel part and NoSqueeze are settings of `block.SqueezeExcite`. `passes` says how
often each element of the map is pooled, scaled or shifted; what convolves or multiplies matrices counts itself.
"""

import math
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ablations.errors import SettingError
from ablations.subjects.attention.blocks.block import SqueezeExcite
from ablations.subjects.attention.blocks.excitations import Bottleneck, Shape
from ablations.subjects.attention.blocks.gates import make_gate
from ablations.subjects.attention.blocks.hidden import hidden_width
from ablations.subjects.attention.blocks.host_layers import BATCH_NORMS, CONVS, conv
from ablations.subjects.attention.blocks.layers import NO_SHIFT, Linear
from ablations.subjects.attention.blocks.readable import Readable, refuse_unreadable
from ablations.subjects.attention.blocks.squeezes import AttentionPool
from ablations.subjects.attention.settings.groups import Attention


class Cbam(nn.Module):
    """Channel attention, then spatial attention (CBAM, arXiv 1807.06521).

    The channel gate is sigmoid(MLP(avg) + MLP(max)); the spatial one is sigmoid(bn(conv([mean, max]))) with
    mean and max over channels. Under a mask these two are zero, as beyond the map's edge, so that padding
    reaches no position through the convolution.
    """

    def __init__(self, channels: int, *, base: int, settings: Attention, dims: int) -> None:
        super().__init__()
        channel = settings.model_copy(update={"kind": "squeeze_excite", "squeeze": "avg_max_mlp"})
        self.channel = SqueezeExcite(channels, base=base, settings=channel)
        self.hidden = self.channel.hidden
        # Mean and max over channels, and the second gate.
        self.passes = self.channel.passes + 3
        k = settings.spatial_kernel
        self.conv = conv(dims, 2, 1, k, padding=k // 2)
        self.bn = BATCH_NORMS[dims](1)

    def forward(self, x_ncs: Tensor, mask_ns: Tensor | None = None) -> Tensor:
        """The gated map, of the same shape."""
        x_ncs = self.channel(x_ncs, mask_ns)
        z_n2s = torch.cat((x_ncs.mean(1, keepdim=True), x_ncs.amax(1, keepdim=True)), dim=1)
        if mask_ns is not None:
            z_n2s = z_n2s.masked_fill(~mask_ns.unsqueeze(1), 0)
        return x_ncs * torch.sigmoid(self.bn(self.conv(z_n2s)))


class Scse(nn.Module):
    """Concurrent spatial and channel excitation, x g(channel) + x g(position) (arXiv 1803.02579)."""

    def __init__(self, channels: int, *, base: int, settings: Attention, dims: int) -> None:
        super().__init__()
        channel = settings.model_copy(update={"kind": "squeeze_excite"})
        self.channel = SqueezeExcite(channels, base=base, settings=channel)
        self.hidden = self.channel.hidden
        # The second gate, and the sum of the two maps.
        self.passes = self.channel.passes + 2
        self.position = Linear(channels, 1, bias=True)

    def forward(self, x_ncs: Tensor, mask_ns: Tensor | None = None) -> Tensor:
        """The gated map, of the same shape."""
        g_n1s = torch.sigmoid(self.position(x_ncs.movedim(1, -1)).movedim(-1, 1))
        gated: Tensor = self.channel(x_ncs, mask_ns)
        return gated + x_ncs * g_n1s


class Gct(Readable):
    """Gated channel transformation (arXiv 1909.11519): channels compete, 3 C parameters.

    e = alpha ||x_c||, n = sqrt(C) e / ||e||, y = x (1 + tanh(gamma n + beta)); starts as the identity.
    """

    hidden: int | None = None
    passes = 2
    epsilon = 1e-5

    def __init__(self, channels: int, *, base: int, settings: Attention, dims: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.empty(channels))
        self.gamma = nn.Parameter(torch.empty(channels))
        self.beta = nn.Parameter(torch.empty(channels))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start with alpha = 1, gamma = beta = 0."""
        nn.init.ones_(self.alpha)
        nn.init.zeros_(self.gamma)
        nn.init.zeros_(self.beta)

    def forward(self, x_ncs: Tensor, mask_ns: Tensor | None = None) -> Tensor:
        """The gated map, of the same shape."""
        refuse_unreadable(x_ncs)
        g_nc, _ = self.gates(x_ncs, mask_ns)
        return x_ncs * g_nc.reshape(g_nc.shape + (1,) * (x_ncs.dim() - 2))

    def gates(self, x_ncs: Tensor, mask_ns: Tensor | None = None) -> tuple[Tensor, None]:
        """The factors (N, C), and no shift."""
        seen = x_ncs if mask_ns is None else x_ncs * mask_ns.unsqueeze(1)
        # Squares of a few hundred are infinite in half precision.
        wide = seen.flatten(2).to(torch.promote_types(x_ncs.dtype, torch.float32))
        e_nc = self.alpha * (wide.square().sum(2) + self.epsilon).sqrt()
        scale_n1 = (e_nc.square().mean(1, keepdim=True) + self.epsilon).rsqrt()
        return (1 + torch.tanh(self.gamma * e_nc * scale_n1 + self.beta)).to(x_ncs.dtype), None


class GatherExcite(Readable):
    """A gate for each neighbourhood of `extent` positions (Gather-Excite, arXiv 1810.12348).

    Gathers by the mean (no parameters) or by depthwise convolutions, each with batch norm: of stride 2
    down to the extent, or one as large as the whole map. Then excites by the bottleneck at each gathered
    place, or not at all. In a sequence position i has the gate of place i // extent, however long the padding;
    in images and volumes gates go back by nearest neighbour in the ratio of the sizes, as in the public
    implementation (the same where the extent divides the sides). The mean passes over masked positions;
    convolutions cannot, and refuse a mask.

    Args:
        channels: C.
        base: Channels that the reduction divides.
        settings: `extent`, `gather` and those of the excitation.
        dims: Number of position dimensions.
        size: Of the map; only a learnt gather over the whole map needs it, and takes no other.

    Raises:
        SettingError: If that one is not told the size.
    """

    def __init__(
        self,
        channels: int,
        *,
        base: int,
        settings: Attention,
        dims: int,
        size: tuple[int, ...] | None = None,
    ) -> None:
        super().__init__()
        self.extent, self.dims, self.size = settings.extent, dims, size
        self.gather = nn.Sequential()
        self.passes = 2 if settings.gather == "mean" else 1
        if settings.gather == "depthwise" and not self.extent:
            if size is None:
                raise SettingError(
                    "`gather='depthwise'` over the whole map (`extent=0`) has weights as large as the "
                    "map. Pass its `size`, or use an `extent` of 2, 4 or 8."
                )
            whole = CONVS[dims](channels, channels, size, groups=channels, bias=False)
            self.gather.extend((whole, BATCH_NORMS[dims](channels)))
        elif settings.gather == "depthwise":
            self.gather.extend(_halvings(int(math.log2(self.extent)), channels, dims=dims))
        self.hidden = hidden_width(settings, base) if settings.excitation != "none" else None
        shape = Shape(channels=channels, statistics=1, hidden=self.hidden, shift=NO_SHIFT)
        plain = settings.model_copy(update={"norm": "none", "init": "default", "affine": False})
        self.excite = Bottleneck(plain, shape) if self.hidden else nn.Identity()
        self.gate = make_gate(settings, channels=channels)

    def forward(self, x_ncs: Tensor, mask_ns: Tensor | None = None) -> Tensor:
        """The gated map, of the same shape."""
        refuse_unreadable(x_ncs)
        g_ncs = self.gates(x_ncs, mask_ns)[0].movedim(-1, 1)
        if self.extent:
            g_ncs = self._spread(g_ncs, x_ncs.shape[2:])
        return x_ncs * g_ncs

    def gates(self, x_ncs: Tensor, mask_ns: Tensor | None = None) -> tuple[Tensor, None]:
        """The factors of the gathered places (N, ..., C), and no shift."""
        g: Tensor = self.gate(self.excite(self._gathered(x_ncs, mask_ns).movedim(1, -1)))
        return g, None

    def _spread(self, g_ncs: Tensor, size: torch.Size) -> Tensor:
        """Gates of gathered places as gates of positions."""
        if self.dims == 1:
            return g_ncs.repeat_interleave(self.extent, dim=2)[:, :, : size[0]]
        return F.interpolate(g_ncs, size=size, mode="nearest")

    def _pooled(self, x_ncs: Tensor) -> Tensor:
        pool = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[self.dims - 1]
        side = self.extent - 1
        return pool(F.pad(x_ncs, (side, side) * self.dims), 2 * side + 1, stride=self.extent)

    def _gathered(self, x_ncs: Tensor, mask_ns: Tensor | None) -> Tensor:
        if len(self.gather):
            if mask_ns is not None:
                raise SettingError(
                    "`gather='depthwise'` convolves over padded positions too, so it takes no mask. "
                    "Use `gather='mean'`."
                )
            if not self.extent and x_ncs.shape[2:] != self.size:
                raise SettingError(
                    f"`gather='depthwise'` over the whole map was made for maps of {_times(self.size)}, "
                    f"but got {_times(x_ncs.shape[2:])}. Use `gather='mean'` for inputs of several sizes."
                )
            gathered: Tensor = self.gather(x_ncs)
            return gathered
        weight = torch.ones_like(x_ncs[:1, :1])
        if mask_ns is not None:
            weight = mask_ns.unsqueeze(1).to(x_ncs.dtype)
        if self.extent:
            # Padded by hand: the 3-d pool refuses a kernel that is larger than the map. A window without
            # any position that counts gates positions that do not either.
            counted = self._pooled(weight)
            return self._pooled(x_ncs * weight) / counted.where(counted > 0, 1.0)
        weight = weight.expand(len(x_ncs), *weight.shape[1:])
        positions = tuple(range(2, x_ncs.dim()))
        wide = torch.promote_types(x_ncs.dtype, torch.float32)  # half precision counts to 65 504
        total = (x_ncs * weight).sum(positions, keepdim=True, dtype=wide)
        return (total / weight.sum(positions, keepdim=True, dtype=wide)).to(x_ncs.dtype)


def _halvings(count: int, channels: int, *, dims: int) -> Iterator[nn.Module]:
    """Depthwise convolutions of stride 2 with batch norm, and ReLU between two."""
    for step in range(count):
        if step:
            yield nn.ReLU()
        yield conv(dims, channels, channels, 3, stride=2, padding=1, groups=channels)
        yield BATCH_NORMS[dims](channels)


def _times(size: Iterable[int] | None) -> str:
    return "x".join(map(str, size or ()))


class GlobalContext(Readable):
    """Adds a context to every position: x + W2 act(norm(W1 pool(x))) (GCNet, arXiv 1904.11492).

    The pool is learnt attention over positions. What multiplies instead of adding is the plain block with
    `squeeze='attention'`.
    """

    passes = 1

    def __init__(self, channels: int, *, base: int, settings: Attention, dims: int) -> None:
        super().__init__()
        self.hidden = hidden_width(settings, base)
        self.squeeze = AttentionPool(channels, 1)
        shape = Shape(channels=channels, statistics=1, hidden=self.hidden, shift=NO_SHIFT)
        plain = settings.model_copy(update={"excitation": "bottleneck", "affine": False})
        self.excite = Bottleneck(plain, shape)

    def forward(self, x_ncs: Tensor, mask_ns: Tensor | None = None) -> Tensor:
        """The map with the context added, of the same shape."""
        refuse_unreadable(x_ncs)
        t_nc: Tensor = self.excite(self.squeeze(x_ncs, mask_ns))
        return x_ncs + t_nc.reshape(t_nc.shape + (1,) * (x_ncs.dim() - 2))


KIN = {
    "cbam": Cbam,
    "scse": Scse,
    "gct": Gct,
    "global_context": GlobalContext,
}
