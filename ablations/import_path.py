"""What a user names by its import path, `package.module:name`: a space, a data set, a part of attention."""

import importlib
import re
import sys
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from ablations.errors import MissingHere, SettingError
from ablations.failures import own_line, words_of

STUDY = ("study.json", "plan.jsonl")
"""The files by which a study's folder is known."""
IMPORT_PATH = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
"""A user's own choice: `package.module:name`."""


def is_import_path(value: str) -> bool:
    """Whether it names a user's own choice, `package.module:name`."""
    return IMPORT_PATH.fullmatch(value) is not None


def import_paths(value: Any) -> Iterator[str]:
    """The import paths among plain values, at any depth."""
    if isinstance(value, str):
        if is_import_path(value):
            yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from import_paths(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from import_paths(part)


def load(path: str) -> Any:
    """The object that the path names.

    Raises:
        SettingError: If the module cannot be imported or has no such name.
    """
    if not is_import_path(path):
        raise SettingError(f"an import path must be `package.module:name`, but got {path!r}.")
    module_name, _, name = path.partition(":")
    found: Any = load_module(module_name, named=path)
    for part in name.split("."):
        if not hasattr(found, part):
            near = get_close_matches(
                part, [one for one in dir(found) if not one.startswith("_")], n=1
            )
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise SettingError(f"{path!r}: module {module_name!r} has no {name!r}.{hint}")
        found = getattr(found, part)
    return found


def load_module(module: str, *, named: str) -> ModuleType:
    """The module of that name, from the current folder too: after whatever is installed.

    A module that lies in a study's folder is never imported.

    Args:
        module: Dotted.
        named: The whole path that the user gave.

    Raises:
        SettingError: If it cannot be imported.
    """
    if module == "__main__":
        raise SettingError(
            f"{named!r} lies in the program or notebook that runs now, which the processes that train cannot import. "
            f"Put it in a file of its own beside it, `mine.py` say, and name it `mine{named.removeprefix(module)}`."
        )
    find_own_modules()
    around = [study for place in _places_of(module) if (study := _study_around(place))]
    if around:
        raise SettingError(
            f"{named!r} lies in the folder of a study ({around[0]}), from which nothing is imported: what a study "
            "holds is data. Put a copy of the module beside your own."
        )
    try:
        return importlib.import_module(module)
    except SettingError:
        raise
    except ImportError as error:
        raise MissingHere(
            f"{named!r} cannot be imported: {error}{own_line(error)}. Check the spelling, and that the package is "
            "installed or lies in the current folder."
        ) from None
    except (Exception, SystemExit) as error:  # a script that parses a command line of its own exits
        raise SettingError(
            f"{named!r} cannot be imported, because {module!r} fails: {words_of(error)}. "
            "Mend the module."
        ) from error


def find_own_modules() -> None:
    """Let modules of the current folder be found, after those that are installed.

    Otherwise a `torch.py` beside a study would be run in torch's place. A study's own folder is left out.
    """
    # `ablate` is a script: the user's own folder is not on the path as it is for `python -m`.
    if "" not in sys.path and _study_around(Path.cwd()) is None:
        sys.path.append("")


def place_of(module: str) -> Path | None:
    """The file or folder that a dotted module would be imported from, found without importing anything."""
    found = _places_of(module)
    return found[-1] if len(found) == len(module.split(".")) else None


def _places_of(module: str) -> list[Path]:
    """Where its packages and itself lie, as far as they are found."""
    inside: list[str] | None = None
    found: list[Path] = []
    for part in module.split("."):
        # By its last name: the folders of a package without a file are those of a module that is imported.
        spec = PathFinder.find_spec(part, inside)
        if spec is None:
            break
        inside = list(spec.submodule_search_locations or ())
        found.append(Path(spec.origin or next(iter(inside), "")).absolute())
        if not inside:
            break
    return found


def _study_around(path: Path) -> Path | None:
    """The folder of a study that holds the path, if one does."""
    around = (path, *path.parents)
    return next((one for one in around if all((one / name).is_file() for name in STUDY)), None)
