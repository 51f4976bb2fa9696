from collections.abc import Callable
from pathlib import Path

import pytest

from analysis.errors import TableError
from analysis.tables.study_table import read_study
from analysis.tables.table import read_table, read_tables

Make = Callable[..., Path]
RATIO = "attention.reduction"


def csv(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "runs.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_folder_of_studies_gives_them_all(make_study: Make, tmp_path: Path) -> None:
    make_study("b")
    make_study("a")
    assert [t.study for t in read_tables(tmp_path / "runs")] == ["a", "b"]
    with pytest.raises(TableError, match=r"holds several studies \(a, b\); name one of them"):
        read_table(tmp_path / "runs")


def test_what_is_no_table_is_told(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"is no study and holds none"):
        read_tables(tmp_path)
    with pytest.raises(TableError, match=r"there is no study and no file"):
        read_tables(tmp_path / "nothing.csv")
    with pytest.raises(TableError, match=r"is no study: it has no study\.json"):
        read_study(tmp_path)


def test_reading_imports_no_torch() -> None:
    import subprocess
    import sys

    modules = "analysis.tables.table, analysis.tradeoff.tradeoff, analysis.effects.component_report"
    code = f"import sys, {modules}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
