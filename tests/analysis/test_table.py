import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.errors import TableError
from analysis.table import from_frame, read_csv, read_epochs, read_study, read_table, read_tables

Make = Callable[..., Path]
RATIO = "attention.reduction"


def csv(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "runs.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_study_is_the_plan_joined_with_the_committed_results(make_study: Make) -> None:
    folder = make_study(controls={"no attention": 0.03}, waiting=[(0, 4)], running=[(1, 3)])
    table = read_study(folder)
    plan = [json.loads(line) for line in (folder / "plan.jsonl").read_text().splitlines()]
    assert table.frame["run"].tolist() == [line["run"] for line in plan]
    assert table.frame["state"].value_counts().to_dict() == {
        "COMPLETE": 28,
        "RUNNING": 1,
        "WAITING": 1,
    }
    result = json.loads((folder / "runs" / plan[7]["run"] / "result.json").read_text())
    assert table.frame["val_loss"][7] == result["val_loss"]
    assert table.frame["hidden"][0] == plan[0]["cost"]["hidden"]
    assert table.factors == [RATIO]
    assert table.baseline == {RATIO: 16, "attention.placement": "standard"}
    assert table.baseline_arm == next(p["arm"] for p in plan if p["factors"][RATIO] == 16)
    assert table.frame["data"].unique().tolist() == ["made-up"]


def test_what_may_not_enter_is_counted_by_reason(make_study: Make) -> None:
    table = read_study(make_study(failed=[(0, 0), (1, 1)], pruned=[(2, 2)]))
    assert table.excluded == {"state FAILED": 2, "state PRUNED": 1}
    assert len(table.complete()) == 22
    assert "NonFinite: val_loss is nan" in set(table.frame["error"].dropna())


def test_a_complete_run_that_stopped_early_does_not_enter(make_study: Make) -> None:
    folder = make_study()
    result = next(folder.glob("runs/*/result.json"))
    content = json.loads(result.read_text()) | {"epochs_run": 3}
    result.write_text(json.dumps(content))
    assert read_study(folder).excluded == {"fewer epochs than planned": 1}


def test_a_searchs_runs_leave_when_there_are_others() -> None:
    rows = [{"reduction": r, "seed": s, "val_loss": 1.0, "stage": stage}
            for stage, seeds in (("search", (0, 1)), ("confirm", (2, 3))) for r in (2, 4) for s in seeds]  # fmt: skip
    both = from_frame(pd.DataFrame(rows))
    assert both.excluded == {"search run (selected by its result)": 4}
    alone = from_frame(pd.DataFrame(rows[:4]))
    assert alone.excluded == {}
    assert alone.selected
    assert not both.selected


def test_a_study_of_a_newer_layout_is_refused(make_study: Make) -> None:
    folder = make_study()
    info = json.loads((folder / "study.json").read_text())
    (folder / "study.json").write_text(json.dumps({**info, "runs_table": {"version": 2}}))
    with pytest.raises(TableError, match="has layout 1 and runs table 2; this version reads"):
        read_study(folder)


def test_a_line_cut_off_while_it_was_written_is_left_out(make_study: Make) -> None:
    folder = make_study()
    with (folder / "plan.jsonl").open("a") as file:
        file.write('{"run": "abc", "ar')
    assert len(read_study(folder).frame) == 25


def test_a_broken_line_is_named(make_study: Make) -> None:
    folder = make_study()
    text = (folder / "plan.jsonl").read_text().splitlines()
    (folder / "plan.jsonl").write_text("\n".join([text[0], "{oops", *text[1:]]) + "\n")
    with pytest.raises(TableError, match=r"plan\.jsonl, line 2: Expecting property name"):
        read_study(folder)


def test_epochs_come_from_the_committed_attempt(make_study: Make) -> None:
    folder = make_study(epochs=3)
    epochs = read_epochs(read_study(folder))
    assert epochs.groupby("run")["epoch"].apply(list).map(tuple).unique().tolist() == [(1, 2, 3)]
    last = epochs[epochs["epoch"] == 3].set_index("run")["val_loss"]
    table = read_study(folder).frame.set_index("run")["val_loss"]
    pd.testing.assert_series_equal(last.sort_index(), table.sort_index())


def test_the_epochs_of_a_resumed_run_are_joined_and_the_later_attempt_counts(
    make_study: Make,
) -> None:
    folder = make_study(epochs=3)
    run = next(path for path in sorted((folder / "runs").iterdir()) if (path / "1").is_dir())
    lines = (run / "1" / "epochs.jsonl").read_text().splitlines()
    (run / "2").mkdir()
    later = {**json.loads(lines[1]), "seconds": 99.0}
    (run / "2" / "epochs.jsonl").write_text(f"{json.dumps(later)}\n{lines[2]}\n")
    (run / "1" / "epochs.jsonl").write_text("\n".join(lines[:2]) + "\n")
    result = {**json.loads((run / "result.json").read_text()), "attempt": 2}
    (run / "result.json").write_text(json.dumps(result))
    epochs = read_epochs(read_study(folder))
    mine = epochs[epochs["run"] == run.name]
    assert mine["epoch"].tolist() == [1, 2, 3]
    assert mine["seconds"].iloc[1] == 99.0


def test_a_csv_of_three_columns_is_enough(tmp_path: Path) -> None:
    table = read_csv(csv(tmp_path, "reduction,seed,val_loss\n2,0,1.0\n4,0,1.1\n"))
    assert table.frame[RATIO].tolist() == [2, 4]
    assert table.factors == [RATIO]
    assert table.column("reduction") == RATIO
    assert len(table.complete()) == 2


def test_columns_that_are_ids_are_no_factors(tmp_path: Path) -> None:
    rows = "".join(f"{'ab'[i % 2]},{i // 2},run{i},0.{i}\n" for i in range(8))
    table = read_csv(csv(tmp_path, "gate,seed,name_of_run,val_loss\n" + rows))
    assert table.factors == ["gate"]


def test_a_baseline_of_a_csv_is_found_by_number_and_name(tmp_path: Path) -> None:
    path = csv(tmp_path, "reduction,seed,val_loss\n2,0,1\n4,0,1\n2,1,1\n4,1,1\n")
    assert read_csv(path, baseline={"reduction": "4"}).baseline == {RATIO: 4.0}
    with pytest.raises(TableError, match=r"`reduction` never is '5' in the table; its levels are"):
        read_csv(path, baseline={"reduction": "5"})
    with pytest.raises(TableError, match=r"`gate` is no factor of the table; its factors are"):
        read_csv(path, baseline={"gate": "x"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("reduction,seed\n2,0\n", "the table lacks the column `val_loss`; it has reduction, seed"),
        ("reduction,seed,val_loss\n2,0,1\n4,0,good\n", "`val_loss` must be a number, but row 3 has 'good'"),
        ("reduction,seed,val_loss\nbig,0,1\n", "must be a number, but row 2 has 'big'"),
        ("reduction,seed,val_loss,metric\n2,0,1,val_loss\n4,0,1,error\n",
         "`metric` must be one and the same, but row 2 has 'val_loss' and row 3 has 'error'"),
        ("reduction,r,val_loss\n2,2,1\n", "the table has the column `attention.reduction` twice"),
        ("reduction,seed,val_loss,hidden\n2,0,1,many\n", "`hidden` must be a list like"),
        ("", "is not a CSV table"),
    ],
)  # fmt: skip
def test_a_bad_csv_is_told_by_column_and_row(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(TableError, match=message):
        read_csv(csv(tmp_path, text))


def test_two_rows_of_one_arm_and_seed_are_named(tmp_path: Path) -> None:
    table = read_csv(csv(tmp_path, "reduction,seed,val_loss\n2,0,1\n4,0,1\n2,0,1.5\n"))
    with pytest.raises(
        TableError, match=r"`seed` must be unique within an arm, but rows 2, 4 are all"
    ):
        table.complete()


def test_a_table_without_any_complete_run_says_what_was_left_out(tmp_path: Path) -> None:
    table = read_csv(csv(tmp_path, "reduction,seed,val_loss,state\n2,0,1,PRUNED\n4,0,1,FAIL\n"))
    with pytest.raises(
        TableError, match=r"state PRUNED: 1, state FAILED: 1|state FAILED: 1, state PRUNED: 1"
    ):
        table.complete()


def test_nan_and_infinity_are_left_out_and_counted() -> None:
    frame = pd.DataFrame({"reduction": [2, 4, 8], "seed": 0, "val_loss": [1.0, np.nan, np.inf]})
    assert from_frame(frame).excluded == {"no finite val_loss": 2}


def test_an_ambiguous_name_asks_which() -> None:
    frame = pd.DataFrame(
        {"a.gate": ["x", "y"] * 2, "b.gate": ["x", "x", "y", "y"], "val_loss": 1.0}
    )
    with pytest.raises(TableError, match=r"`gate` can mean any of a\.gate, b\.gate"):
        from_frame(frame).column("gate")


def test_a_folder_of_studies_gives_them_all(make_study: Make, tmp_path: Path) -> None:
    make_study("b")
    make_study("a")
    assert [t.study for t in read_tables(tmp_path / "runs")] == ["a", "b"]
    with pytest.raises(TableError, match=r"holds several studies \(a, b\); name one of them"):
        read_table(tmp_path / "runs")


def test_what_is_no_table_is_told(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"is no study and holds none"):
        read_tables(tmp_path)
    with pytest.raises(TableError, match=r"there is no file"):
        read_tables(tmp_path / "nothing.csv")
    with pytest.raises(TableError, match=r"is no study: it has no study\.json"):
        read_study(tmp_path)


def test_the_page_export_of_wandb_is_recognised(tmp_path: Path) -> None:
    text = "Name,State,ID,seed,gate,epochs,val_loss\n" + "".join(
        f"run{i},finished,id{i},{i // 2},{'ab'[i % 2]},3,0.{i + 1}\n" for i in range(6)
    )
    table = read_csv(csv(tmp_path, text), factors=["gate"])
    assert table.factors == ["gate"]
    assert table.frame["state"].unique().tolist() == ["COMPLETE"]


def test_reading_imports_no_torch() -> None:
    import subprocess
    import sys

    code = "import sys, analysis.table, analysis.tradeoff, analysis.component_report; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
