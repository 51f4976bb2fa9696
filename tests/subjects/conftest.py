import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ablations import Space
from ablations.import_path import load
from ablations.subjects import find
from ablations.subjects.values import nested

HERE = Path(__file__).parent


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder with modules of their own, as the current one."""
    for name in ("houses", "functions", "own_data", "parts", "tuned"):
        shutil.copy(HERE / f"{name}.py", tmp_path)
        # What another test imported lies in another folder.
        monkeypatch.delitem(sys.modules, name, raising=False)
    find._found.cache_clear()
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


class Context:
    """Keeps what a run tells it."""

    rank, world_size, device, threads, stopping = 0, 1, "cpu", 1, False

    def __init__(self, folder: Path) -> None:
        self.folder, self.records = folder, list[dict[str, Any]]()

    def epoch(self, record: dict[str, Any]) -> None:
        self.records.append(record)

    def beat(self) -> None:
        pass


@pytest.fixture
def trained(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[..., tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Trains one run of a space here: what it returns and its records."""

    def train(
        space: Space, seed: int = 0, **changes: Any
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        context = Context(tmp_path_factory.mktemp("run"))
        arm = space.about.changed(space.baseline, changes)
        settings = {**space.about.carried, "arm": nested(arm), "seed": seed}
        return load(space.about.train)(settings, context), context.records

    return train
