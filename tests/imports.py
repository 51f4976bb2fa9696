"""What imports what in the project, read from the files; nothing is imported."""

import ast
from collections import defaultdict
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("ablations", "analysis", "plain_files", "search_spaces")


def files(package: str) -> list[Path]:
    """The Python files below a folder of the project."""
    return sorted((ROOT / package).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Every module that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= names & modules().keys() or {str(node.module)}
    return found


@cache
def modules() -> dict[str, Path]:
    """Dotted name -> file, of the project's own modules."""
    return {_name(path): path for package in PACKAGES for path in files(package)}


@cache
def graph() -> dict[str, set[str]]:
    """Module -> the project's modules that it imports."""
    return {name: imported(path) & modules().keys() for name, path in modules().items()}


def folder(module: str) -> str:
    """The dotted name of the folder that a module lies in."""
    return ".".join(modules()[module].relative_to(ROOT).parent.parts)


@cache
def folders() -> dict[str, set[str]]:
    """Folder -> the other folders that its own files import from."""
    found: dict[str, set[str]] = defaultdict(set)
    for module, others in graph().items():
        found[folder(module)] |= {folder(other) for other in others} - {folder(module)}
    return dict(found)


def circles(arrows: dict[str, set[str]]) -> list[list[str]]:
    """The groups that import each other in a loop (Tarjan's strongly connected components)."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found = []

    def visit(name: str) -> None:
        order[name] = low[name] = len(order)
        stack.append(name)
        for other in sorted(arrows.get(name, ())):
            if other not in order:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], order[other])
        if low[name] == order[name]:
            group = stack[stack.index(name) :]
            del stack[stack.index(name) :]
            if len(group) > 1:
                found.append(sorted(group))

    for name in sorted(arrows):
        if name not in order:
            visit(name)
    return found


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
