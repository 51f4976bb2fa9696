"""Bad input of a program of the user's own: one sentence with the way out, before the first run."""

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from ablations.designs.expand import expand
from ablations.designs.spaces import load_space
from ablations.errors import SettingError
from ablations.import_path import load
from ablations.subjects.function import trial
from ablations.subjects.function.run import call
from ablations.subjects.own_module.built import trainer_options_of
from ablations.subjects.own_module.two_steps import few_steps
from ablations.subjects.own_module.verify import verify
from ablations.subjects.program import Program
from ablations.subjects.signatures import settings_of

SPACE = """
subject: wrong:Small
data: wrong:Rows
metric: {name: val_loss, direction: minimize}
trainer: {max_epochs: 2}
factors: [{name: model.hidden, levels: [2, 3]}]
"""
SHORT, FACTORS, STOPPING = "{max_epochs: 2}", "factors: ", "class_path: EarlyStopping"
VAL_LOSS = {"name": "val_loss", "direction": "minimize"}


def refused(mine: Path, old: str, new: str) -> str:
    """What is said where a space is read whose text is changed so."""
    assert old in SPACE
    (mine / "space.yaml").write_text(SPACE.replace(old, new + old * (old == FACTORS)))
    with pytest.raises(SettingError) as error:
        load_space("space.yaml")
    return str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (SHORT, "{max_epoch: 2}", "the nearest are 'max_epochs', 'min_epochs', 'max_steps'), but got 'max_epoch'."),
        (f"trainer: {SHORT}\n", "", "has no default: for example `trainer: {max_epochs: 20}`."),
        (SHORT, "{max_epochs: 2, check_val_every_n_epoch: 0}", "_n_epoch` must be a whole number of at least 1, but"),
        (SHORT, "{max_epochs: 2, callbacks: [EarlyStoping]}", "Did you mean 'EarlyStopping'?"),
        (SHORT, f"{{max_epochs: 2, callbacks: [{{{STOPPING}, init_args: {{monitr: x}}}}]}}", "Did you mean 'monitor'?"),
        (SHORT, "{max_epochs: 2, logger: {class_path: CSVLogger}}", "the following arguments are required: save_dir."),
        (SHORT, "{max_epochs: 2, logger: {class_path: CSVLoger}}", "but got 'CSVLoger'. Did you mean 'CSVLogger'?"),
        (SHORT, "[max_epochs]", "`trainer` must be names and their values, but got ['max_epochs']. For example `tr"),
        (FACTORS, "baseline: {model.hidden: null}\n", "`model.hidden` must be int, but got None (NoneType)."),
        (FACTORS, "attach: net\n", "`attach` must be names and their values, but got 'net'. Say where: `attach: {at"),
        (FACTORS, "attach: {at: 3}\n", "`at` must be a list, but got 3. Say where: `attach: {at: "),
        (FACTORS, "attach: {at: []}\n", "`at` must not be empty. Say where: "),
        (FACTORS, "sedes: 3\n", "`setting` must be a known name (of 16, the nearest is 'seeds'), but got 'sedes'."),
        (FACTORS, "trainers: {}\n", "'trainer'"),
        ("wrong:Small", "wrong:rows.x", "module 'wrong' has no 'rows.x'"),
        ("wrong:Small\ndata: wrong:Rows", "wrong:Kind.A", "but 'wrong:Kind.A' is of the type Kind."),
    ],
)  # fmt: skip
def test_what_a_space_says_wrong_is_told_when_it_is_read(
    mine: Path, old: str, new: str, said: str
) -> None:
    told = refused(mine, old, new)
    assert said in told
    assert "\n" not in told


def test_a_module_that_exits_as_it_is_imported_is_named(mine: Path) -> None:
    (mine / "exits.py").write_text("import sys\nsys.exit(2)\n")
    with pytest.raises(
        SettingError, match=r"because 'exits' fails: SystemExit: 2 \(exits\.py, line"
    ):
        load("exits:train")
    with pytest.raises(
        SettingError, match=r"'exits\.py' fails: SystemExit: 2 \(exits\.py, line 2\)"
    ):
        load_space("exits.py")


def test_an_object_that_refuses_its_arguments_is_told_in_its_own_words() -> None:
    stopping = {"class_path": "EarlyStopping", "init_args": {"monitor": "a", "mode": "least"}}
    with pytest.raises(
        SettingError,
        match=r"^`trainer\.callbacks` cannot be made: MisconfigurationException: `mode` can be min, max, got least\.$",
    ):
        trainer_options_of({"callbacks": [stopping]})


def tried(subject: str = "wrong:Small", data: str = "wrong:Rows", *metrics: Any, **trainer: Any):
    program = Program(data=data, metrics=(VAL_LOSS, *metrics), trainer={"max_epochs": 2})
    return few_steps(subject, program, {"trainer.max_epochs": 2, **trainer})


NAMELESS = "so nothing is validated: that may be why."
R2, TESTED = {"name": "val_r2", "direction": "maximize"}, {**VAL_LOSS, "name": "test", "at": "test"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("wrong:Small", "wrong:Rows", R2), r"^the metric 'val_r2' was not logged in epoch 1; what was: 'val_loss'\."),
        (("wrong:Small", "wrong:Rows", {**TESTED, "name": "test_loss"}), r"^a test at the end needs `test_dataloader`"),
        (("wrong:Enumerated",), r"^`Enumerated` saves the hyperparameter `kind` = <Kind\.A: 'a'>, a Kind, which"),
        (("wrong:Small", "wrong:Unchecked"), rf"The `val_dataloader` gives no batch, {NAMELESS}"),
        (("wrong:Small", "wrong:one_loader"), rf"There is no loader to validate with, {NAMELESS}"),
        (("wrong:Small", "wrong:named_loaders"), r"but got a mapping of 'train', 'val'\. Return a tuple: first"),
    ],
)  # fmt: skip
def test_what_two_steps_show_is_told_before_the_first_run(
    mine: Path, given: tuple[Any, ...], said: str
) -> None:
    with pytest.raises(SettingError, match=said):
        tried(*given)


