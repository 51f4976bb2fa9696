"""What runs of one seed were measured to share, and that those that share nothing are analysed as independent."""

import json
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from analysis.report.sections.pairing import pairing_section
from analysis.tables.starts import read_starts, share_nothing
from analysis.tables.study_table import read_study


def start(*, drawn: str, fixed: str = "z", batches: tuple[str, ...] = ("x", "y"), more: str = ""):
    tensors = {"w": f"float32 (2,) {drawn}", "b": f"float32 (2,) {fixed}"}
    if more:
        tensors["v"] = f"float32 (3,) {more}"
    return {
        "version": 1, "tensors": tensors, "random": ["w", *(["v"] if more else [])], "unnamed": 0, "elsewhere": [],
        "problems": [], "batches": list(batches), "limits": [],
    }  # fmt: skip


def study(folder: Path, starts: dict[tuple[str, int], dict | None]) -> Path:
    """A study of a module with two arms, whose runs began so."""
    plan = []
    for number, ((arm, seed), content) in enumerate(starts.items()):
        run = f"{number:010x}"
        line = {
            "run": run, "arm": arm, "label": {"a" * 10: "base", "b" * 10: "x=2"}[arm], "seed": seed, "stage": "grid",
            "epochs_planned": 1, "factors": {"model.x": 1 if arm[0] == "a" else 2}, "cost": {},
            "settings": {"arm": {"model": {"x": 1}}, "seed": seed},
        }  # fmt: skip
        plan.append(json.dumps(line))
        attempt = folder / "runs" / run / "1"
        attempt.mkdir(parents=True)
        result = {
            "run": run, "attempt": 1, "state": "COMPLETE", "loss": 1.0 + seed + (arm[0] == "b"), "epochs_run": 1,
            "epochs_planned": 1, "device": "cpu", "error": None, "seconds": 1.0, "host": "h",
            "started": "2026-01-01T00:00:00+00:00", "ended": "2026-01-01T00:00:01+00:00", "versions": {},
        }  # fmt: skip
        (attempt.parent / "result.json").write_text(json.dumps(result))
        if content is not None:
            (attempt / "start.json").write_text(json.dumps(content))
    (folder / "plan.jsonl").write_text("\n".join(plan) + "\n")
    factor = {"name": "model.x", "levels": [1, 2]}
    info = {
        "version": 1, "study": folder.name, "metric": "loss", "direction": "minimize", "baseline_arm": "a" * 10,
        "metrics": {"loss": {"direction": "minimize", "unit": ""}}, "baseline": {"model.x": 1},
        "space": {"name": "s", "program": {"metrics": []}, "factors": [factor]},
    }  # fmt: skip
    (folder / "study.json").write_text(json.dumps(info))
    return folder


A, B = "a" * 10, "b" * 10
NOTHING = {
    (arm, seed): start(drawn=f"{arm[0]}{seed}", batches=(f"{arm[0]}{seed}",))
    for arm in (A, B)
    for seed in range(3)
}
ORDER_ONLY = {
    (arm, seed): start(drawn=f"{arm[0]}{seed}", batches=(f"{seed}",))
    for arm in (A, B)
    for seed in range(3)
}
TENSORS_ONLY = {
    (arm, seed): start(drawn=f"{seed}", batches=(f"{arm[0]}{seed}",), more="q" * (arm == B))
    for arm in (A, B)
    for seed in range(3)
}
UNSEEN_BATCHES = {at: {**content, "batches": []} for at, content in NOTHING.items()}
NO_STARTS = dict.fromkeys(NOTHING)


@pytest.mark.parametrize(
    ("starts", "nothing"),
    [
        (NOTHING, True),
        (ORDER_ONLY, False),
        (TENSORS_ONLY, False),
        (UNSEEN_BATCHES, False),  # what is not known is not denied
        (NO_STARTS, False),
    ],
)
def test_runs_of_a_seed_that_share_no_random_number_are_independent_rows(
    tmp_path: Path, starts, nothing: bool
) -> None:
    table = read_study(study(tmp_path, starts))
    found = read_starts(table.frame.assign(seed=[0, 1, 2] * 2), tmp_path, A)
    assert share_nothing(found) is nothing
    assert table.frame["seed"].nunique() == (6 if nothing else 3)


def test_fixed_tensors_alone_are_no_pairing_and_are_counted_apart(tmp_path: Path) -> None:
    table = read_study(study(tmp_path, TENSORS_ONLY))
    (row,) = read_starts(table.frame, tmp_path, A).to_dict("records")
    assert (row["label"], row["seeds"]) == ("x=2", 3)
    assert (row["alike"], row["equal"], row["random"], row["random_equal"]) == (2, 2, 1, 1)
    assert (row["batches"], row["batches_equal"]) == (3, 0)


def section(table):
    effects = SimpleNamespace(frame=pd.DataFrame({"label": ["x=2"], "correlation": [0.5]}))
    return list(pairing_section(SimpleNamespace(table=table, effects=effects)))


def test_the_table_of_the_report_says_what_was_equal_and_the_correlation(tmp_path: Path) -> None:
    (found,) = section(read_study(study(tmp_path, ORDER_ONLY)))
    (said,) = found.text
    assert "0% of the drawn tensors" in said
    assert "the first batches were equal in 3 of 3 pairs of runs" in said
    (row,) = found.parts[0].frame.to_dict("records")
    assert (row["tensors"], row["drawn"], row["first_batches"]) == ("1 of 2", "0 of 1", "3 of 3")
    assert row["correlation"] == 0.5


def test_the_report_says_where_nothing_was_measured_and_what_it_rests_on(tmp_path: Path) -> None:
    (found,) = section(read_study(study(tmp_path, NO_STARTS)))
    assert "Nothing of it was measured" in found.text[0]
    assert found.text[0].endswith("reached: 0.50 with the baseline's.")
    assert not found.parts
