"""Every benchmark that a user starts says how it is used.

All are started in this one process: in a process of its own each imports torch again, 40 s together.
"""

import runpy
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"
IMPORTED = {
    "bare_loop.py",
    "fake_executor.py",
    "made_images.py",
    "plain_input.py",
    "trivial.py",
}
STARTED = sorted(file for file in FOLDER.glob("*.py") if file.name not in IMPORTED)


@pytest.mark.parametrize("script", STARTED, ids=lambda script: script.stem)
def test_a_benchmark_shows_its_usage_and_runs_nothing(
    script: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [str(script), "--help"])
    monkeypatch.syspath_prepend(str(FOLDER))
    with pytest.raises(SystemExit, match=r"^0$"):
        runpy.run_path(str(script), run_name="__main__")
    said = capsys.readouterr().out
    assert said.startswith(f"usage: {script.name} [-h]")
    first_word = docstring(script).split()[0]
    assert f"\n{first_word} " in said


@pytest.mark.parametrize("script", sorted(IMPORTED))
def test_a_module_that_others_import_says_so_and_cannot_be_started(script: str) -> None:
    assert "nobody starts" in docstring(FOLDER / script)
    assert "__main__" not in (FOLDER / script).read_text(encoding="utf-8")


def docstring(file: Path) -> str:
    return file.read_text(encoding="utf-8").split('"""')[1]
