import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from analysis.errors import TableError
from analysis.tables.study_table import read_epochs, read_study
from analysis.tables.table import read_table
from analysis.tradeoff.tradeoff import fit_reduction

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


def test_another_metric_of_a_study_has_its_own_direction(make_study: Make) -> None:
    folder = make_study()
    table = read_study(folder, metric="val_accuracy")
    assert (table.metric, table.direction) == ("val_accuracy", "maximize")
    assert read_study(folder).direction == "minimize"
    with pytest.raises(TableError, match=r"must be one of val_loss, .*, but got 'val_acuracy'"):
        read_study(folder, metric="val_acuracy")
    with pytest.raises(TableError, match=r"no run of .* has 'latency'; it was not measured"):
        read_study(folder, metric="latency")


def test_a_study_takes_no_other_baseline(make_study: Make) -> None:
    with pytest.raises(TableError, match="has the baseline that it was started with"):
        read_table(make_study(), baseline={RATIO: 8})


def test_a_studys_own_table_as_a_csv_keeps_its_baseline(make_study: Make, tmp_path: Path) -> None:
    table = read_study(make_study(controls={"no attention": 0.03}))
    frame = table.frame.copy()
    frame["label"] = [
        f"{label} (baseline)" if arm == table.baseline_arm else label
        for label, arm in zip(frame["label"], frame["arm"], strict=True)
    ]
    path = tmp_path / "runs_table.csv"
    frame.to_csv(path, index=False)
    again = read_table(path)
    assert again.baseline == table.baseline
    assert fit_reduction(again).kappa == pytest.approx(fit_reduction(table).kappa, rel=1e-9)


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
    table = read_study(folder)
    assert len(table.frame) == len(text)
    (remark,) = table.remarks
    assert remark.startswith(
        "1 line of plan.jsonl cannot be read and is left out (line 2: it is no JSON:"
    )


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


def test_a_result_that_the_disk_spoilt_is_counted_and_the_others_stay(make_study: Make) -> None:
    folder = make_study()
    spoilt = sorted(folder.glob("runs/*/result.json"))[0]
    spoilt.write_text('{"state": "COMP')
    table = read_study(folder)
    assert table.excluded == {"state DAMAGED": 1}
    assert len(table.complete()) == 24
    (why,) = table.frame["error"].dropna()
    assert why.startswith("it is no JSON: ")
    (remark,) = table.remarks
    assert f"1 result cannot be used and is left out ({spoilt.parent.name}: it is no JSON" in remark


def test_seconds_and_latency_have_their_units_without_a_declaration(make_study: Make) -> None:
    folder = make_study()
    assert read_study(folder, metric="seconds").unit == "s"
    for path in folder.glob("runs/*/result.json"):
        result = json.loads(path.read_text())
        path.write_text(json.dumps({**result, "latency": 1.5}))
    assert read_study(folder, metric="latency").unit == "ms"
