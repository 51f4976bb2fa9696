"""How attention runs in a host: as a child of the module whose map it gates, called by a hook of that module.

The hooks hold no module: a copy of the host, or of a part of it, runs its own attention. Nothing is wrapped, so every
tensor of the host keeps its name.
"""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor, fx, nn

from ablations.errors import SettingError
from ablations.subjects.attention.attach.layouts import Layout
from ablations.subjects.attention.settings.choices import Placement

CHILD = "channel_attention"
"""The attention of a module is its child of this name."""


@dataclass(frozen=True)
class Mask:
    """The argument of a module that says which positions of its map count: True there, (N, ...)."""

    name: str
    place: int | None
    """Among the arguments by position; None where it can be given by name only."""

    @classmethod
    def of(cls, module: nn.Module, name: str) -> Self:
        """Where the module takes the argument.

        Raises:
            SettingError: If it does not.
        """
        takes = inspect.signature(module.forward).parameters
        if name not in takes:
            raise SettingError(
                f"`mask` must name an argument of each module that `at` matches, but `{type(module).__name__}.forward` "
                f"takes {', '.join(takes) or 'nothing'} and no {name!r}. Match a module that is given the mask."
            )
        by_name = takes[name].kind is inspect.Parameter.KEYWORD_ONLY
        return cls(name, None if by_name else list(takes).index(name))

    def given(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor | None:
        """The mask of this call; None where it was called without one."""
        if self.name in kwargs or self.place is None:
            found: Tensor | None = kwargs.get(self.name)
            return found
        return args[self.place] if self.place < len(args) else None


@dataclass(frozen=True)
class Hook:
    """What all have in common."""

    layout: Layout
    mask: Mask | None = None

    @property
    def __name__(self) -> str:
        # TorchScript is alone in asking for it, when it compiles hooks, which it can only where they are functions.
        raise AttributeError(
            "torch.jit.script cannot compile the hook that runs attention. Export by `torch.export`, or trace by "
            "`torch.jit.trace`."
        )

    def gated(self, module: nn.Module, x: Tensor | fx.Proxy, args: Any, kwargs: Any) -> Tensor:
        """The map after the module's attention, in its own layout.

        Raises:
            TypeError: If the network is being traced by torch.fx.
            SettingError: If the mask of the call is none of this map.
        """
        if isinstance(x, fx.Proxy):
            raise TypeError(
                "torch.fx records no hooks, so a traced network would lose its attention. Trace by `torch.export`, or "
                "take the attention out first (`detach`)."
            )
        attention = getattr(module, CHILD)
        mask = None if self.mask is None else self.mask.given(args, kwargs)
        first = x if self.layout == "channels_first" else x.movedim(-1, 1)
        if mask is None:
            y: Tensor = attention(first)
        else:
            _check_mask(mask, first)
            y = attention(first, mask)
        return y if self.layout == "channels_first" else y.movedim(1, -1)


class AfterModule(Hook):
    """Gates what the module gives."""

    def __call__(
        self, module: nn.Module, args: Any, kwargs: dict[str, Any], output: Tensor
    ) -> Tensor:
        """The gated output."""
        return self.gated(module, output, args, kwargs)


class BeforeModule(Hook):
    """Gates the first tensor that the module takes."""

    def __call__(self, module: nn.Module, args: Any, kwargs: dict[str, Any]) -> Any:
        """The arguments, with that one gated."""
        for number, x in enumerate(args):
            if isinstance(x, Tensor | fx.Proxy):
                return (
                    *args[:number],
                    self.gated(module, x, args, kwargs),
                    *args[number + 1 :],
                ), kwargs
        for name, x in kwargs.items():
            if isinstance(x, Tensor | fx.Proxy):
                return args, {**kwargs, name: self.gated(module, x, args, kwargs)}
        return args, kwargs


class AroundUnit(Hook):
    """Gates the shortcut of a unit y = x + b(x): y + (gated(x) - x)."""

    def __call__(
        self, module: nn.Module, args: Any, kwargs: dict[str, Any], output: Tensor
    ) -> Tensor:
        """The sum with the gated shortcut."""
        x = first_tensor(args, kwargs)
        assert x is not None
        return output + (self.gated(module, x, args, kwargs) - x)


def install(
    module: nn.Module,
    attention: nn.Module,
    *,
    placement: Placement,
    layout: Layout,
    mask: Mask | None = None,
) -> None:
    """Give the module its attention."""
    module.add_module(CHILD, attention)
    if placement == "pre":
        module.register_forward_pre_hook(BeforeModule(layout, mask), with_kwargs=True)
    elif placement == "identity":
        module.register_forward_hook(AroundUnit(layout, mask), with_kwargs=True)
    else:
        module.register_forward_hook(AfterModule(layout, mask), with_kwargs=True)


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


def _check_mask(mask: Tensor, first_ncs: Tensor) -> None:
    positions = (first_ncs.shape[0], *first_ncs.shape[2:])
    if mask.dtype != torch.bool or mask.shape != positions:
        raise SettingError(
            f"a mask must be of type bool and shape {positions}, True at the positions that count, but is of type "
            f"{mask.dtype} and shape {tuple(mask.shape)}."
        )
