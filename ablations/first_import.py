"""What is done to a module as soon as it is there: at once, or after its first import, whoever imports it."""

import sys
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

Do = Callable[[Any], object]


def when_imported(name: str, do: Do) -> None:
    """Do this to the module now, or right after its first import; what waited for that import before is forgotten.

    Args:
        name: Of a module outside any package, `torch`.
        do: What is done to it.
    """
    waiting = [one for one in sys.meta_path if isinstance(one, _Waiting) and one.name == name]
    if (there := sys.modules.get(name)) is not None:
        do(there)
    elif waiting:
        waiting[0].do = do
    else:
        sys.meta_path.insert(0, _Waiting(name, do))


class _Waiting(MetaPathFinder):
    """Finds a module as all others would, and has it changed once it was executed."""

    def __init__(self, name: str, do: Do) -> None:
        self.name, self.do = name, do

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self.name:
            return None
        others = (one for one in list(sys.meta_path) if one is not self)
        found = (one.find_spec(fullname, path, target) for one in others)
        spec = next((one for one in found if one is not None), None)
        if spec is not None and spec.loader is not None:
            self._follow(spec.loader)
        return spec

    def _follow(self, loader: Any) -> None:
        execute = loader.exec_module

        def executed(module: ModuleType) -> None:
            execute(module)
            if self in sys.meta_path:
                sys.meta_path.remove(self)
            self.do(module)

        loader.exec_module = executed
