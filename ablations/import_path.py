"""What a user names by its import path, `package.module:name`: a space, a data set, a part of attention."""

import importlib
import re
import sys
from types import ModuleType
from typing import Any

from ablations.errors import SettingError

IMPORT_PATH = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
"""A user's own choice: `package.module:name`."""


def is_import_path(value: str) -> bool:
    """Whether it names a user's own choice, `package.module:name`."""
    return IMPORT_PATH.fullmatch(value) is not None


def load(path: str) -> Any:
    """The object that the path names.

    Raises:
        SettingError: If the module cannot be imported or has no such name.
    """
    module_name, _, name = path.partition(":")
    found: Any = load_module(module_name, named=path)
    for part in name.split("."):
        if not hasattr(found, part):
            raise SettingError(f"{path!r}: module {module_name!r} has no {name!r}.")
        found = getattr(found, part)
    return found


def load_module(module: str, *, named: str) -> ModuleType:
    """The module of that name, from the current folder too.

    Args:
        module: Dotted.
        named: The whole path that the user gave.

    Raises:
        SettingError: If it cannot be imported.
    """
    if "" not in sys.path:
        # `ablate` is a script: the user's own folder is not on the path as it is for `python -m`.
        sys.path.insert(0, "")
    try:
        return importlib.import_module(module)
    except SettingError:
        raise
    except ImportError as error:
        raise SettingError(
            f"{named!r} cannot be imported: {error}. Check the spelling, and that the package is "
            "installed or lies in the current folder."
        ) from None
    except Exception as error:
        raise SettingError(
            f"{named!r} cannot be imported, because {module!r} fails: {words_of(error)}. "
            "Mend the module."
        ) from error


def words_of(error: Exception) -> str:
    """An error's type and message, without the full stop."""
    return f"{type(error).__name__}: {error}".rstrip(".")
