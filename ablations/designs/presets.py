"""The presets by name, and what each one asks, read from its file: to build one imports all that its program needs."""

import ast
import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.abc import InspectLoader
from importlib.util import find_spec

PRESETS = "search_spaces"
"""The package whose modules are the presets. Looked up by name, as a user's own space would be."""


@dataclass(frozen=True)
class Described:
    """A preset in a line."""

    name: str
    question: str
    factors: tuple[str, ...]


def preset_names() -> list[str]:
    """The presets' names; those of a folder begin with its own: `senet/table10`."""
    path = importlib.import_module(PRESETS).__path__
    found = list(pkgutil.walk_packages(path, prefix=f"{PRESETS}."))
    modules = [one.name.removeprefix(f"{PRESETS}.") for one in found if not one.ispkg]
    return sorted((name.replace(".", "/") for name in modules), key=lambda n: ("/" in n, n))


def preset_module(name: str) -> str:
    """The module in which the preset's `space` is made."""
    return f"{PRESETS}.{name.replace('/', '.')}"


def described() -> Iterator[Described]:
    """Every preset; its question and the names of its factors must be literals in its file."""
    for name in preset_names():
        words = _words(_made(_source(preset_module(name))))
        factors = [_words(factor)["name"] for factor in words["factors"].elts]  # type: ignore[attr-defined]
        yield Described(name, _text(words["question"]), tuple(map(_text, factors)))


def _source(module: str) -> str:
    found = find_spec(module)
    assert found is not None
    assert isinstance(found.loader, InspectLoader)
    return found.loader.get_source(module) or ""


def _made(source: str) -> ast.expr:
    """What the module calls `space`."""
    return next(
        line.value
        for line in ast.parse(source).body
        if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "space"
    )


def _words(call: ast.expr) -> Mapping[str, ast.expr]:
    assert isinstance(call, ast.Call)
    return {word.arg: word.value for word in call.keywords if word.arg}


def _text(value: ast.expr) -> str:
    return str(ast.literal_eval(value))
