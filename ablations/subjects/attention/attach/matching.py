"""Which modules of a network are meant: by their names, or by their type."""

import difflib
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from torch import nn

from ablations.errors import SettingError
from ablations.import_path import is_import_path, load
from ablations.subjects.attention.attach.hooks import CHILD, attached_modules

One = str | type[nn.Module]
At = One | list[One] | tuple[One, ...]
"""A pattern of dotted names, a class, a class by its import path, or several of these."""
SHOWN = 3


def host_modules(network: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Every module under every name that it has, without the network itself and without attached attention."""
    ours = tuple(f"{name}.{CHILD}." for name in attached_modules(network))
    for name, module in network.named_modules(remove_duplicate=False):
        if name and not f"{name}.".startswith(ours):
            yield name, module


def matched(network: nn.Module, at: At) -> dict[str, nn.Module]:
    """Dotted name to module, in the network's order; a `Sequential` stands for its last child.

    Args:
        network: The host.
        at: Patterns as of `fnmatch`, where `*` spans dots too; a class takes its subclasses in.

    Raises:
        SettingError: If one matches nothing, a module lies inside another, or has two names.
    """
    several = list(at) if isinstance(at, list | tuple) else [at]
    if not several:
        raise SettingError("`at` must name a module, a pattern or a type, but is empty.")
    modules = dict(host_modules(network))
    names: set[str] = set()
    for one in several:
        names |= _found(one, modules)
    chosen = {name: module for name, module in modules.items() if name in names}
    _refuse_nested(list(chosen))
    _refuse_shared(chosen, modules)
    return chosen


def outlet(name: str, module: nn.Module, *, last: bool) -> tuple[str, nn.Module]:
    """The module that the data leaves a plain `Sequential` by, or enters it by.

    A further child would run as a step of the sequence, so its attention is that of its last (or first) child.

    Raises:
        SettingError: If it is empty.
    """
    while isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward:
        children = [child for child in module.named_children() if child[0] != CHILD]
        if not children:
            raise SettingError(
                f"`at` must match a module that does something, but {name!r} is empty."
            )
        key, module = children[-1 if last else 0]
        name = f"{name}.{key}"
    return name, module


def _found(one: One, modules: dict[str, nn.Module]) -> set[str]:
    wanted = load(one) if isinstance(one, str) and is_import_path(one) else one
    if isinstance(wanted, str):
        found = {name for name in modules if fnmatchcase(name, wanted)}
    elif isinstance(wanted, type) and issubclass(wanted, nn.Module):
        found = {name for name, module in modules.items() if isinstance(module, wanted)}
    else:
        raise SettingError(
            "`at` must be a pattern of names, a class of modules, its import path, or a list of these, but "
            f"got {one!r}."
        )
    if not found:
        raise SettingError(_nothing(wanted, modules))
    return found


def _nothing(wanted: str | type, modules: dict[str, nn.Module]) -> str:
    if isinstance(wanted, type):
        kinds = {type(module).__name__ for module in modules.values()}
        return f"`at` must match a module, but none is a {wanted.__name__}. There are: {_list(sorted(kinds), 12)}."
    near = difflib.get_close_matches(wanted, modules, n=SHOWN, cutoff=0.4) or list(modules)[:SHOWN]
    return (
        f"`at` must match a module, but {wanted!r} matches none of {len(modules)}. The nearest: "
        f"{_list([repr(name) for name in near], SHOWN)}."
    )


def _refuse_nested(names: list[str]) -> None:
    within = [(a, b) for a in names for b in names if b.startswith(f"{a}.")]
    if not within:
        return
    inside = {b for _, b in within}
    outer = [name for name in names if name not in inside]
    a, b = within[0]
    raise SettingError(
        f"`at` must not match a module and another inside it, but matches {a!r} and {b!r}. Name one of them; "
        f"the outer ones are at=[{_list([repr(name) for name in outer], 12)}]."
    )


def _refuse_shared(chosen: dict[str, nn.Module], modules: dict[str, nn.Module]) -> None:
    names: dict[int, list[str]] = {}
    for name, module in modules.items():
        names.setdefault(id(module), []).append(name)
    for module in chosen.values():
        several = names[id(module)]
        if len(several) > 1:
            raise SettingError(
                f"`at` must match modules of one place each, but {_list([repr(n) for n in several], SHOWN)} are "
                "one module. Make a module for each place, or match another."
            )


def _list(words: Sequence[str], most: int) -> str:
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more
