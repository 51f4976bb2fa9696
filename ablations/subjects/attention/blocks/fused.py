"""The plain block as one differentiable function: the mean, two layers, a gate, and the product.

Whether a block is plain is asked at each call (`plain_parts`), because its parts may be replaced, wrapped, hooked
or pruned at any time; whatever is not is computed step by step.

The same numbers as `SqueezeExcite` step by step, with fewer passes over the map and one new map in the backward
pass instead of four: the map's gradient is written where the products were whose sum is the gate's gradient.
`benchmarks/block_speed.py` measures it against the usual forms.

Notation: P positions, d = dL/dy; z, h, v, g as in `block.py`. The gates' derivatives are written in g.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.nn import functional as F
from torch.nn.modules.module import _has_any_global_hook

from ablations.subjects.attention.blocks.excitations import ACTIVATIONS, Bottleneck
from ablations.subjects.attention.blocks.gates import one_plus_tanh, two_sigmoid
from ablations.subjects.attention.blocks.layers import Linear
from ablations.subjects.attention.blocks.layout import is_channels_last

Gradients = tuple[Tensor | None, ...]
Backward = Callable[[Tensor, Tensor], Tensor]

SMALL = 2**16
"""On a map of so few numbers a function in Python costs more than the passes over the map that it saves."""


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
BACKWARDS: dict[Callable[[Tensor], Tensor], Backward] = {
    torch.sigmoid: sigmoid_backward,
    two_sigmoid: two_sigmoid_backward,
    one_plus_tanh: one_plus_tanh_backward,
}


def may_fuse(x_ncs: Tensor) -> bool:
    """Where a gradient is needed and it pays, and nothing else looks inside: no tracing, transform or autocast."""
    # The tracers first: they would take what a size decides for a rule about all inputs.
    return (
        torch.is_grad_enabled()
        and not torch.compiler.is_compiling()
        and not torch.jit.is_tracing()  # type: ignore[attr-defined,no-untyped-call]
        and type(x_ncs) in (Tensor, nn.Parameter)
        and not torch._C._are_functorch_transforms_active()  # torch.func: no public question is there
        and forward_ad._current_level < 0
        and not torch.is_autocast_enabled(x_ncs.device.type)
        and not x_ncs.is_meta
        and (x_ncs.numel() > SMALL or is_channels_last(x_ncs))
    )


def plain_parts(excite: nn.Module) -> tuple[Linear, Linear] | None:
    """Both layers of a bottleneck with ReLU whose parts are this project's own and are called by nobody else."""
    if type(excite) is not Bottleneck or excite.norm is not None:
        return None
    layers = excite.reduce, excite.expand
    # Adapters, quantised and parametrised layers are other types.
    if excite.act is not ACTIVATIONS["relu"] or any(type(layer) is not Linear for layer in layers):
        return None
    if _has_any_global_hook() or any(  # type: ignore[no-untyped-call]
        _is_watched(module) for module in (excite, *layers)
    ):
        return None
    return layers


def _is_watched(module: nn.Module) -> bool:
    """Whether a call of it is more than its own `forward`: a hook, as pruning and norms of weights use too."""
    return bool(
        module._forward_hooks
        or module._forward_pre_hooks
        or module._backward_hooks
        or module._backward_pre_hooks
        or "forward" in module.__dict__
    )


class FusedSqueezeExcite(torch.autograd.Function):
    """y = g x with g = gate(W2 relu(W1 mean(x) + b1) + b2)."""

    @staticmethod
    def forward(
        ctx: Any,
        x_ncs: Tensor,
        w1: Tensor,
        b1: Tensor | None,
        w2: Tensor,
        b2: Tensor | None,
        gate: Callable[[Tensor], Tensor],
        gate_backward: Backward,
    ) -> Tensor:
        """The gated map."""
        z_nc = x_ncs.mean(tuple(range(2, x_ncs.dim())))
        h_nh = F.linear(z_nc, w1, b1).relu_()
        g_nc = gate(F.linear(h_nh, w2, b2))
        ctx.save_for_backward(x_ncs, z_nc, h_nh, g_nc, w1, b1, w2, b2)
        ctx.gate, ctx.gate_backward = gate, gate_backward
        return x_ncs * _over_positions(g_nc, x_ncs)

    @staticmethod
    def backward(ctx: Any, d_ncs: Tensor) -> Gradients:
        """Gradients of the map, both weights and both biases."""
        x_ncs, z_nc, h_nh, g_nc, w1, b1, w2, b2 = ctx.saved_tensors
        if torch.is_grad_enabled():  # the gradients are to be differentiated again
            inputs = (x_ncs, w1, b1, w2, b2)
            return *_by_steps(inputs, ctx.gate, d_ncs, needed=ctx.needs_input_grad), None, None
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


def _by_steps(
    inputs: tuple[Tensor | None, ...],
    gate: Callable[[Tensor], Tensor],
    d_ncs: Tensor,
    *,
    needed: tuple[bool, ...],
) -> Gradients:
    """The gradients of the same numbers from torch's own operations, which can be differentiated again."""
    x_ncs, w1, b1, w2, b2 = inputs
    assert x_ncs is not None
    assert w1 is not None
    assert w2 is not None
    z_nc = x_ncs.mean(tuple(range(2, x_ncs.dim())))
    g_nc = gate(F.linear(F.linear(z_nc, w1, b1).relu(), w2, b2))
    y_ncs = x_ncs * _over_positions(g_nc, x_ncs)
    pairs = zip(inputs, needed, strict=False)
    wanted = [tensor for tensor, need in pairs if need and tensor is not None]
    found = iter(torch.autograd.grad(y_ncs, wanted, d_ncs, create_graph=True))
    return tuple(next(found) if need else None for _, need in zip(inputs, needed, strict=False))


def _over_positions(g_nc: Tensor, x_ncs: Tensor) -> Tensor:
    return g_nc.reshape(g_nc.shape + (1,) * (x_ncs.dim() - 2))


def _map_gradient(d_ncs: Tensor, g_nc: Tensor, dz_nc: Tensor, *, out: Tensor) -> Tensor:
    """The sum d g + dz, in memory that is there already: a new map costs page faults."""
    g_ncs, dz_ncs = _over_positions(g_nc, d_ncs), _over_positions(dz_nc, d_ncs)
    if is_channels_last(d_ncs):
        return torch.addcmul(dz_ncs, d_ncs, g_ncs, out=out)
    # With the positions last `addcmul` of such shapes is not vectorised and takes twice as long.
    return torch.mul(d_ncs, g_ncs, out=out).add_(dz_ncs)
