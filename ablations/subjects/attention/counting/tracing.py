"""One forward pass of a network without weights: shapes, multiply-adds and what autograd keeps.

Large networks pass on the meta device, without any numbers. There torch imports its compiler, which takes two
seconds; a pass of a small network through zeros takes some milliseconds.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ablations.errors import SettingError
from ablations.one_thread import one_thread
from ablations.subjects.attention.blocks.block import SqueezeExcite
from ablations.subjects.attention.networks.sites import Unit

BATCH = 2
"""The smallest that batch norm trains on; a shuffled gate needs another image, too."""
SMALL = 2**35
"""Parameters times positions of the input: no fewer than the multiply-adds of one image."""
WEIGHTED = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)


@dataclass(kw_only=True)
class Trace:
    """What one forward pass shows, for one image."""

    macs: dict[str, int] = field(default_factory=dict)
    """Layer -> multiply-adds."""
    maps: dict[str, torch.Size] = field(default_factory=dict)
    """Unit -> shape of the map that its attention sees, with the batch."""
    kept_bytes: int = 0
    """Of tensors that autograd keeps for the backward pass, parameters apart."""


def trace_network(
    network: nn.Module, shape: tuple[int, ...], *, has_own_parts: bool = False
) -> Trace:
    """Runs a network that was built on the meta device, in training; the network is of no use afterwards.

    Args:
        network: The host with its attention.
        shape: Of one image (C, H, W), or one sequence (C, L).
        has_own_parts: Whether modules of the user's are in it, which may keep tensors that are neither
            parameters nor buffers: these stay on the meta device, and so must all else.

    Raises:
        SettingError: If the network cannot take images of this size.
    """
    params = sum(parameter.numel() for parameter in network.parameters())
    if has_own_parts or params * math.prod(shape[1:]) > SMALL:
        with torch.device("meta"):
            return _trace(network, torch.empty(BATCH, *shape))
    # Dropout draws; nobody is to notice.
    with torch.device("cpu"), torch.random.fork_rng(devices=()), one_thread():
        _fill_with_zeros(network)
        return _trace(network, torch.zeros(BATCH, *shape))


def _fill_with_zeros(network: nn.Module) -> None:
    """Replace what lies on the meta device, without the compiler that `to_empty` imports."""
    for module in network.modules():
        for name, weight in list(module.named_parameters(recurse=False)):
            zeros = torch.zeros(weight.shape, dtype=weight.dtype)
            setattr(module, name, nn.Parameter(zeros, requires_grad=weight.requires_grad))
        for name, buffer in list(module.named_buffers(recurse=False)):
            setattr(module, name, torch.zeros(buffer.shape, dtype=buffer.dtype))


def _trace(network: nn.Module, x: Tensor) -> Trace:
    trace = Trace()
    for name, module in network.named_modules():
        if isinstance(module, WEIGHTED) or hasattr(module, "products"):
            module.register_forward_hook(_counter(trace, name))
        if isinstance(module, Unit) and module.attention is not None:
            module.attention.register_forward_pre_hook(_viewer(trace, name))
        if isinstance(module, SqueezeExcite):
            module.fused = False
        if isinstance(module, _BatchNorm):
            # Torch traces batch norm on the meta device in Python, op by op: half of all the time.
            module.forward = MethodType(_norm, module)  # type: ignore[method-assign]
    weights = {p.untyped_storage()._cdata for p in network.parameters()}
    kept: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in weights:
            kept[storage._cdata] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        _forward(network, x)
    trace.kept_bytes = sum(storage.nbytes() for storage in kept.values()) // BATCH
    return trace


class _KeepAsNorm(torch.autograd.Function):
    """Keeps what batch norm keeps: its input, and the mean and deviation of each channel."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight, torch.zeros_like(weight), torch.zeros_like(weight))
        return torch.zeros_like(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        raise NotImplementedError("a trace is never differentiated")


def _norm(module: _BatchNorm, x: Tensor) -> Tensor:
    normed: Tensor = _KeepAsNorm.apply(x, module.weight)  # type: ignore[no-untyped-call]
    return normed


def _forward(network: nn.Module, x: Tensor) -> None:
    try:
        network.train()(x)
    except SettingError:
        raise
    except (RuntimeError, ValueError) as error:
        size = "x".join(map(str, x.shape[2:]))
        raise SettingError(
            f"the network cannot take an image of {size}: {error}. Use a larger `image`."
        ) from None


def _counter(trace: Trace, name: str) -> Callable[..., None]:
    def count(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if isinstance(layer, WEIGHTED):
            # One for each output element and each weight that reaches it.
            found = output.numel() // BATCH * layer.weight[0].numel()
        else:
            found = layer.products(inputs[0].shape)  # type: ignore[operator]
        trace.macs[name] = trace.macs.get(name, 0) + found

    return count


def _viewer(trace: Trace, name: str) -> Callable[..., None]:
    def see(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        trace.maps[name] = inputs[0].shape

    return see
