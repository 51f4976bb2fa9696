import json
import re
import sqlite3
from pathlib import Path

import optuna
import pytest

from analysis.errors import TableError
from analysis.tables.table import read_table
from analysis.tradeoff.tradeoff import fit_reduction


@pytest.fixture(autouse=True)
def _quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)


def objective(trial: optuna.Trial) -> float:
    r = trial.suggest_categorical("reduction", [2, 4, 8, 16])
    trial.set_user_attr("seed", trial.number // 4)
    trial.report(9.0, step=0)
    if trial.number % 5 == 4:
        raise optuna.TrialPruned
    return 1 + 1e-4 * float(r) ** 2 + 0.01 * (trial.number // 4)


def test_a_study_in_sqlite_is_read_and_its_pruned_values_are_not(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    sampler = optuna.samplers.GridSampler({"reduction": [2, 4, 8, 16]}, seed=0)
    study = optuna.create_study(storage=url, study_name="mine", sampler=sampler)
    for _ in range(5):
        study.optimize(objective, n_trials=4, catch=())
        study.sampler = optuna.samplers.GridSampler({"reduction": [2, 4, 8, 16]}, seed=0)
    table = read_table(f"{url}#mine")
    assert table.factors == ["attention.reduction"]
    assert table.excluded == {"state PRUNED": sum(t.state.name == "PRUNED" for t in study.trials)}
    assert table.frame.loc[table.frame["state"] == "PRUNED", "val_loss"].isna().all()
    fit = fit_reduction(table)
    assert fit.kappa == pytest.approx(2e-4)
    assert "selected_data" in fit.flags


def test_a_journal_is_read_without_a_study_name_where_it_holds_one(tmp_path: Path) -> None:
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    path = tmp_path / "journal.log"
    study = optuna.create_study(
        storage=JournalStorage(JournalFileBackend(str(path))), study_name="only"
    )
    study.add_trial(
        optuna.trial.create_trial(
            params={"gate": "a"},
            distributions={"gate": optuna.distributions.CategoricalDistribution(["a", "b"])},
            value=1.5,
        )
    )
    table = read_table(f"journal://{path}")
    assert table.study == "only"
    assert table.frame["val_loss"].tolist() == [1.5]
    with pytest.raises(TableError, match="has no study 'other'; it has only"):
        read_table(f"journal://{path}#other")


@pytest.mark.parametrize("scheme", ["sqlite:///", "journal://"])
def test_a_storage_that_is_not_there_is_not_made(tmp_path: Path, scheme: str) -> None:
    path = tmp_path / "none.db"
    with pytest.raises(TableError, match="there is no file"):
        read_table(f"{scheme}{path}#x")
    assert not path.exists()


def test_several_objectives_are_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    optuna.create_study(storage=url, study_name="two", directions=["minimize", "minimize"])
    with pytest.raises(TableError, match="study 'two' has several objectives"):
        read_table(f"{url}#two")
    optuna.create_study(storage=url, study_name="empty")
    with pytest.raises(TableError, match="study 'empty' has no trials"):
        read_table(f"{url}#empty")


def test_a_parameter_with_one_trial_for_each_level_is_a_factor_too(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    study = optuna.create_study(storage=url, study_name="one seed")
    choices = optuna.distributions.CategoricalDistribution(["a", "b"])
    fixed = optuna.distributions.CategoricalDistribution(["same"])
    for i, gate in enumerate(("a", "b")):
        study.add_trial(
            optuna.trial.create_trial(
                params={"gate": gate, "other": "same"},
                distributions={"gate": choices, "other": fixed},
                user_attrs={"seed": 0, "stage": "grid"},
                value=float(i),
            )
        )
    assert read_table(f"{url}#one seed").factors == ["gate"]


def one_trial_each(path: Path, params: list[dict[str, object]]) -> str:
    study = optuna.create_study(storage=f"sqlite:///{path}", study_name="s")
    for values in params:
        choices = {
            name: optuna.distributions.CategoricalDistribution([p[name] for p in params])
            for name in values
        }
        made = optuna.trial.create_trial(params=values, distributions=choices, value=1.0)
        study.add_trial(made)
    return f"sqlite:///{path}#s"


def test_a_parameter_named_seed_is_the_seed(tmp_path: Path) -> None:
    url = one_trial_each(tmp_path / "a.db", [{"lr": 0.1, "seed": 3}, {"lr": 0.2, "seed": 4}])
    table = read_table(url)
    assert table.factors == ["lr"]
    assert table.frame["seed"].tolist() == [3, 4]


@pytest.mark.parametrize("name", ["stage", "val_loss"])
def test_a_parameter_with_a_columns_name_is_refused(tmp_path: Path, name: str) -> None:
    url = one_trial_each(tmp_path / "a.db", [{name: "a"}, {name: "b"}])
    with pytest.raises(
        TableError, match=rf"parameter '{name}' of study 's' has the name of a column"
    ):
        read_table(url)


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("no database")
    with pytest.raises(TableError, match="cannot be read as an Optuna storage"):
        read_table(f"sqlite:///{tmp_path / 'x.db'}#s")


def test_a_database_that_another_program_writes_to_is_told(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    optuna.create_study(storage=url, study_name="s")
    writer = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    writer.execute("begin exclusive")
    with pytest.raises(TableError, match="another program is writing to it; wait for it"):
        read_table(f"{url}?timeout=0.1#s")
    writer.close()


def test_reading_a_storage_writes_nothing_into_it(tmp_path: Path) -> None:
    path = tmp_path / "a b%.db"
    study = optuna.create_study(storage=f"sqlite:///{path}", study_name="s")
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=3)
    with sqlite3.connect(path) as base:
        base.execute("delete from version_info")  # which optuna writes anew where it may
    base.close()
    before = path.read_bytes()
    path.chmod(0o400)
    with pytest.raises(TableError, match="cannot be read as an Optuna storage"):
        read_table(f"sqlite:///{path}#s", metric="x_value")
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_a_password_in_an_address_is_not_told() -> None:
    url = "postgresql://me:secret@127.0.0.1:9/d"
    with pytest.raises(TableError) as told:
        read_table(f"{url}#s")
    assert "secret" not in str(told.value)


def test_a_journal_whose_trial_is_damaged_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    held = optuna.storages.journal.JournalFileBackend(str(path))
    study = optuna.create_study(storage=optuna.storages.JournalStorage(held), study_name="s")
    study.add_trial(optuna.trial.create_trial(value=1.0, user_attrs={"seed": 0}))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        if "user_attrs" in line and "values" in line:
            line["user_attrs"] = []
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    told = "`user_attrs` of trial 0 must be a mapping, but is []"
    with pytest.raises(TableError, match=re.escape(told)):
        read_table(f"journal://{path}#s")
