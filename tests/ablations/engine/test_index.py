import sys

import optuna
import pytest
from trivial_plans import planned

from ablations.engine.index import Index, distribution
from ablations.engine.journal import SafeJournalBackend
from ablations.engine.source import PlannedSource
from ablations.engine.storage import check_storage_url
from ablations.engine.supervisor import execute
from ablations.errors import SettingError


def indexed(folder, storage=None) -> list[optuna.trial.FrozenTrial]:
    store = storage or optuna.storages.JournalStorage(SafeJournalBackend(folder.journal_file))
    return optuna.load_study(study_name="first", storage=store).trials


def run(folder, local, runs, storage=None):
    index = Index(storage or folder.journal_file, study="first", warn=folder.event)
    return execute(folder, PlannedSource(runs), executor=local(), train="trivial:bad", index=index)


def test_the_index_has_every_outcome_once(folder, local):
    run(folder, local, [planned(i) for i in range(4)] + [planned(4, wrong="raise")])
    trials = {trial.user_attrs["run"]: trial for trial in indexed(folder)}
    assert sorted(trials) == [f"run{i:05d}s0" for i in range(5)]
    assert [trial.state.name for _, trial in sorted(trials.items())] == ["COMPLETE"] * 4 + ["FAIL"]
    assert trials["run00002s0"].params == {"x": 2.0}
    assert trials["run00002s0"].value == folder.result("run00002s0")["val_loss"]


def test_a_lost_index_is_rebuilt_from_the_records(folder, local):
    runs = [planned(i) for i in range(3)]
    run(folder, local, runs)
    before = {trial.user_attrs["run"]: trial.value for trial in indexed(folder)}
    folder.journal_file.unlink()
    assert run(folder, local, runs).attempts == 0
    assert {trial.user_attrs["run"]: trial.value for trial in indexed(folder)} == before


def test_an_extended_study_gets_an_index_with_the_new_level(folder, local):
    def named(number: int, gate: str):
        one = planned(number)
        one.factors["gate"] = gate
        return one

    storage = f"sqlite:///{folder.path}/index.db"  # refuses changed choices by itself
    run(folder, local, [named(0, "a"), named(1, "b")], storage)
    run(folder, local, [named(0, "a"), named(1, "b"), named(2, "c")], storage)
    trials = indexed(folder, storage)
    assert sorted(trial.params["gate"] for trial in trials) == ["a", "b", "c"]
    assert trials[0].distributions["gate"].choices == ("a", "b", "c")


def test_numbers_are_ordered_for_optuna_and_words_are_not():
    assert distribution([4, 2, 16]) == optuna.distributions.IntDistribution(2, 16)
    assert distribution([4, 0.5]) == optuna.distributions.FloatDistribution(0.5, 4.0)
    assert distribution([True, False]).choices == (False, True)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql://me:canary@host/db", "`storage` must not hold a password"),
        ("nonsense", "`storage` must be a database URL"),
        ("oracel://host/db", "SQLAlchemy does not know"),
        ("mysql+pymysql://me@host/db", "pip install pymysql"),
    ],
)
def test_a_bad_storage_url_is_refused_without_showing_it(url, message, monkeypatch):
    monkeypatch.setitem(sys.modules, "pymysql", None)  # as where it is not installed
    with pytest.raises(SettingError, match=message) as refused:
        check_storage_url(url)
    assert "canary" not in str(refused.value)


def test_an_unreachable_database_delays_the_index_and_not_the_study(folder, local):
    index = Index("sqlite:////nowhere/at/all.db", study="first", warn=folder.event)
    index.close = lambda: Index.close(index, 0.2)  # the study's end waits 20 s for a database
    summary = execute(
        folder, PlannedSource([planned(0)]), executor=local(), train="trivial:quick", index=index
    )
    assert summary.exit_code == 0
    assert "index_unreachable" in folder.events_file.read_text()
