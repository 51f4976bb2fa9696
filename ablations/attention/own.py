"""A user's own choice, named by its import path `package.module:name`."""

import importlib
import inspect
import sys
from collections.abc import Callable
from typing import Any

from torch import nn

from ablations.errors import SettingError


def load(path: str) -> Any:
    """The object that the path names.

    Raises:
        SettingError: If the module cannot be imported or has no such name.
    """
    module_name, _, name = path.partition(":")
    if "" not in sys.path:
        # `ablate` is a script: the user's own folder is not on the path as it is for `python -m`.
        sys.path.insert(0, "")
    try:
        found: Any = importlib.import_module(module_name)
    except ImportError as error:
        raise SettingError(
            f"{path!r} cannot be imported: {error}. Check the spelling, and that the package is "
            "installed or lies in the current folder."
        ) from None
    for part in name.split("."):
        if not hasattr(found, part):
            raise SettingError(f"{path!r}: module {module_name!r} has no {name!r}.")
        found = getattr(found, part)
    return found


def load_function(path: str, *, channels: int) -> Callable[..., Any]:
    """The function that the path names; of a class of modules, an instance made with `channels`."""
    found = load(path)
    if inspect.isclass(found) and issubclass(found, nn.Module):
        found = found(channels)
    if not callable(found):
        raise SettingError(f"{path!r} must be a function or an `nn.Module`, but is {found!r}.")
    function: Callable[..., Any] = found
    return function
