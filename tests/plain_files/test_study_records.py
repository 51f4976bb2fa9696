import json
import os
from pathlib import Path

import pytest

from plain_files.study_records import (
    RecordError,
    begun,
    check_study,
    error_text,
    lines_since,
    read_epochs,
    read_object,
    read_plan,
    read_result,
    remarks,
    unplanned,
)

LINE = {"run": "a1", "arm": "b", "label": "l", "seed": 0, "stage": "grid"}
COMPLETE = {"run": "a1", "attempt": 1, "state": "COMPLETE", "val_loss": 0.5, "error": None}


def plan_of(folder: Path, *lines: object) -> Path:
    path = folder / "plan.jsonl"
    path.write_bytes(b"".join(
        (line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines
    ))  # fmt: skip
    return path


@pytest.mark.parametrize(
    "run",
    ["../../../x", "/etc", "a/b", ".hidden", "..", "", "a\n", "a" * 101, 7, None, "-rf", "a\0"],
)
def test_a_run_is_the_name_of_a_folder_and_never_a_path(tmp_path: Path, run: object) -> None:
    plan = read_plan(plan_of(tmp_path, LINE, {**LINE, "run": run}))
    assert [line["run"] for line in plan.lines] == ["a1"]
    assert len(plan.damaged) == 1
    assert plan.damaged[0].startswith("line 2: `run` ")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"{oops", "it is no JSON"),
        (b'{"run": "\xff"}', "it is no JSON"),
        (b"[1]", "it must hold an object, but holds a list"),
        (b"[" * 5000, "it is no JSON: recursion limit"),
        ({"arm": "b"}, "it lacks `run`"),
        ({**LINE, "run": "a2", "seed": -1}, "`seed` must be greater than or equal to 0, but is -1"),
        ({**LINE, "run": "a2", "seed": True}, "`seed` must be a whole number, but is True"),
        ({**LINE, "run": "a2", "stage": "banana"}, "`stage` must be 'grid', "),
        (
            {**LINE, "run": "a2", "factors": {"x": [1]}},
            "`factors.x` has a value of the wrong kind: [1]",
        ),
        (
            {**LINE, "run": "a2", "cost": {"params": "9"}},
            "`cost.params` has a value of the wrong kind: '9'",
        ),
        ({**LINE, "run": "a2", "settings": 3}, "`settings` must be a mapping, but is 3"),
        (
            {**LINE, "run": "a2", "cost": {"hidden": [2, 4], "channels": [16]}},
            "`cost` must have as many `hidden` as `channels`, but is ",
        ),
    ],
)
def test_a_line_of_the_plan_that_breaks_a_rule_is_left_out_and_the_others_stay(
    tmp_path: Path, line: object, why: str
) -> None:
    plan = read_plan(plan_of(tmp_path, line, LINE))
    assert [found["run"] for found in plan.lines] == ["a1"]
    assert len(plan.damaged) == 1
    assert plan.damaged[0].startswith(f"line 1: {why}")


def test_a_run_that_is_planned_twice_counts_once(tmp_path: Path) -> None:
    plan = read_plan(plan_of(tmp_path, LINE, {**LINE, "label": "other"}, LINE))
    assert [line["label"] for line in plan.lines] == ["l"]
    assert plan.twice == ["a1"]


def test_a_last_line_that_was_cut_off_is_no_damage(tmp_path: Path) -> None:
    path = plan_of(tmp_path, LINE)
    path.write_bytes(path.read_bytes() + b'{"run": "a2"')
    assert read_plan(path).damaged == []


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"state": "BANANA"}, "`state` must be 'COMPLETE', 'PRUNED' or 'FAILED', but is 'BANANA'"),
        ({"val_loss": "0.1"}, "`val_loss` must be a finite number, but is '0.1'"),
        ({"val_loss": True}, "`val_loss` must be a finite number, but is True"),
        ({"attempt": -1}, "`attempt` must be greater than or equal to 1, but is -1"),
        ({"attempt": 10**9}, "`attempt` must be less than or equal to 100000, but is 1000000000"),
        ({"attempt": 1.5}, "`attempt` must be a whole number, but is 1.5"),
        ({"run": "other"}, "it is of the run 'other'"),
        (
            {"run": "../x"},
            "`run` must be a name of letters, digits, `_`, `-` and `.`, but is '../x'",
        ),
        ({"state": "FAILED"}, "its state is FAILED, but it names no `error`"),
        ({"error": "words"}, "`error` must be a mapping, but is 'words'"),
        ({"seconds": -1}, "`seconds` must be greater than or equal to 0, but is -1"),
        ({"started": "yesterday"}, "`started` must be a time (ISO 8601), but is 'yesterday'"),
    ],
)
def test_a_result_that_breaks_a_rule_says_which(
    tmp_path: Path, change: dict[str, object], why: str
) -> None:
    path = tmp_path / "result.json"
    path.write_text(json.dumps({**COMPLETE, **change}))
    with pytest.raises(RecordError) as error:
        read_result(path, run="a1", numbers=["val_loss"])
    assert str(error.value) == why


