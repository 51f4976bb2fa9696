from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.errors import TableError
from analysis.tables.csv_table import from_frame, read_csv

Make = Callable[..., Path]
RATIO = "attention.reduction"


def csv(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "runs.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_searchs_runs_leave_when_there_are_others() -> None:
    rows = [{"reduction": r, "seed": s, "val_loss": 1 + s / 10, "stage": stage}
            for stage, seeds in (("search", (0, 1)), ("confirm", (2, 3))) for r in (2, 4) for s in seeds]  # fmt: skip
    both = from_frame(pd.DataFrame(rows))
    assert both.excluded == {"from a search (selected by its result)": 4}
    alone = from_frame(pd.DataFrame(rows[:4]))
    assert alone.excluded == {}
    assert alone.selected
    assert not both.selected


def test_two_rows_of_one_arm_and_seed_are_named(tmp_path: Path) -> None:
    table = read_csv(csv(tmp_path, "reduction,seed,val_loss\n2,0,1\n4,0,1\n2,0,1.5\n"))
    with pytest.raises(
        TableError, match=r"`seed` must be unique within an arm, but rows 2, 4 are all"
    ):
        table.complete()


def test_what_is_done_to_the_complete_rows_is_done_to_nobody_elses() -> None:
    table = from_frame(pd.DataFrame({"reduction": [2, 4], "seed": 0, "val_loss": [1.0, 2.0]}))
    rows = table.complete()
    rows["more"] = 1
    rows.loc[rows.index[0], "val_loss"] = 9.0
    assert "more" not in table.complete()
    assert table.complete()["val_loss"].tolist() == [1.0, 2.0]


def test_a_table_without_any_complete_run_says_what_was_left_out(tmp_path: Path) -> None:
    table = read_csv(csv(tmp_path, "reduction,seed,val_loss,state\n2,0,1,PRUNED\n4,0,1,FAIL\n"))
    with pytest.raises(
        TableError, match=r"state PRUNED: 1, state FAILED: 1|state FAILED: 1, state PRUNED: 1"
    ):
        table.complete()


def test_nan_and_infinity_are_left_out_and_counted() -> None:
    frame = pd.DataFrame({"reduction": [2, 4, 8], "seed": 0, "val_loss": [1.0, np.nan, np.inf]})
    assert from_frame(frame).excluded == {"no finite val_loss": 2}


def test_a_loss_too_large_to_be_squared_twice_is_one_that_diverged() -> None:
    frame = pd.DataFrame({"reduction": [2, 4, 8], "seed": 0, "val_loss": [1e300, 0.5, 1e74]})
    table = from_frame(frame)
    assert table.excluded == {"no finite val_loss": 1}


def test_an_ambiguous_name_asks_which() -> None:
    frame = pd.DataFrame(
        {"a.gate": ["x", "y"] * 2, "b.gate": ["x", "x", "y", "y"], "val_loss": 1.0}
    )
    with pytest.raises(TableError, match=r"`gate` can mean any of a\.gate, b\.gate"):
        from_frame(frame).column("gate")


@pytest.mark.parametrize("hidden", [[None, 4], "[null, 4]", "[None, 4]"])
def test_a_block_without_a_bottleneck_has_no_hidden_units(hidden: object) -> None:
    frame = pd.DataFrame({"gate": ["a", "b"], "seed": 0, "val_loss": [0.1, 0.2]})
    frame["hidden"] = pd.Series([hidden, [8, 4]], dtype=object)
    assert from_frame(frame).frame["hidden"].tolist() == [[None, 4], [8, 4]]
    with pytest.raises(TableError, match="`channels` must be whole numbers of at least 1"):
        from_frame(frame.rename(columns={"hidden": "channels"}))
