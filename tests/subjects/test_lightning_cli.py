"""What LightningCLI's users have: objects in a file, a config as the baseline, an optimizer beside the module."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from ablations import SettingError, Space, load_space
from ablations.subjects.own_module.built import module_of, parts_of, trainer_options_of

Trained = Callable[..., tuple[dict[str, Any], list[dict[str, Any]]]]
SPACE = """
metric: {name: val_mae, direction: minimize}
baseline: config.yaml
factors:
  - {name: optimizer.init_args.lr, levels: [0.001, 0.01]}
  - {name: model.norm, levels: [batch, none]}
"""
CONFIG: dict[str, Any] = {
    "seed_everything": 42,
    "trainer": {
        "max_epochs": 1,
        "devices": 2,
        "accelerator": "auto",
        "num_sanity_val_steps": None,
        "logger": False,
        "callbacks": [
            {
                "class_path": "lightning.pytorch.callbacks.EarlyStopping",
                "init_args": {"monitor": "val_mae", "patience": 4},
            }
        ],
    },
    "model": {"class_path": "houses.Prices", "init_args": {"hidden": 8, "norm": "batch"}},
    "data": {"class_path": "houses.Houses", "init_args": {"batch_size": 100}},
    "optimizer": {"class_path": "torch.optim.SGD", "init_args": {"lr": 0.001, "momentum": 0.9}},
    "lr_scheduler": {
        "class_path": "lightning.pytorch.cli.ReduceLROnPlateau",
        "init_args": {"monitor": "val_mae"},
    },
    "ckpt_path": None,
    "weights_only": None,
}
ASSEMBLED = """
subject: parts:Assembled
data: houses:Houses
metric: {name: val_mae, direction: minimize}
trainer: {max_epochs: 1}
baseline:
  model:
    head: {class_path: parts.Head, init_args: {bias: true}}
    encoder: {width: 2}
    rule: {class_path: SGD, init_args: {lr: 0.1}}
factors:
  - {name: model.head.class_path, levels: [parts.Head, parts.Deep]}
  - {name: model.head.init_args.units, levels: [3, 5]}
  - {name: model.rule.init_args.lr, low: 0.01, high: 0.1, log: true}
"""


def space_of(folder: Path, changes: dict[str, Any]) -> Space:
    (folder / "config.yaml").write_text(yaml.safe_dump({**CONFIG, **changes}))
    (folder / "space.yaml").write_text(SPACE)
    return load_space("space.yaml")


def test_a_config_of_lightning_cli_is_the_baseline(mine: Path) -> None:
    space = space_of(mine, {})
    assert (space.subject, space.program.data) == ("houses:Prices", "houses:Houses")
    assert {name: space.baseline[name] for name in space.said} == {
        "model.hidden": 8, "model.norm": "batch", "data.batch_size": 100,
        "optimizer.class_path": "torch.optim.SGD", "optimizer.init_args.lr": 0.001,
        "optimizer.init_args.momentum": 0.9,
        "lr_scheduler.class_path": "lightning.pytorch.cli.ReduceLROnPlateau",
        "lr_scheduler.init_args.monitor": "val_mae",
    }  # fmt: skip
    assert space.baseline["trainer.max_epochs"] == 1
    (stopping,) = trainer_options_of(parts_of(space.baseline)["trainer"])["callbacks"]
    assert (stopping.monitor, stopping.patience) == ("val_mae", 4)


def test_what_a_config_says_and_a_study_does_not_use_is_said(mine: Path) -> None:
    space = space_of(mine, {})
    said = space.about.notes(space.baseline)
    assert len(said) == 4
    assert said[0] == "config.yaml: `seed_everything` (42): a study has seeds of its own."
    assert said[1].startswith(
        "config.yaml: `trainer.devices` (2) is not used. The engine places runs"
    )
    assert said[2].startswith("config.yaml: `trainer.logger` (False) is not used")
    assert said[3].startswith("`optimizer` takes the place of what `configure_optimizers`")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ckpt_path": "a.ckpt"}, r"'config\.yaml' starts from `ckpt_path` 'a\.ckpt', but every run"),
        ({"stopping": {}}, r"'config\.yaml': `section` must be one of 'model', .* but got 'stopping'"),
        ({"trainer": {"max_epoch": 3}}, r"'config\.yaml': `trainer option` must be .* but got 'max_epoch'"),
        ({"trainer": {}}, r"`trainer\.max_epochs` must be given"),
        ({"model": {"class_path": "houses.Prices", "init_args": {"hiden": 3}}}, r"but got 'model\.hiden'"),
        ({"optimizer": {"class_path": "torch.optim.SDG"}}, r"`optimizer\.class_path` must name a class, but 'torch"),
        ({"optimizer": {"class_path": "SGD", "init_args": {"lrr": 3}}}, r"`optimizer\.init_args` must be .* got 'lrr'"),
        ({"model": 3}, r"'config\.yaml': `model` must say names and their values, but is 3\. Write them below it"),
        ({"trainer": ["max_epochs"]}, r"'config\.yaml': `trainer` must say names and their values"),
        ({"data": {"class_path": "houses.Houses", "init_args": "--"}}, r"`data\.init_args` must say names .* is '--'"),
        ({"optimizer": None}, r"`optimizer\.class_path` must name the class whose arguments are given"),
    ],
)  # fmt: skip
def test_a_config_that_a_study_cannot_follow_is_refused(
    mine: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(SettingError, match=message):
        space_of(mine, changes)


@pytest.mark.parametrize("content", ["a: 1", "- 1", "word"])
def test_a_file_that_is_none_of_lightning_clis_is_refused(mine: Path, content: str) -> None:
    (mine / "config.yaml").write_text(content)
    (mine / "space.yaml").write_text(SPACE)
    with pytest.raises(
        SettingError,
        match=r"a file of LightningCLI's with a section `model`, but 'config\.yaml' is",
    ):
        load_space("space.yaml")


def test_the_optimizer_of_a_config_trains_the_module(mine: Path, trained: Trained) -> None:
    space = space_of(mine, {})
    slow, first = trained(space)
    fast, second = trained(space, **{"optimizer.init_args.lr": 0.01})
    assert [first[0]["learning_rate"], second[0]["learning_rate"]] == [0.001, 0.01]
    assert slow["val_mae"] != fast["val_mae"]


def test_objects_are_settings_and_keep_arms_paired(mine: Path, trained: Trained) -> None:
    (mine / "space.yaml").write_text(ASSEMBLED)
    space = load_space("space.yaml")
    about = space.about
    deep = about.changed(space.baseline, {"model.head.class_path": "parts.Deep"})
    unused = "model.head.init_args.units"
    assert about.unused(space.baseline) == {unused}
    assert about.unused(deep) == frozenset()
    assert about.settings[unused].kinds == {int}
    assert about.settings["model.encoder.act"].choices == ("relu", "gelu")
    assert "model.pool" in about.settings
    plain, other = (
        module_of("parts:Assembled", parts_of(arm)["model"], seed=1).module
        for arm in (space.baseline, deep)
    )
    assert torch.equal(plain.net[0].weight, other.net[0].weight)
    assert other.net[-1].between.weight.shape == (3, 16)
    assert plain.extra.weight.shape == (2, 1)
    assert plain.hparams["head"]["class_path"] == "parts.Head"
    trained(space, **{"model.head.class_path": "parts.Deep"})
