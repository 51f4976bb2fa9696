import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ablations.cli.main import main
from ablations.subjects import find

HERE = Path(__file__).parent
MODULES = ("houses", "functions", "own_data", "parts", "tuned", "maps", "tried", "wrong")


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder with modules of their own, as the current one."""
    for name in MODULES:
        shutil.copy(HERE / f"{name}.py", tmp_path)
        # What another test imported lies in another folder.
        monkeypatch.delitem(sys.modules, name, raising=False)
    find._found.cache_clear()
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.fixture
def ablate(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[object, str]]:
    """Runs a command; gives its exit code, and what it said on both streams."""

    def call(*words: str) -> tuple[object, str]:
        capsys.readouterr()
        code: object = 0
        try:
            main(list(words))
        except SystemExit as end:
            code = end.code
        out, err = capsys.readouterr()
        return code, out + err

    return call
