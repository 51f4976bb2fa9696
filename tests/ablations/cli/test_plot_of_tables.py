from pathlib import Path

import pytest

from ablations.cli.main import main
from benchmarks.synthetic_study import write_study

ROWS = [
    f"{way},{seed},{0.5 + 0.03 * seed + (way == 'sgd') * 0.1 + 0.001 * ((seed * len(way)) % 3)}"
    for seed in range(4)
    for way in ("adam", "sgd")
]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "mine.csv"
    path.write_text("\n".join(["optimizer,seed,val_loss", *ROWS]) + "\n")
    return path


def drawn(*words: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(list(words))
    return int(left.value.code or 0)


def test_figures_of_a_table_lie_beside_it_and_name_its_arms(table: Path) -> None:
    main(["plot", str(table), "seeds", "--format", "svg", "--baseline", "optimizer=sgd"])
    figure = (table.parent / "plots" / "seeds.svg").read_text(encoding="utf-8")
    assert "optimizer=sgd (baseline)" in figure
    assert "optimizer=adam, seed 0" in figure


def test_what_a_table_cannot_show_is_said(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert drawn("plot", str(table), "ratio") == 2
    assert "the study does not vary the reduction ratio" in capsys.readouterr().err


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_study(tmp_path / "runs" / "first", ratios=(2, 8), seeds=3)
    return tmp_path / "runs" / "first"


def test_how_a_table_is_read_is_no_option_of_a_study(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert drawn("plot", "first", "seeds", "--factors", "x") == 2
    said = "`--factors` says how a table without a study is read, but 'first' is a study. Leave it"
    assert said in capsys.readouterr().err
    assert drawn("plot", "first", "seeds", "--metric", "val_mae") == 2
    assert "but got 'val_mae'" in capsys.readouterr().err


def test_a_figure_of_a_study_may_be_of_another_metric(study: Path) -> None:
    main(["plot", "first", "seeds", "--format", "svg", "--metric", "val_accuracy"])
    figure = (study / "report/plots/seeds-val_accuracy.svg").read_text(encoding="utf-8")
    assert "validation accuracy" in figure
