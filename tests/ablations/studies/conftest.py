import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ablations import Execution, Space, load_space
from ablations.engine.executors.local import LocalExecutor
from ablations.engine.executors.slots import find_slots
from ablations.subjects import find


@pytest.fixture
def own_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Space]]:
    """Reads a space of a module of the user's own; both are written to the current folder first."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    find._found.cache_clear()
    modules = []

    def write(module: str, program: str, space: str) -> Space:
        modules.append(module)
        Path(f"{module}.py").write_text(program)
        Path(f"{module}.yaml").write_text(space)
        return load_space(f"{module}.yaml")

    yield write
    for module in modules:
        sys.modules.pop(module, None)
    find._found.cache_clear()


@pytest.fixture
def quietly() -> Execution:
    """Two workers, and no files of W&B's."""
    return Execution(executor=lambda _: LocalExecutor(find_slots(workers=2)), wandb="disabled")
