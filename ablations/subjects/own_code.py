"""The source files of the user's own that a module is made of: itself, and what it imports from its project."""

import ast
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from ablations.installed import is_installed

MOST_FILES = 2000
"""A project with more modules than that is followed no further."""


def own_files(module: ModuleType) -> list[Path]:
    """The module's file and those that it imports, directly or not, that are no installed package's.

    Found by reading the imports, so a file that is imported by a computed name is not among them.
    """
    found: dict[str, Path] = {}
    waiting = [module.__name__]
    while waiting and len(found) < MOST_FILES:
        name = waiting.pop()
        path = _file(name)
        if name in found or path is None or is_installed(path):
            continue
        found[name] = path
        waiting += sorted(_imported(path, name) - found.keys())
    return sorted(found.values())


def _file(name: str) -> Path | None:
    loaded = sys.modules.get(name)
    place = getattr(loaded, "__file__", None)
    if place is None:
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError, AttributeError):
            return None
        place = spec.origin if spec is not None else None
    path = Path(place) if place else None
    return path if path is not None and path.suffix == ".py" and path.is_file() else None


def _imported(path: Path, name: str) -> set[str]:
    """The modules that a file imports, and the packages that they lie in."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError):
        return set()
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*(above if node.level else []), *filter(None, [node.module])])
            found |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return {one for whole in found for one in _and_above(whole)} - {""}


def _and_above(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts) + 1)]
