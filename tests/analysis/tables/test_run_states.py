from pathlib import Path

import pandas as pd
import pytest

from analysis.errors import TableError
from analysis.tables.csv_table import from_frame, read_csv


def table(states: list[object], *, column: str = "state") -> pd.DataFrame:
    return pd.DataFrame(
        {
            "gate": ["a", "b"] * 2,
            "seed": [0, 0, 1, 1],
            "val_loss": [1.0, 1.1, 1.2, 1.4],
            column: states,
        }
    )


@pytest.mark.parametrize("column", ["state", "State", "STATUS", "status"])
def test_a_failed_run_never_enters_however_its_column_is_called(column: str) -> None:
    read = from_frame(table(["completed", "completed", "failed", "completed"], column=column))
    assert read.factors == ["gate"]
    assert read.complete().index.tolist() == [0, 1, 3]
    assert read.excluded == {"state FAILED": 1}


@pytest.mark.parametrize(
    ("word", "state"),
    [("complete", "COMPLETE"), ("Finished", "COMPLETE"), ("success", "COMPLETE"), ("FAIL", "FAILED"),
     ("crashed", "FAILED"), ("error", "FAILED"), (" killed ", "FAILED"), ("pruned", "PRUNED"),
     ("running", "RUNNING"), ("queued", "WAITING"), ("pending", "WAITING"), ("waiting", "WAITING")],
)  # fmt: skip
def test_words_for_a_state_are_known_in_any_case(word: str, state: str) -> None:
    assert from_frame(table([word] * 4)).frame["state"].unique().tolist() == [state]


def test_a_table_without_states_is_complete() -> None:
    assert len(from_frame(table([None] * 4)).complete()) == 4


def test_an_unknown_state_is_told_by_column_and_row(tmp_path: Path) -> None:
    path = tmp_path / "runs.csv"
    path.write_text("gate,seed,val_loss,Status\na,0,1,done\nb,0,1,odd\n", encoding="utf-8")
    with pytest.raises(
        TableError,
        match=r"`Status` must say how a run ended \(complete, completed, .*\), but row 3 has 'odd'; write one of",
    ):
        read_csv(path)


def test_an_empty_state_beside_others_is_told_by_row() -> None:
    with pytest.raises(TableError, match=r"`state` must say .*, but row 2 is empty; write one of"):
        from_frame(table(["done", "done", None, "done"]))


def test_two_columns_of_states_are_refused() -> None:
    frame = table(["done"] * 4).assign(status="failed")
    with pytest.raises(
        TableError, match="in one column, but the table has `state` and `status`; keep one"
    ):
        from_frame(frame)


def test_a_factor_that_is_called_status_stays_a_factor() -> None:
    frame = table(["on", "off", "on", "off"], column="status")
    read = from_frame(frame, factors=["gate", "status"])
    assert read.frame["status"].tolist() == ["on", "off", "on", "off"]
    assert len(read.complete()) == 4
