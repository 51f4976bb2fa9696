"""Tables that other programs and people made: read by what is written in them, or refused."""

from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
import pytest

from analysis.contrasts.cells import cells_of
from analysis.errors import TableError
from analysis.tables.csv_file import read_file
from analysis.tables.csv_table import from_frame, read_csv
from analysis.tables.table import read_table
from analysis.tables.wandb_export import as_runs, read_export

CASES = Path(__file__).parent / "cases"


def csv(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "runs.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_line_with_another_number_of_cells_is_never_shifted_into_place() -> None:
    with pytest.raises(TableError, match="line 2 has 5 cells, but the header has 4"):
        read_csv(CASES / "trailing_commas.csv")


def test_a_line_with_fewer_cells_is_not_filled_up(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="line 3 has 2 cells, but the header has 3"):
        read_csv(csv(tmp_path, "gate,seed,val_loss\na,0,1.0\nb,0\n"))


def test_a_column_that_is_there_twice_is_not_renamed(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="the table has the column `val_loss` twice; keep one"):
        read_csv(csv(tmp_path, "gate,seed,val_loss,val_loss\na,0,1.0,2.0\n"))


def test_rows_are_numbered_by_the_line_that_they_begin_on(tmp_path: Path) -> None:
    text = 'gate,seed,note,val_loss\na,0,"two\nlines",1.0\n\nb,0,x,good\n'
    with pytest.raises(TableError, match="`val_loss` must be a number, but row 5 has 'good'"):
        read_csv(csv(tmp_path, text))


def test_runs_with_one_display_name_are_runs_of_their_own() -> None:
    frame = read_export(CASES / "wandb_without_id.csv", factors=["gate"])
    assert len(frame) == 8
    assert frame["run"].is_unique
    cells = cells_of(read_csv(CASES / "wandb_without_id.csv", factors=["gate"]))
    assert cells.runs.tolist() == [4, 4]


def test_a_level_called_none_is_an_arm_in_wandbs_export_too() -> None:
    cells = cells_of(read_csv(CASES / "wandb_level_none.csv", factors=["gate"]))
    means = dict(zip(cells.values["gate"], np.nanmean(cells.y, axis=0), strict=True))
    assert len(means) == 3
    other = {level: mean - means["avg"] for level, mean in means.items() if level != "avg"}
    assert other == pytest.approx({"max": 0.1, next(k for k in other if k != "max"): 0.2}, abs=0.01)


def optuna_study(
    path: Path, params: list[dict[str, Any]], values: list[float], **attrs: Any
) -> str:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(storage=f"sqlite:///{path}", study_name="s")
    choices = {
        name: optuna.distributions.CategoricalDistribution(
            list(dict.fromkeys(p[name] for p in params))
        )
        for name in params[0]
    }
    for i, (given, value) in enumerate(zip(params, values, strict=True)):
        of_run = {name: column[i] for name, column in attrs.items()}
        study.add_trial(
            optuna.trial.create_trial(
                params=given, distributions=choices, value=value, user_attrs=of_run
            )
        )
    return f"sqlite:///{path}#s"


def test_none_is_a_choice_of_an_optuna_parameter(tmp_path: Path) -> None:
    arms = [("avg", 0.0), ("max", 0.1), (None, 0.3)]
    params = [{"pool": level} for s in range(5) for level, _ in arms]
    values = [1 + more + (s % 3) * 0.002 for s in range(5) for _, more in arms]
    cells = cells_of(read_table(optuna_study(tmp_path / "o.db", params, values)))
    assert cells.values["pool"].tolist() == ["avg", "max", "None"]


def test_a_baseline_is_the_level_that_is_written_so_before_one_of_equal_value() -> None:
    path = CASES / "level_with_underscore.csv"
    assert read_table(path, baseline={"stages": "12"}).baseline == {"stages": "12"}
    assert read_table(path, baseline={"stages": "1_2"}).baseline == {"stages": "1_2"}
    assert read_table(CASES / "level_nan.csv", baseline={"gate": "nan"}).baseline == {"gate": "nan"}


def test_a_truth_value_is_read_from_its_word() -> None:
    assert read_table(CASES / "early_stopped.csv").excluded == {"early_stopped": 2}


def test_a_word_that_is_no_truth_value_is_refused(tmp_path: Path) -> None:
    text = "gate,seed,val_loss,diverged\na,0,1.0,no \nb,1,1.0,perhaps\n"
    with pytest.raises(
        TableError, match=r"`diverged` must say yes or no .* but row 3 has 'perhaps'"
    ):
        read_csv(csv(tmp_path, text))


LISTS = [(g, s, 1 + k * 0.1 + s * 0.01) for k, g in enumerate([[1, 2], [3]]) for s in range(4)]


def test_levels_that_are_lists_are_arms() -> None:
    ours = cells_of(from_frame(pd.DataFrame(LISTS, columns=["g", "seed", "val_loss"])))
    rows = [
        {"name": f"{g}{s}", "state": "finished", "config": str({"g": g, "seed": s}),
         "summary": str({"val_loss": v})}
        for g, s, v in LISTS
    ]  # fmt: skip
    theirs = cells_of(from_frame(as_runs(pd.DataFrame(rows), factors=["g"]), factors=["g"]))
    for cells in (ours, theirs):
        assert cells.values["g"].tolist() == ["[1, 2]", "[3]"]


@pytest.mark.parametrize(
    ("text", "value"),
    [("inf", None), ("nan", None), ("-inf", None), ("np.float64(0.5)", 0.5), ("numpy.int64(3)", 3)],
)
def test_what_python_writes_for_a_number_is_read(text: str, value: float | None) -> None:
    rows = [
        {"name": f"r{s}", "state": "finished", "config": str({"g": "a", "seed": s}),
         "summary": f"{{'val_loss': {text}, 'best': -inf}}"}
        for s in range(2)
    ]  # fmt: skip
    assert as_runs(pd.DataFrame(rows), factors=["g"])["val_loss"].tolist() == [value, value]


def test_a_call_of_anything_else_in_a_text_is_refused() -> None:
    row = {"name": "r", "state": "finished", "config": "{'g': open('x')}", "summary": "{}"}
    with pytest.raises(TableError, match="`config` and `summary` must be dicts"):
        as_runs(pd.DataFrame([row]), factors=["g"])


@pytest.mark.parametrize("word", ["1_000", "0x10", "１２", "1e", "--1"])
def test_what_only_python_takes_for_a_number_is_a_word(tmp_path: Path, word: str) -> None:
    assert read_file(csv(tmp_path, f"size\n10\n{word}\n"))["size"].tolist() == ["10", word]
