"""Programs of the user's own, from YAML to verdict: a LightningModule with its data, and plain functions."""

import json
from pathlib import Path

import pytest
from called import exit_code

from ablations import SettingError, load_space
from analysis import read_study

PRICES = """
subject: houses:Prices
data: houses:Houses
metric: {name: val_mae, direction: minimize, unit: sd}
trainer: {max_epochs: 2, gradient_clip_val: 1.0}
baseline: {model.norm: batch, model.dropout: 0.1}
factors:
  - {name: model.norm, levels: [batch, none], off: none}
  - {name: model.dropout, levels: [0, 0.1], off: 0}
seeds: 3
"""
FUNCTION = """
subject: functions:train
metric: {name: val_mae, direction: minimize}
baseline: {tree: {depth: 3}, rate: 0.1}
factors: [{name: tree.depth, levels: [1, 3]}]
seeds: 3
"""
GENERATOR = """
subject: functions:epochs
metrics: [{name: score, direction: maximize}, {name: cost, direction: minimize}]
baseline: {epochs: 3, rate: 0.5}
factors: [{name: rate, levels: [0.1, 0.5]}]
seeds: 2
"""


@pytest.fixture
def here(mine: Path) -> Path:
    """A user's folder with spaces too."""
    for name, text in {"prices": PRICES, "function": FUNCTION, "generator": GENERATOR}.items():
        (mine / f"{name}.yaml").write_text(text)
    return mine


def executed(*words: str) -> object:
    """A command that runs a study with one worker, without the process that writes W&B's files."""
    return exit_code("run", *words, "--workers", "1", "--wandb", "disabled")


def test_a_lightning_module_is_studied_reproduced_and_read_in_its_own_metric(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not executed("prices.yaml", "--study", "p", "--design", "loco")
    table = read_study(here / "runs/p")
    assert (table.metric, table.unit, len(table.complete())) == ("val_mae", "sd", 9)
    assert table.frame["params"].nunique() == 2  # a norm has parameters, a dropout none
    run = next((here / "runs/p/runs").iterdir()).name
    capsys.readouterr()
    assert not exit_code("reproduce", "p", run)
    assert f"run {run}: equal" in capsys.readouterr().out
    assert not exit_code("report", "p")
    assert "nats" not in (here / "runs/p/report/index.html").read_text()


def test_settings_come_from_the_signatures_of_the_module_and_its_data(here: Path) -> None:
    space = load_space("prices.yaml")
    assert space.baseline == {
        "model.hidden": 16, "model.norm": "batch", "model.dropout": 0.1, "model.rate": 0.01,
        "data.batch_size": 64, "trainer.max_epochs": 2, "trainer.gradient_clip_val": 1.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"model.hiden": 3}, r"but got 'model\.hiden'\. Did you mean 'model\.hidden'\?"),
        ({"model.norm": "bach"}, r"`model\.norm` must be one of 'batch', 'none', but got 'bach'"),
        ({"model.hidden": "wide"}, r"`model\.hidden` must be int, but got 'wide'"),
        ({"trainer.devices": 2}, r"`trainer\.devices` is set by the framework"),
    ],
)
def test_a_setting_that_the_program_does_not_take_is_refused(
    here: Path, values: dict[str, object], message: str
) -> None:
    with pytest.raises(SettingError, match=message):
        load_space("prices.yaml", values)


@pytest.mark.parametrize(
    ("cut", "message"),
    [
        (
            "metric: {name: val_mae, direction: minimize, unit: sd}\n",
            r"must say what it measures|`metric` must say",
        ),
        (
            "trainer: {max_epochs: 2, gradient_clip_val: 1.0}\n",
            r"`trainer\.max_epochs` must be given",
        ),
    ],
)
def test_what_a_program_needs_and_nobody_said_is_asked_for(
    here: Path, cut: str, message: str
) -> None:
    (here / "cut.yaml").write_text(PRICES.replace(cut, ""))
    with pytest.raises(SettingError, match=message):
        load_space("cut.yaml")


def test_a_metric_that_is_never_logged_is_told_before_the_first_run_with_those_that_are(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "wrong.yaml").write_text(PRICES.replace("name: val_mae", "name: val_rmse"))
    assert exit_code("run", "wrong.yaml", "--study", "w", "--design", "loco") == 2
    said = capsys.readouterr().err
    assert "the metric 'val_rmse' was not logged in epoch 1; what was: 'val_mae'." in said
    assert not (here / "runs").exists()


def test_a_function_is_studied_paired_by_its_seed_and_gone_on_with_as_it_was(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not executed("function.yaml", "--study", "f")
    rows = read_study(here / "runs/f").complete()
    assert len(rows) == 6
    assert rows.groupby("seed")["val_mae"].nunique().eq(2).all()
    # An edited file that the program imports is drift.
    with (here / "own_data.py").open("a") as file:
        file.write("# edited\n")
    capsys.readouterr()
    assert executed("function.yaml", "--study", "f", "--seeds", "4", "--extend")
    assert "was started with other code, versions or data" in capsys.readouterr().err


@pytest.mark.long
def test_a_generator_gives_a_record_for_each_epoch(here: Path) -> None:
    assert not exit_code("run", "generator.yaml", "--study", "g", "--workers", "1")
    table = read_study(here / "runs/g")
    assert (table.direction, table.measured) == ("maximize", ("score", "cost"))
    assert sorted(table.complete()["epochs_run"]) == [2, 2, 3, 3]
    files = (here / "runs/g/runs").glob("*/1/epochs.jsonl")
    records = max((file.read_text().splitlines() for file in files), key=len)
    assert [json.loads(line)["epoch"] for line in records] == [1, 2, 3]


@pytest.mark.long
@pytest.mark.parametrize(
    ("function", "message"),
    [
        (
            "nothing",
            "a training must return a dict with 'val_mae', or yield one for each epoch, but returned nothing",
        ),
        (
            "other",
            "the metric 'val_mae' must be among what the training measures, but at the end there is 'loss'",
        ),
        (
            "zero",
            "the `epoch` that a training yields must be a whole number that counts up from 1, but it is 0 after 0",
        ),
        (
            "words",
            "what a training yields must be a dict of numbers for each epoch, but it yielded 'done'",
        ),
    ],
)
def test_a_function_that_measures_something_else_is_told_before_the_first_run(
    here: Path, function: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "wrong.yaml").write_text(FUNCTION.replace("functions:train", f"functions:{function}"))
    assert executed("wrong.yaml", "--study", "w", "--seeds", "1") == 2
    assert message in capsys.readouterr().err
    assert not (here / "runs").exists()


def test_a_function_of_other_arguments_is_refused(here: Path) -> None:
    (here / "wrong.yaml").write_text(FUNCTION.replace("functions:train", "functions:four"))
    with pytest.raises(SettingError, match=r"must be `train\(config\)`.*but takes \(a, b, c, d\)"):
        load_space("wrong.yaml")