def test_a_number_too_large_for_a_float_is_no_number(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text(json.dumps(COMPLETE).replace("0.5", "1e999"))
    with pytest.raises(RecordError, match="`val_loss` must be a finite number, but is inf"):
        read_result(path, run="a1", numbers=["val_loss"])


def test_a_result_is_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    assert read_result(path, run="a1") is None
    path.write_text(json.dumps({**COMPLETE, "more": [1, "x"]}))
    assert read_result(path, run="a1", attempt=1, numbers=["val_loss"]) == {
        **COMPLETE,
        "more": [1, "x"],
    }
    with pytest.raises(RecordError, match="it is of attempt 1"):
        read_result(path, run="a1", attempt=2)


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "result.json")
    with pytest.raises(RecordError, match="it is no JSON"):
        read_object(tmp_path / "result.json")


def test_epochs_that_break_a_rule_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "epochs.jsonl"
    path.write_text(
        '{"epoch": 1, "val_loss": 0.5}\n{"val_loss": 1}\n{"epoch": "2"}\n{"epoch": 3, "val_loss": "x"}\n'
    )
    records, damaged = read_epochs(path, numbers=["val_loss"])
    assert records == [{"epoch": 1, "val_loss": 0.5}]
    assert [reason.partition(":")[0] for reason in damaged] == ["line 2", "line 3", "line 4"]


@pytest.mark.parametrize(
    ("study", "why"),
    [
        ({"seeds": "all"}, "`seeds` must be a list, but is 'all'"),
        ({"space": {"factors": [{"levels": [1]}]}}, "it lacks `space.factors.0.name`"),
        ({"space": {"baseline": 3}}, "`space.baseline` must be a mapping, but is 3"),
        ({"direction": "up"}, "`direction` must be 'minimize' or 'maximize', but is 'up'"),
        ({"metrics": {"x": {}}}, "it lacks `metrics.x.direction`"),
    ],
)
def test_a_declaration_that_breaks_a_rule_says_which(study: dict[str, object], why: str) -> None:
    with pytest.raises(RecordError) as error:
        check_study(study)
    assert str(error.value) == why


def test_what_is_wrong_with_the_records_is_counted_and_named(tmp_path: Path) -> None:
    plan = read_plan(plan_of(tmp_path, LINE, LINE, b"{"))
    for run in ("a1", "b1", "b2"):
        (tmp_path / "runs" / run).mkdir(parents=True)
        (tmp_path / "runs" / run / "result.json").write_text("{}")
    lost = unplanned(tmp_path / "runs", {"a1"}, begun=begun(tmp_path / "runs"))
    said = remarks(plan, unplanned=lost, damaged={"a1": "it lacks `state`"})
    assert [sentence.split(" (")[0] for sentence in said] == [
        "1 line of plan.jsonl cannot be read and is left out",
        "1 run of plan.jsonl stands there twice and counts once",
        "2 runs with an outcome stand not in plan.jsonl and are left out",
        "1 result cannot be used and is left out",
    ]
    assert "(b1; b2)" in said[2]
    assert "(a1: it lacks `state`)" in said[3]
    assert remarks(read_plan(plan_of(tmp_path, LINE)), unplanned=(), damaged={}) == []


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", []),
        (b"a\nb\n", [b"a", b"b"]),
        (b"x1\na\nx2\nb\n", [b"x2", b"b"]),
        (b"a\ny\nb\nx\nc\n", [b"x", b"c"]),
        (b"x1\na\nx2", [b"x1", b"a"]),  # a crash cut the last line short
    ],
)
def test_lines_are_read_from_the_last_one_on_that_holds_a_text(tmp_path, content, expected):
    (tmp_path / "lines").write_bytes(content)
    assert lines_since(tmp_path / "lines", (b"x", b"y")) == expected


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (None, None),
        ({"type": "WorkerDied", "message": "it died."}, "WorkerDied: it died."),
        ({"type": "ValueError", "message": "no.", "line": "mine.py, line 3"}, "ValueError: no (mine.py, line 3)"),
        ({"type": "ValueError", "message": "no.", "line": None}, "ValueError: no."),
        ({"type": "ValueError", "message": "no.", "line": 3}, "ValueError: no."),
    ],
)  # fmt: skip
def test_what_ended_a_run_is_told_with_the_line_of_the_users_own(
    error: dict[str, object] | None, text: str | None
) -> None:
    assert error_text(error) == text
