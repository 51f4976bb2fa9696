"""What two arms call the same tensor: names that do not move when something is put in or left out beside it."""

from collections import Counter
from collections.abc import Iterator

from torch import Tensor, nn
from torch.nn.utils.parametrize import type_before_parametrizations


def named_tensors(module: nn.Module) -> dict[str, Tensor]:
    """Every parameter, buffer and other tensor attribute of the module by its canonical name.

    A child of an `nn.Sequential` whose name is its position is named by its type and how many of that
    type stand before it: without the batch norm the head of an MLP is not `net.4` but `net.3`, while it
    is `net.Linear#1` either way. A tensor under a parametrisation keeps the name that it has without.
    A tensor with two names has the first.
    """
    found: dict[str, Tensor] = {}
    seen: set[int] = set()
    for name, tensor in _walk(module, "", set()):
        if id(tensor) not in seen:
            seen.add(id(tensor))
            found.setdefault(name, tensor)
    return found


def _walk(module: nn.Module, prefix: str, visited: set[int]) -> Iterator[tuple[str, Tensor]]:
    if id(module) in visited:
        return
    visited.add(id(module))
    own = {**module._parameters, **module._buffers}
    others = {name: value for name, value in vars(module).items() if isinstance(value, Tensor)}
    for name, tensor in {**own, **others}.items():
        if tensor is not None:
            yield prefix + name, tensor
    for name, child in _children(module):
        yield from _walk(child, f"{prefix}{name}.", visited)
    chains = module._modules.get("parametrizations")
    for name, chain in () if chains is None else chains.named_children():
        for part, tensor in {**chain._parameters, **chain._buffers}.items():
            if tensor is not None:
                yield prefix + (name if part == "original" else f"{name}.{part}"), tensor
        for part, child in chain.named_children():
            yield from _walk(child, f"{prefix}{name}.{part}.", visited)


def _children(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    counts = Counter[str]()
    for name, child in module._modules.items():
        if child is None or name == "parametrizations":
            continue
        if isinstance(module, nn.Sequential) and name.isdecimal():
            kind = type_before_parametrizations(child).__name__
            yield f"{kind}#{counts[kind]}", child
            counts[kind] += 1
        else:
            yield name, child
