"""How attention runs in a host: as a child of the module whose map it gates, called by a hook of that module.

The hooks hold no module: a copy of the host, or of a part of it, runs its own attention. Nothing is wrapped, so every
tensor of the host keeps its name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, fx, nn

from ablations.subjects.attention.attach.layouts import Layout
from ablations.subjects.attention.settings.choices import Placement

CHILD = "channel_attention"
"""The attention of a module is its child of this name."""


class Hook:
    """What all have in common."""

    @property
    def __name__(self) -> str:
        # TorchScript is alone in asking for it, when it compiles hooks, which it can only where they are functions.
        raise AttributeError(
            "torch.jit.script cannot compile the hook that runs attention. Export by `torch.export`, or trace by "
            "`torch.jit.trace`."
        )


@dataclass(frozen=True)
class AfterModule(Hook):
    """Gates what the module gives."""

    layout: Layout

    def __call__(self, module: nn.Module, args: Any, output: Tensor) -> Tensor:
        """The gated output."""
        return gated(module, output, self.layout)


@dataclass(frozen=True)
class BeforeModule(Hook):
    """Gates the first tensor that the module takes."""

    layout: Layout

    def __call__(self, module: nn.Module, args: Any, kwargs: dict[str, Any]) -> Any:
        """The arguments, with that one gated."""
        for number, x in enumerate(args):
            if isinstance(x, Tensor | fx.Proxy):
                return (*args[:number], gated(module, x, self.layout), *args[number + 1 :]), kwargs
        for name, x in kwargs.items():
            if isinstance(x, Tensor | fx.Proxy):
                return args, {**kwargs, name: gated(module, x, self.layout)}
        return args, kwargs


@dataclass(frozen=True)
class AroundUnit(Hook):
    """Gates the shortcut of a unit y = x + b(x): y + (gated(x) - x)."""

    layout: Layout

    def __call__(
        self, module: nn.Module, args: Any, kwargs: dict[str, Any], output: Tensor
    ) -> Tensor:
        """The sum with the gated shortcut."""
        x = first_tensor(args, kwargs)
        assert x is not None
        return output + (gated(module, x, self.layout) - x)


def gated(module: nn.Module, x: Tensor | fx.Proxy, layout: Layout) -> Tensor:
    """The map after the module's attention, in its own layout.

    Raises:
        TypeError: If the network is being traced by torch.fx.
    """
    if isinstance(x, fx.Proxy):
        raise TypeError(
            "torch.fx records no hooks, so a traced network would lose its attention. Trace by `torch.export`, or "
            "take the attention out first (`detach`)."
        )
    attention = getattr(module, CHILD)
    if layout == "channels_first":
        first: Tensor = attention(x)
        return first
    last: Tensor = attention(x.movedim(-1, 1)).movedim(1, -1)
    return last


def install(
    module: nn.Module, attention: nn.Module, *, placement: Placement, layout: Layout
) -> None:
    """Give the module its attention."""
    module.add_module(CHILD, attention)
    if placement == "pre":
        module.register_forward_pre_hook(BeforeModule(layout), with_kwargs=True)
    elif placement == "identity":
        module.register_forward_hook(AroundUnit(layout), with_kwargs=True)
    else:
        module.register_forward_hook(AfterModule(layout))


def uninstall(module: nn.Module) -> None:
    """Take the module's attention and its hook away."""
    # By what they are and not by handles: a copy of the network has the hooks, but nobody has handles of them.
    for hooks, with_kwargs in (
        (module._forward_hooks, module._forward_hooks_with_kwargs),
        (module._forward_pre_hooks, module._forward_pre_hooks_with_kwargs),
    ):
        for key in [key for key, hook in hooks.items() if isinstance(hook, Hook)]:
            del hooks[key]
            with_kwargs.pop(key, None)
    delattr(module, CHILD)


def is_attached(module: nn.Module) -> bool:
    """Whether the module runs an attention of its own."""
    hooks = (*module._forward_hooks.values(), *module._forward_pre_hooks.values())
    return any(isinstance(hook, Hook) for hook in hooks)


def attached_modules(network: nn.Module) -> dict[str, nn.Module]:
    """Dotted name to module, of those that run an attention of their own."""
    return {name: module for name, module in network.named_modules() if is_attached(module)}


def first_tensor(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor | None:
    """The first argument that is a tensor, those by position before those by name."""
    return next((x for x in (*args, *kwargs.values()) if isinstance(x, Tensor)), None)
