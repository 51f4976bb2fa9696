import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ablations.engine.executor import Executor
from ablations.engine.folder import StudyFolder
from ablations.engine.local import LocalExecutor
from ablations.engine.slots import find_slots

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # `trivial` is imported by name, as the workers do

from trivial_plans import STUDY  # noqa: E402


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    return StudyFolder.create(tmp_path / "first", STUDY)


@pytest.fixture
def local() -> Callable[..., Executor]:
    def make(workers: int = 2, **options: Any) -> Executor:
        slots = find_slots(workers=workers, gpus=options.pop("gpus", ()), **options)
        return LocalExecutor(slots, pythonpath=str(HERE))

    return make
