"""Layers of a stack: K members' channels side by side, those of the first member first.

Notation: K members, N examples of each, C channels. A map of the stack is (N, K C, ...), a vector (N, K C).
What works on each channel by itself (activations, pools, sums) needs no rule here: it is the members' own.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ablations.subjects.attention.blocks.layout import every_second

CONVOLVE: dict[int, Callable[..., Tensor]] = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}


class StackedConv(nn.Module):
    """K convolutions as one with K times the groups."""

    def __init__(
        self,
        weight: nn.Parameter,
        bias: nn.Parameter | None,
        *,
        like: nn.Conv1d | nn.Conv2d,
        k: int,
    ) -> None:
        super().__init__()
        self.weight, self.bias = weight, bias
        self.convolve = CONVOLVE[weight.dim() - 2]
        self.options = (like.stride, like.padding, like.dilation, k * like.groups)

    def forward(self, x: Tensor) -> Tensor:
        """(N, K C_in, ...) to (N, K C_out, ...)."""
        return self.convolve(x, self.weight, self.bias, *self.options)


class StackedNorm(nn.Module):
    """K batch norms in training as one over K C channels; the running statistics are the members' own."""

    def __init__(
        self,
        weight: nn.Parameter,
        bias: nn.Parameter,
        statistics: tuple[Tensor, Tensor, Tensor],
        *,
        like: nn.Module,
    ) -> None:
        super().__init__()
        self.weight, self.bias = weight, bias
        self.mean, self.var, self.batches = statistics
        self.momentum, self.eps = like.momentum, like.eps

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        self.batches += 1
        assert isinstance(self.momentum, float)
        assert isinstance(self.eps, float)
        return F.batch_norm(
            x, self.mean, self.var, self.weight, self.bias, True, self.momentum, self.eps
        )


class StackedLinear(nn.Module):
    """K linear layers as one product of K matrices."""

    def __init__(self, weight: nn.Parameter, bias: nn.Parameter | None, *, k: int) -> None:
        super().__init__()
        self.weight, self.bias, self.k = weight, bias, k

    def forward(self, x: Tensor) -> Tensor:
        """(N, K C_in) to (N, K C_out)."""
        n, k = len(x), self.k
        x_knc = x.reshape(n, k, -1).transpose(0, 1)
        w_kco = self.weight.reshape(k, -1, x_knc.shape[2]).transpose(1, 2)
        if self.bias is None:
            y_kno = torch.bmm(x_knc, w_kco)
        else:
            y_kno = torch.baddbmm(self.bias.reshape(k, 1, -1), x_knc, w_kco)
        return y_kno.transpose(0, 1).reshape(n, -1)


class StackedPad(nn.Module):
    """K parameter-free shortcuts: every second pixel, and zeros after each member's channels."""

    def __init__(self, new_channels: int, *, k: int) -> None:
        super().__init__()
        self.new_channels, self.k = new_channels, k

    def forward(self, x_nchw: Tensor) -> Tensor:
        """(N, K C, H, W) to (N, K (C + new), H/2, W/2)."""
        x_nhwc = every_second(x_nchw).movedim(1, -1)
        x_nhwkc = x_nhwc.reshape(*x_nhwc.shape[:-1], self.k, -1)
        return F.pad(x_nhwkc, (0, self.new_channels)).flatten(-2).movedim(-1, 1)


class StackedSqueezeExcite(nn.Module):
    """K plain blocks: g = gate(W2 relu(W1 squeeze(x))), with each member's own W1 and W2."""

    def __init__(
        self,
        reduce: StackedLinear,
        expand: StackedLinear,
        *,
        squeeze: Callable[[Tensor], Tensor],
        act: Callable[[Tensor], Tensor],
        gate: Callable[[Tensor], Tensor],
    ) -> None:
        super().__init__()
        self.reduce, self.expand = reduce, expand
        self.squeeze, self.act, self.gate = squeeze, act, gate

    def forward(self, x_ncs: Tensor) -> Tensor:
        """The gated maps, of the same shape."""
        g = self.gate(self.expand(self.act(self.reduce(self.squeeze(x_ncs)))))
        return x_ncs * g.reshape(g.shape + (1,) * (x_ncs.dim() - 2))


class Separately(nn.Module):
    """Each member's own module on its own channels, one after the other."""

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, x: Tensor) -> Tensor:
        """(N, K C, ...), of the same shape."""
        parts = x.chunk(len(self.members), dim=1)
        return torch.cat(
            [module(part) for module, part in zip(self.members, parts, strict=True)], dim=1
        )
