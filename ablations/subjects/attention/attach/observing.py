"""What each module does while one example passes: how often it is called, what it takes, what it gives."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from ablations.subjects.attention.attach.hooks import first_tensor
from ablations.subjects.attention.attach.layouts import Evidence, evidence, shows_layout
from ablations.subjects.attention.attach.passing import Forward, run, tensors
from ablations.subjects.attention.attach.residual import Frame, Watch


@dataclass(kw_only=True)
class Seen:
    """One call of a module."""

    took: Tensor | None
    """The first tensor among its arguments."""
    frame: Frame
    start: int
    """Evidence of layouts before the call."""
    version: int
    gave: Any = None
    end: int = 0
    lowest: tuple[float, float] = (0.0, 0.0)
    """The smallest number in what it took, and in what it gave."""
    untouched: bool = True
    """Whether the call changed nothing of what it took in place."""


@dataclass(kw_only=True)
class Observation:
    """What one pass showed."""

    calls: Counter[str] = field(default_factory=Counter)
    seen: dict[str, Seen] = field(default_factory=dict)
    """By name, of the modules that were watched; of several calls the last."""
    layouts: list[Evidence] = field(default_factory=list)


def observe(
    network: nn.Module, watched: Mapping[str, nn.Module], example: Any, forward: Forward
) -> Observation:
    """One pass of the example.

    Raises:
        SettingError: If it does not pass.
    """
    found = Observation()
    with Watch() as watch, _hooks(network, watched, found, watch):
        run(network, example, forward)
    return found


def count_calls(network: nn.Module, example: Any, forward: Forward) -> Counter[str]:
    """How often each module runs while the example passes.

    Raises:
        SettingError: If it does not pass.
    """
    calls: Counter[str] = Counter()
    handles = [
        module.register_forward_hook(lambda *_, name=name: calls.update([name]))
        for name, module in network.named_modules()
        if name
    ]
    try:
        run(network, example, forward)
    finally:
        for handle in handles:
            handle.remove()
    return calls


@contextmanager
def _hooks(
    network: nn.Module, watched: Mapping[str, nn.Module], found: Observation, watch: Watch
) -> Iterator[None]:
    handles: list[RemovableHandle] = []
    for name, module in network.named_modules():
        layer = shows_layout(module)
        opens = name in watched
        parent = name.rpartition(".")[0]
        parent = parent if parent in watched else ""

        def enter(
            module: nn.Module,
            args: Any,
            kwargs: Any,
            name: str = name,
            opens: bool = opens,
            layer: bool = layer,
        ) -> None:
            inputs = list(tensors((args, kwargs)))
            if opens:
                first = first_tensor(args, kwargs)
                frame = Frame(x for x in inputs if x.is_floating_point())
                watch.open.append(frame)
                found.seen[name] = Seen(
                    took=first,
                    frame=frame,
                    start=len(found.layouts),
                    version=-1 if first is None else first._version,
                    lowest=(_lowest(first), 0.0),
                )
            if layer and inputs:
                _add(found.layouts, evidence(module, inputs[0], gave=False))

        def leave(
            module: nn.Module,
            args: Any,
            kwargs: Any,
            gave: Any,
            name: str = name,
            opens: bool = opens,
            layer: bool = layer,
            parent: str = parent,
        ) -> None:
            found.calls[name] += 1
            if layer and isinstance(gave, Tensor):
                _add(found.layouts, evidence(module, gave, gave=True))
            if opens:
                seen = found.seen[name]
                watch.open.remove(seen.frame)
                seen.gave, seen.end = gave, len(found.layouts)
                seen.lowest = (seen.lowest[0], _lowest(gave))
                seen.untouched = seen.took is None or seen.took._version == seen.version
            if parent in found.seen:
                found.seen[parent].frame.sees_child(tensors((args, kwargs)), gave)

        handles.append(module.register_forward_pre_hook(enter, with_kwargs=True))
        handles.append(module.register_forward_hook(leave, with_kwargs=True))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _add(layouts: list[Evidence], found: Evidence | None) -> None:
    if found is not None:
        layouts.append(found)


def _lowest(x: Any) -> float:
    if not isinstance(x, Tensor) or not x.is_floating_point() or x.is_meta or not x.numel():
        return 0.0
    return float(x.min())