def test_an_option_that_a_short_training_leaves_out_is_looked_at_too(mine: Path) -> None:
    with pytest.raises(Exception, match=r"^`Timer\(duration='soon'\)` is not a valid duration"):
        tried(**{"trainer.max_time": "soon"})


def test_a_training_that_learns_nothing_is_noted(mine: Path) -> None:
    assert tried().learns
    for name in ("Untrained", "Lossless"):
        program = Program(data="wrong:Rows", metrics=(VAL_LOSS,), trainer={"max_epochs": 2})
        arms = {str(n): {"model.hidden": n, "trainer.max_epochs": 2} for n in (2, 3)}
        base, other = verify(f"wrong:{name}", program, arms, canonical=dict, epochs=lambda _: 2)
        assert base.warnings[0].startswith("two training steps of '2' changed no parameter: ")
        assert other.warnings == ()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("Unread", r"^`Unread\.fingerprint` fails: OSError: no such disk \(wrong\.py, line \d+\)\.$"),
        ("Nameless", r"^`Nameless\.fingerprint` must return a text or a number that tells the data from others, but"),
    ],
)  # fmt: skip
def test_data_that_cannot_say_what_they_are_are_refused(mine: Path, data: str, said: str) -> None:
    (mine / "space.yaml").write_text(SPACE.replace("wrong:Rows", f"wrong:{data}"))
    space = load_space("space.yaml")
    with pytest.raises(SettingError, match=said):
        space.about.identify(space.baseline)


@pytest.mark.parametrize(
    ("module", "said"),
    [("Lazy", r"`net` is a LazyLinear, whose tensors"), ("three", r"must return an `nn\.Module`, but it returned 3")],
)  # fmt: skip
def test_a_network_that_cannot_be_counted_is_told_as_it_is_listed(
    mine: Path, module: str, said: str
) -> None:
    (mine / "space.yaml").write_text(SPACE.replace("wrong:Small", f"wrong:{module}"))
    with pytest.raises(SettingError, match=said):
        expand(load_space("space.yaml"), design="loco")


def test_a_function_that_takes_its_config_by_name_only_is_refused(mine: Path) -> None:
    (mine / "space.yaml").write_text(
        "subject: wrong:by_name\nmetric: {name: val_loss, direction: minimize}\n"
        "baseline: {x: 1}\nfactors: [{name: x, levels: [1, 2]}]\n"
    )
    with pytest.raises(SettingError, match=r"`train\(config\)`, .* but takes \(\*, config\)\.$"):
        load_space("space.yaml")


def test_a_setting_in_the_place_of_the_seed_is_refused_before_it_is_given_one(mine: Path) -> None:
    (mine / "space.yaml").write_text(
        "subject: wrong:learns\nmetric: {name: val_loss, direction: minimize}\n"
        "baseline: {x: 1}\nfactors: [{name: x, levels: [1, 2]}]\n"
    )
    said = r"""`lr=0\.1` would be given the seed\. Call it `seed` .* read as config\["lr"\]\."""
    with pytest.raises(SettingError, match=said):
        load_space("space.yaml")


@pytest.mark.parametrize("given", ["1", "[wrong:learns]", "null", "{a: 1}"])
def test_a_subject_that_is_no_text_is_refused(mine: Path, given: str) -> None:
    (mine / "space.yaml").write_text(
        f"subject: {given}\nmetric: {{name: val_loss, direction: minimize}}\n"
        "baseline: {x: 1}\nfactors: [{name: x, levels: [1, 2]}]\n"
    )
    with pytest.raises(SettingError, match=r"`subject` must be a name or an import path"):
        load_space("space.yaml")


def test_a_class_path_that_is_no_text_is_refused() -> None:
    def made(optimizer: torch.optim.Optimizer | None = None) -> None: ...

    said = {"optimizer.class_path": [5], "optimizer.init_args.lr": [0.1]}
    with pytest.raises(SettingError, match=r"`model\.optimizer\.class_path` must be .* got 5\."):
        settings_of(made, said, at="model")


def test_a_function_of_any_number_of_arguments_is_given_all_three() -> None:
    program = Program(metrics=(VAL_LOSS,))
    found = call(
        load("wrong:any_number"), program, {"x": 2}, seed=7, context=SimpleNamespace(device="cpu")
    )
    assert found["val_loss"] == 207


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("diverges", "`val_loss` must be finite, but is nan: the run diverged."),
        ("diverges_at_once", "`val_loss` must be finite, but is inf: the run diverged."),
        ("lacks", "the metric 'val_r2' must be among what the training measures, but at the end there is 'val_loss'"),
    ],
)  # fmt: skip
def test_a_function_that_measures_no_number_is_told_before_the_first_run(
    mine: Path, tmp_path: Path, name: str, said: str
) -> None:
    program = Program(metrics=(VAL_LOSS, R2)).model_dump(mode="json")
    told = io.StringIO()
    given = {"program": program, "arm": {"x": 1}, "records": 1}
    trial._call(load(f"wrong:{name}"), given, tmp_path, told)
    (refused,) = [
        x["refused"] for x in map(json.loads, told.getvalue().splitlines()) if "refused" in x
    ]
    assert refused.startswith(said)
