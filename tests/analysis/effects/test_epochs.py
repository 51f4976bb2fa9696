"""Effects against training time."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.contrasts.estimation import ErrorModel
from analysis.effects.effects import estimate_effects
from analysis.effects.epochs import COLUMNS, effects_by_epoch
from analysis.tables.study_table import read_study

Make = Callable[..., Path]
LOCO = {
    "attention.reduction": {16: 0.0, 4: 0.0},
    "attention.squeeze": {"avg": 0.0, "max": 0.02},
}


@pytest.mark.parametrize(
    ("error", "options", "models"),
    [
        ("auto", {"random": 2}, {"shared"}),
        ("auto", {"random": 1}, {"own", "shared"}),
        ("auto", {"random": 2, "failed": [(1, 0)]}, {"shared"}),
        ("pooled", {}, {"pooled"}),
        ("paired", {}, {"own"}),
        ("auto", {"seeds": 1}, {"none"}),
    ],
)
def test_the_last_epoch_has_the_interval_of_the_effect(
    make_study: Make, error: ErrorModel, options: dict[str, Any], models: set[str]
) -> None:
    study = make_study(effects=LOCO, design="loco", controls={"no attention": 0.0}, **options)
    table = read_study(study)
    decided = estimate_effects(table, error=error).frame
    assert set(decided["error"]) == models
    curve = effects_by_epoch(table, error=error)
    last = curve[curve["epoch"] == 4].drop(columns="epoch").reset_index(drop=True)
    wanted = decided[["label", "n_pairs", "estimate", "ci95_low", "ci95_high"]]
    wanted = wanted.rename(columns={"ci95_low": "low", "ci95_high": "high"})
    pd.testing.assert_frame_equal(last, wanted, check_dtype=False)


def test_a_difference_that_is_twice_as_large_at_first_is_seen_so(make_study: Make) -> None:
    table = read_study(make_study(effects=LOCO, design="loco", epochs=5))
    curve = effects_by_epoch(table).set_index(["label", "epoch"])["estimate"]
    assert curve["squeeze=max", 1] == pytest.approx(2 * curve["squeeze=max", 5])


def test_arms_of_a_factorial_are_compared_one_by_one(make_study: Make) -> None:
    table = read_study(make_study(effects=LOCO))
    arms = estimate_effects(table).frame.query("arm != ''")["label"].tolist()
    curve = effects_by_epoch(table)
    assert list(dict.fromkeys(curve["label"])) == arms
    assert curve["epoch"].tolist() == [1, 2, 3, 4] * len(arms)


def test_epochs_that_the_baseline_did_not_train_for_compare_nothing(make_study: Make) -> None:
    table = read_study(make_study(effects=LOCO, design="loco"))
    for run in table.frame.query("label == 'baseline'")["run"]:
        assert table.folder is not None
        file = table.folder / "runs" / run / "1" / "epochs.jsonl"
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        file.write_text("".join(lines[:2]), encoding="utf-8")
    assert effects_by_epoch(table)["epoch"].unique().tolist() == [1, 2]


def test_a_metric_without_epochs_has_no_rows(make_study: Make) -> None:
    table = read_study(make_study(effects=LOCO, design="loco"))
    for file in (table.folder or Path()).rglob("epochs.jsonl"):
        file.write_text("", encoding="utf-8")
    found = effects_by_epoch(table)
    assert found.empty
    assert found.columns.tolist() == COLUMNS


def test_the_quarters_of_twenty_epochs_are_shown(make_study: Make) -> None:
    table = read_study(make_study(effects=LOCO, design="loco", epochs=20))
    assert effects_by_epoch(table)["epoch"].unique().tolist() == [5, 10, 15, 20]
