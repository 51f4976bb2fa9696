"""Finding a space by what a user types: a preset's name, a YAML or Python file, or an import path."""

import importlib
import importlib.util
import pkgutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ablations.designs.space import Space, said_of, subject_of, with_program
from ablations.errors import SettingError, one_of
from ablations.failures import words_of
from ablations.import_path import load_module
from ablations.subjects.values import plain
from plain_files.yaml_file import FileError, read_yaml

PRESETS = "search_spaces"
"""The package whose modules are the presets. Looked up by name, as a user's own space would be."""


def presets() -> dict[str, Space]:
    """Name -> space, of every preset."""
    return {name: _from_module(_module(name), "space") for name in _names()}


def load_space(text: str, values: Mapping[str, Any] | None = None) -> Space:
    """The space that `text` names.

    What its baseline does not say is what the subject has for the rest of it (`Subject.complete`).

    Args:
        text: A preset (`reduction`, `senet/table10`), a file (`my_space.yaml`, `my_space.py` with a `space` in it), or
            an import path (`my_pkg.spaces:mine`).
        values: Dotted settings of the baseline to replace, for example `{"training.epochs": 3}`.

    Raises:
        SettingError: If there is no such space, or it is not a legal one.
    """
    content = with_program(_content(text))
    said, given = said_of(content.get("baseline", {})), values or {}
    if said is not None:
        # What the space says itself tells what kind of value a setting has that no signature lists.
        guessed = {name: plain(x) if isinstance(x, str) else x for name, x in given.items()}
        about = subject_of(content, {**guessed, **said})
        content["baseline"] = about.baseline(said, about.typed(given))
        content["said"] = tuple(dict.fromkeys([*said, *given]))
    return Space(**content)


def _content(text: str) -> dict[str, Any]:
    """The fields of a `Space`."""
    if ":" in text:
        module, _, name = text.partition(":")
        return _fields(_from_module(module, name))
    if text.endswith((".yaml", ".yml")):
        return _from_yaml(_existing(text))
    if text.endswith(".py"):
        return _fields(_from_file(_existing(text)))
    names = _names()
    if text not in names:
        raise SettingError(
            one_of("space", text, names)
            + " A space of your own is a .yaml or .py file, or `package.module:name`."
        )
    return _fields(_from_module(_module(text), "space"))


def _names() -> list[str]:
    """The presets' names; those of a folder begin with its own: `senet/table10`."""
    path = importlib.import_module(PRESETS).__path__
    found = list(pkgutil.walk_packages(path, prefix=f"{PRESETS}."))
    modules = [one.name.removeprefix(f"{PRESETS}.") for one in found if not one.ispkg]
    return sorted((name.replace(".", "/") for name in modules), key=lambda n: ("/" in n, n))


def _module(name: str) -> str:
    return f"{PRESETS}.{name.replace('/', '.')}"


def _fields(space: Space) -> dict[str, Any]:
    said = {name: space.baseline[name] for name in space.said}
    return {**space.model_dump(), "baseline": said}


def _existing(text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        raise SettingError(f"the space's file must exist, but there is no {text!r}.")
    return path


def _from_yaml(path: Path) -> dict[str, Any]:
    try:
        content = read_yaml(path)
    except FileError as error:
        raise SettingError(str(error)) from None
    if not isinstance(content, dict):
        raise SettingError(
            f"{str(path)!r} must hold a mapping with `factors` and perhaps `baseline`, `controls`, "
            f"`seeds`, but holds {content!r:.60}."
        )
    return {"name": path.stem, **{str(key): value for key, value in content.items()}}


def _from_file(path: Path) -> Space:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except SettingError:
        raise
    except (Exception, SystemExit) as error:
        raise SettingError(f"{str(path)!r} fails: {words_of(error)}. Mend the file.") from error
    return _space_in(vars(module), "space", where=str(path))


def _from_module(module: str, name: str) -> Space:
    found = load_module(module, named=f"{module}:{name}")
    return _space_in(vars(found), name, where=module)


def _space_in(names: dict[str, Any], name: str, *, where: str) -> Space:
    found = names.get(name)
    if not isinstance(found, Space):
        spaces = [key for key, value in names.items() if isinstance(value, Space)]
        raise SettingError(
            f"{where!r} must define a `Space` named `{name}`, but defines {spaces or 'none'}."
        )
    return found
