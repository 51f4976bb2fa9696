import shutil
import sys
from pathlib import Path

import pytest

from ablations.subjects import find

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
