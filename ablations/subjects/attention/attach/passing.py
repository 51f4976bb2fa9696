"""One pass of an example through a network that leaves the network, and every random state, as it was."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from ablations.errors import SettingError
from ablations.failures import words_of

Forward = Callable[[nn.Module, Any], Any]
"""How an example passes through a network."""
WRAPPERS = ("DistributedDataParallel", "FullyShardedDataParallel", "DataParallel")


def call(network: nn.Module, example: Any) -> Any:
    """The network's output: a mapping goes in as keywords, a tuple or list as arguments, where `forward` takes them so.

    Raises:
        SettingError: If a tuple or list is not what `forward` takes.
    """
    if isinstance(example, Mapping):
        return network(**example) if _takes(network, keywords=example) else network(example)
    if not isinstance(example, tuple | list):
        return network(example)
    if _takes(network, *example):
        return network(*example)
    raise SettingError(
        f"the example must be what `forward` takes, but it has {len(example)} parts, and "
        f"`{type(network).__name__}.forward` takes {inspect.signature(network.forward)}. Pass the part that it takes, "
        "or say how it passes: `forward=lambda network, example: network(example[0])`."
    )


def run(network: nn.Module, example: Any, forward: Forward) -> None:
    """Pass the example, in evaluation mode and without gradients.

    Raises:
        SettingError: If that fails, with the host's own words.
    """
    try:
        with undisturbed(network):
            forward(network, example)
    except SettingError:
        raise
    except Exception as error:
        raise SettingError(
            f"the example must pass through the network, but that fails: {words_of(error)}. The example is "
            f"{described(example)}."
        ) from error


@contextmanager
def undisturbed(network: nn.Module) -> Iterator[None]:
    """Evaluation without gradients inside; afterwards modes, buffers and random states are as before."""
    modes = [(module, module.training) for module in network.modules()]
    buffers = [
        (module, name, buffer, buffer.clone(), buffer._version)
        for module in network.modules()
        for name, buffer in module.named_buffers(recurse=False)
    ]
    gpus = {p.device.index or 0 for p in network.parameters() if p.device.type == "cuda"}
    with ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng(devices=sorted(gpus)))
        stack.enter_context(torch.no_grad())
        try:
            for module, _ in modes:
                # Not `eval()`, which hosts override to keep parts of them frozen.
                module.training = False
            yield
        finally:
            for module, was in modes:
                module.training = was
            for module, name, buffer, before, version in buffers:
                setattr(module, name, buffer)
                if buffer._version != version:
                    buffer.copy_(before)


def refuse_unready(network: nn.Module) -> None:
    """Refuse a network whose modules are not yet, or no longer, what will be trained.

    Raises:
        SettingError: With what to do first.
    """
    for name, module in network.named_modules():
        at = f"`{name}`" if name else "the network"
        # A compiled network does not look for hooks that come later, and a wrapper has listed its parameters.
        if hasattr(module, "_orig_mod") or module._compiled_call_impl is not None:
            raise SettingError(
                f"attention must be attached before compiling, but {at} is compiled."
            )
        if isinstance(module, torch.jit.ScriptModule):
            raise SettingError(
                f"attention runs by a forward hook, which TorchScript does not know, but {at} is a ScriptModule. "
                "Attach to the module that it was made of."
            )
        if any(base.__name__ in WRAPPERS for base in type(module).__mro__):
            raise SettingError(
                f"attention must be attached before wrapping, but {at} is a {type(module).__name__}, which has "
                "listed the parameters already."
            )
    lazy = [name for name, parameter in network.named_parameters() if is_lazy(parameter)]
    if lazy:
        raise SettingError(
            f"the network must have its shapes, but `{lazy[0]}` is lazy: pass a batch through it first."
        )


def described(value: Any) -> str:
    """What something is, tensors by their shapes."""
    if isinstance(value, Tensor):
        return str(tuple(value.shape))
    if isinstance(value, Mapping):
        return f"a {type(value).__name__} of " + ", ".join(
            f"{key}: {described(found)}" for key, found in value.items()
        )
    if isinstance(value, tuple | list):
        return f"a {type(value).__name__} of {len(value)}: " + ", ".join(map(described, value))
    return f"a {type(value).__name__}"


def tensors(value: Any) -> Iterator[Tensor]:
    """Every tensor in a nested tuple, list or mapping."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for found in value.values():
            yield from tensors(found)
    elif isinstance(value, tuple | list):
        for found in value:
            yield from tensors(found)


def _takes(network: nn.Module, *arguments: Any, keywords: Mapping[str, Any] | None = None) -> bool:
    try:
        inspect.signature(network.forward).bind(*arguments, **(keywords or {}))
    except TypeError:
        return False
    return True
