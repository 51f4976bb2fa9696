"""The config of a function: the tree of an arm's settings, or an object of the class that its hint names."""

import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Any

from ablations.subjects.signatures import maker
from ablations.subjects.values import flat


def config_of(found: Callable[..., Any], config: dict[str, Any]) -> Any:
    """The config as the function wants it: an object of the class that its hint names, or the tree as it is."""
    kind = class_of_config(found)
    return config if kind is None else maker(kind, flat(config), at="")()


def class_of_config(found: Callable[..., Any]) -> Any:
    """The class that the function's hint names for its config; None where that is any mapping."""
    first = next(iter(inspect.signature(found).parameters))
    try:
        hint = typing.get_type_hints(found).get(first)
    except NameError:  # a hint may name what is imported for the type checker only
        return None
    if not inspect.isclass(hint) or hint in (object, Any):  # `Any` is a class since Python 3.11
        return None
    return None if issubclass(hint, Mapping | str | int | float) else hint
