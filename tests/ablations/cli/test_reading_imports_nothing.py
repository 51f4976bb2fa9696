"""Reading a study never imports the program that it is about."""

import json
import sys
from pathlib import Path

import pytest

from ablations.cli.main import main
from benchmarks.synthetic_study import write_study


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a study of a program whose file cannot be imported."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "gone.py").write_text("raise RuntimeError('imported')\n")
    for name in ("first", "second"):
        write_study(tmp_path / "runs" / name, ratios=(2, 4, 8, 16), seeds=4)
        file = tmp_path / "runs" / name / "study.json"
        study = json.loads(file.read_text())
        study["space"] |= {"subject": "gone:Net", "program": {"data": "gone:Data"}}
        file.write_text(json.dumps(study))
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [
        ("list",),
        ("status", "first"),
        ("fit", "first"),
        ("compare", "first", "second"),
        ("importance", "first"),
        pytest.param(("effects", "first"), marks=pytest.mark.long),
        pytest.param(("plan", "first", "--sigma", "0.01"), marks=pytest.mark.long),
        pytest.param(("plot", "first", "seeds", "--format", "svg"), marks=pytest.mark.long),
        pytest.param(("report", "first"), marks=pytest.mark.long),
    ],
    ids=lambda words: words[0],
)
def test_a_command_that_reads_imports_nothing_of_the_users(
    here: Path, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    main(list(words))
    said = capsys.readouterr()
    assert said.out
    assert "imported" not in said.out + said.err
    assert "gone" not in sys.modules
