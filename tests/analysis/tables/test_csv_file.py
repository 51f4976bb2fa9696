import re
from pathlib import Path

import numpy as np
import pytest

from analysis.effects.effects import estimate_effects
from analysis.errors import TableError
from analysis.tables import csv_file
from analysis.tables.csv_file import read_file
from analysis.tables.csv_table import read_csv


def csv(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "runs.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("word", ["None", "NA", "null", "nan", "N/A"])
def test_a_level_may_be_called_as_a_missing_value_is(tmp_path: Path, word: str) -> None:
    losses = {word: 1.5, "relu": 1.0, "gelu": 1.0}
    text = "".join(
        f"{a},{s},{loss + 0.001 * s * i}\n"
        for s in range(4)
        for i, (a, loss) in enumerate(losses.items())
    )
    table = read_csv(csv(tmp_path, "activation,seed,val_loss\n" + text))
    assert table.frame["activation"].unique().tolist() == [word, "relu", "gelu"]
    found = estimate_effects(table).frame.set_index("level")
    assert found["against"].unique().tolist() == [word]
    assert found.loc["relu", "estimate"] == pytest.approx(-0.5, abs=0.01)


def test_an_empty_cell_stays_missing(tmp_path: Path) -> None:
    frame = read_file(csv(tmp_path, "gate,seed\nsigmoid,0\n,1\n"))
    assert frame["gate"].isna().tolist() == [False, True]


@pytest.mark.parametrize("word", ["NaN", "nan", "NA", "n/a"])
def test_beside_numbers_such_a_word_is_a_missing_number(tmp_path: Path, word: str) -> None:
    frame = read_file(csv(tmp_path, f"lr,seed\n0.1,0\n{word},1\n"))
    np.testing.assert_array_equal(frame["lr"], [0.1, np.nan])


def test_none_beside_numbers_is_a_level_but_in_a_metric_a_missing_value(tmp_path: Path) -> None:
    path = csv(tmp_path, "dropout,seed,val_loss\n0.1,0,1\nNone,0,None\n0.1,1,1.5\nNone,1,2\n")
    table = read_csv(path)
    assert table.frame["dropout"].tolist() == ["0.1", "None"] * 2
    assert table.excluded == {"no finite val_loss": 1}


def test_words_in_the_contracts_own_columns_are_missing_but_for_names(tmp_path: Path) -> None:
    frame = read_file(csv(tmp_path, "channels,error,label\n64,None,None\nnull,oom,x\n"))
    assert frame["channels"].isna().tolist() == [False, True]
    assert frame["error"].isna().tolist() == [True, False]
    assert frame["label"].tolist() == ["None", "x"]


def test_a_table_has_an_upper_end_that_is_said(tmp_path, monkeypatch):
    path = tmp_path / "t.csv"
    path.write_text("a,b,c\n" + "1,2,3\n" * 5)
    monkeypatch.setattr(csv_file, "MOST_CELLS", 12)
    told = f"a table has 12 cells at most, but {path} has more by line 5. Read a part of it."
    with pytest.raises(TableError, match=re.escape(told)):
        read_file(path)
    monkeypatch.setattr(csv_file, "MOST_COLUMNS", 2)
    told = f"a table has 2 columns at most, but {path} has 3. "
    with pytest.raises(TableError, match=re.escape(told)):
        read_file(path)
