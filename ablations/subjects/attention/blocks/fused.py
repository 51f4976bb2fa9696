"""The plain block as one differentiable function: the mean, two layers, a gate, and the product.

The same numbers as `SqueezeExcite` step by step, with fewer passes over the map and one new map in the backward
pass instead of four: the map's gradient is written where the products were whose sum is the gate's gradient.
`benchmarks/block_speed.py` measures it against the usual forms.

Notation: P positions, d = dL/dy; z, h, v, g as in `block.py`. The gates' derivatives are written in g.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from ablations.subjects.attention.blocks.layout import is_channels_last

Gradients = tuple[Tensor | None, ...]


def sigmoid_backward(d: Tensor, g: Tensor) -> Tensor:
    """Times g (1 - g)."""
    found: Tensor = torch.ops.aten.sigmoid_backward(d, g)
    return found


def two_sigmoid_backward(d: Tensor, g: Tensor) -> Tensor:
    """Times g (1 - g/2)."""
    return d * g * (1 - g / 2)


def one_plus_tanh_backward(d: Tensor, g: Tensor) -> Tensor:
    """Times 1 - (g - 1)², which is g (2 - g)."""
    return d * g * (2 - g)


# dL/dg and g -> dL/dv. On small maps a step costs as much as its number of operations, so one each.
BACKWARDS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "sigmoid": sigmoid_backward,
    "two_sigmoid": two_sigmoid_backward,
    "one_plus_tanh": one_plus_tanh_backward,
}


class FusedSqueezeExcite(torch.autograd.Function):
    """y = g x with g = gate(W2 relu(W1 mean(x) + b1) + b2); differentiable once."""

    @staticmethod
    def forward(
        ctx: Any,
        x_ncs: Tensor,
        w1: Tensor,
        b1: Tensor | None,
        w2: Tensor,
        b2: Tensor | None,
        gate: Callable[[Tensor], Tensor],
        gate_backward: Callable[[Tensor, Tensor], Tensor],
    ) -> Tensor:
        """The gated map."""
        z_nc = x_ncs.mean(tuple(range(2, x_ncs.dim())))
        h_nh = F.linear(z_nc, w1, b1).relu_()
        g_nc = gate(F.linear(h_nh, w2, b2))
        ctx.save_for_backward(x_ncs, z_nc, h_nh, g_nc, w1, w2)
        ctx.gate_backward = gate_backward
        return x_ncs * _over_positions(g_nc, x_ncs)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_ncs: Tensor) -> Gradients:
        """Gradients of the map, both weights and both biases."""
        x_ncs, z_nc, h_nh, g_nc, w1, w2 = ctx.saved_tensors
        products_ncs = d_ncs * x_ncs
        dg_nc = products_ncs.sum(tuple(range(2, x_ncs.dim())))
        dv_nc = ctx.gate_backward(dg_nc, g_nc)
        dh_nh = torch.ops.aten.threshold_backward(dv_nc @ w2, h_nh, 0)
        dz_nc = (dh_nh @ w1) / (x_ncs.numel() // g_nc.numel())
        needs = ctx.needs_input_grad
        return (
            _map_gradient(d_ncs, g_nc, dz_nc, out=products_ncs) if needs[0] else None,
            dh_nh.t() @ z_nc if needs[1] else None,
            dh_nh.sum(0) if needs[2] else None,
            dv_nc.t() @ h_nh if needs[3] else None,
            dv_nc.sum(0) if needs[4] else None,
            None,
            None,
        )


def _over_positions(g_nc: Tensor, x_ncs: Tensor) -> Tensor:
    return g_nc.reshape(g_nc.shape + (1,) * (x_ncs.dim() - 2))


def _map_gradient(d_ncs: Tensor, g_nc: Tensor, dz_nc: Tensor, *, out: Tensor) -> Tensor:
    """The sum d g + dz, in memory that is there already: a new map costs page faults."""
    g_ncs, dz_ncs = _over_positions(g_nc, d_ncs), _over_positions(dz_nc, d_ncs)
    if is_channels_last(d_ncs):
        return torch.addcmul(dz_ncs, d_ncs, g_ncs, out=out)
    # With the positions last `addcmul` of such shapes is not vectorised and takes twice as long.
    return torch.mul(d_ncs, g_ncs, out=out).add_(dz_ncs)
