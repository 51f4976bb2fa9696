"""One forward pass on the meta device: shapes, multiply-adds and what autograd keeps, without any numbers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ablations.errors import SettingError
from ablations.networks.sites import Unit

BATCH = 2
"""The smallest that batch norm trains on; a shuffled gate needs another image, too."""
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


def trace_network(network: nn.Module, x: Tensor) -> Trace:
    """Runs a network that is on the meta device, in training; the network is of no use afterwards.

    Args:
        network: The host with its attention.
        x: A batch of `BATCH` images.

    Raises:
        SettingError: If the network cannot take images of this size.
    """
    trace = Trace()
    for name, module in network.named_modules():
        if isinstance(module, WEIGHTED) or hasattr(module, "products"):
            module.register_forward_hook(_counter(trace, name))
        if isinstance(module, Unit) and module.attention is not None:
            module.attention.register_forward_pre_hook(_viewer(trace, name))
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
        ctx.save_for_backward(x, weight, torch.empty_like(weight), torch.empty_like(weight))
        return torch.empty_like(x)

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
