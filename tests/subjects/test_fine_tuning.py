"""Fine-tuning of a user's own: what they set stays, a test is run once, data are not made again."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ablations import SettingError, Space, load_space
from ablations.subjects.own_module import built, shared_data
from ablations.subjects.own_module.built import data_of

Trained = Callable[..., tuple[dict[str, Any], list[dict[str, Any]]]]
CONTENT: dict[str, Any] = {
    "subject": "tuned:Tuned",
    "data": "tuned:Prepared",
    "metrics": [
        {"name": "val_mae", "direction": "minimize", "unit": "sd"},
        {"name": "val_r2", "direction": "maximize"},
        {"name": "test_mae", "direction": "minimize", "at": "test"},
    ],
    "trainer": {
        "max_epochs": 9,
        "precision": "bf16-mixed",
        "accumulate_grad_batches": 2,
        "callbacks": [
            "LearningRateMonitor",
            {"class_path": "RichProgressBar", "init_args": {"leave": True}},
        ],
    },
    "baseline": {"model.norm": "batch"},
    "factors": [{"name": "model.norm", "levels": ["batch", "none"]}],
}


@pytest.fixture
def calls(
    mine: Path,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> list[str]:
    machine = tmp_path_factory.mktemp("machine")
    monkeypatch.setattr(shared_data.tempfile, "gettempdir", lambda: str(machine))
    monkeypatch.setattr(built, "_kept", {})
    found: list[str] = importlib.import_module("tuned").CALLS
    return found


def space_of(**changes: Any) -> Space:
    Path("space.yaml").write_text(yaml.safe_dump({**CONTENT, **changes}))
    return load_space("space.yaml")


def test_what_a_user_brings_is_kept_and_a_run_that_stops_early_is_whole(
    calls: list[str], trained: Trained
) -> None:
    space = space_of()
    result, _ = trained(space)
    assert result["epochs_run"] == result["epochs_planned"] == 2
    assert {"val_mae", "val_r2"} <= result.keys()
    assert result["test"].keys() == {"test_mae"}
    assert set(space.about.searchable()) == {"val_mae", "val_r2", "seconds"}
    assert [(one.name, one.unit) for one in space.about.metrics] == [
        ("val_mae", "sd"), ("val_r2", ""),
    ]  # fmt: skip
    assert [one.name for one in space.about.tested] == ["test_mae"]


def test_the_test_runs_only_where_a_metric_is_read_at_it(
    calls: list[str], trained: Trained
) -> None:
    result, _ = trained(space_of(metrics=CONTENT["metrics"][:2]))
    assert "test" not in result
    assert "setup test" not in calls


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        ([{"name": "a", "at": "test"}], r"the first metric decides, so it must be one that epochs measure, but 'a'"),
        ([{"name": "a"}, {"name": "b", "at": "best"}], r"the epoch is that of the first metric, 'a', but 'b' asks"),
    ],
)  # fmt: skip
def test_a_metric_that_is_read_where_it_cannot_be_is_refused(
    calls: list[str], metrics: list[dict[str, str]], message: str
) -> None:
    with pytest.raises(SettingError, match=message):
        space_of(metrics=[{**one, "direction": "minimize"} for one in metrics])


def test_a_test_that_does_not_log_the_metric_is_said(calls: list[str], trained: Trained) -> None:
    named = {"name": "test_r2", "direction": "maximize", "at": "test"}
    with pytest.raises(
        SettingError, match=r"'test_r2' was not logged by the test; what was: 'test_mae'"
    ):
        trained(space_of(metrics=[CONTENT["metrics"][0], named]))


def test_data_are_prepared_once_on_a_machine_and_set_up_for_each_run(
    calls: list[str], trained: Trained
) -> None:
    space = space_of(metrics=CONTENT["metrics"][:1])
    trained(space)
    trained(space)
    assert calls == ["prepare", "setup fit", "setup fit"]


def test_data_that_are_kept_are_set_up_once_and_change_no_number(
    calls: list[str], trained: Trained
) -> None:
    few = CONTENT["metrics"][:1]
    fresh, _ = trained(space_of(metrics=few))
    calls.clear()
    kept = space_of(metrics=few, keep_data=True)
    results = [trained(kept)[0] for _ in range(2)]
    assert calls == ["setup fit"]
    for one in (fresh, *results):
        assert one.pop("epoch_seconds") > 0
    assert results == [fresh, fresh]
    trained(kept, **{"data.batch_size": 32})
    assert calls == ["setup fit", "prepare", "setup fit"]


def test_data_that_are_torn_down_are_set_up_again(calls: list[str], trained: Trained) -> None:
    kept = space_of(metrics=CONTENT["metrics"][:1], keep_data=True, data="tuned:TornDown")
    for _ in range(2):
        trained(kept)
    assert calls == ["prepare", *["setup fit", "teardown fit"] * 2]


def test_loggers_that_count_versions_are_told_the_runs_own(
    calls: list[str], trained: Trained, tmp_path: Path
) -> None:
    def logger(**more: Any) -> dict[str, Any]:
        return {"class_path": "CSVLogger", "init_args": {"save_dir": str(tmp_path), **more}}

    both = [logger(name="a"), logger(name="b", version=7)]
    few = {"metrics": CONTENT["metrics"][:1], "trainer": {"max_epochs": 1, "logger": both}}
    trained(space_of(subject="houses:Prices", data="houses:Houses", **few))
    (own,) = (tmp_path / "a").iterdir()
    assert own.name == "a1-1"
    assert [one.name for one in (tmp_path / "b").iterdir()] == ["version_7"]


def test_a_preparation_that_sets_attributes_is_run_in_every_run(calls: list[str]) -> None:
    for _ in range(2):
        data = data_of("tuned:Careless", {})
        data.prepare_data()
        assert data.rows == 3
    assert calls == ["prepare", "prepare"]
