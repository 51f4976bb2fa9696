import sys
import time
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import optuna
import pytest
from trivial_plans import planned

from ablations.engine.records import index as index_module
from ablations.engine.records.index import Index, distribution, run_as_trial
from ablations.engine.records.journal import SafeJournalBackend
from ablations.engine.records.storage import check_storage_url
from ablations.engine.sources.source import PlannedSource
from ablations.engine.supervision.supervisor import execute
from ablations.errors import SettingError, StudyError


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


def test_a_start_with_nothing_new_does_not_replay_the_journal(folder, local, monkeypatch):
    runs = [planned(i) for i in range(3)]
    run(folder, local, runs)
    content = folder.journal_file.read_bytes()
    opened, real = [], index_module._Store
    monkeypatch.setattr(index_module, "_Store", lambda *given: opened.append(1) or real(*given))
    run(folder, local, runs)
    assert (opened, folder.journal_file.read_bytes()) == ([], content)
    run(folder, local, [*runs, planned(3)])
    assert opened
    assert len(indexed(folder)) == 4


@pytest.mark.parametrize("lines", [1, 2, 3])
def test_a_journal_that_lost_its_end_is_filled_up(folder, local, lines):
    runs = [planned(i) for i in range(3)]
    run(folder, local, runs)
    kept = folder.journal_file.read_bytes().splitlines(keepends=True)
    folder.journal_file.write_bytes(b"".join(kept[:-lines]))
    run(folder, local, runs)
    assert sorted(trial.user_attrs["run"] for trial in indexed(folder)) == [one.run for one in runs]


def test_an_outcome_that_optuna_refused_is_sent_again_at_the_next_start(folder):
    for _ in range(2):
        index = Index(folder.journal_file, study="first", warn=folder.event)
        index.prepare([planned(0)])
        index.stand([(planned(0), {"state": "COMPLETE", "val_loss": float("nan")})])
        index.close()
    assert folder.events_file.read_text().count("index_refused") == 2


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


def as_trial(params, distributions, values):
    return optuna.trial.create_trial(
        params=params, distributions=distributions, values=values, user_attrs={"key": "trials0"}
    )


def test_a_searchs_choices_and_a_designs_are_one_distribution(folder):
    index = Index(
        folder.journal_file, study="first", levels={"gate": ("b", "a")}, warn=folder.event
    )
    one = planned(0)
    one.factors["gate"] = "c"
    index.prepare([one])
    index.add(one, {"state": "COMPLETE", "val_loss": 0.5})
    choices = {"gate": optuna.distributions.CategoricalDistribution(["b", "a"])}
    index.add_trial(as_trial({"gate": "a"}, choices, [0.25]))
    index.close()
    assert [trial.value for trial in indexed(folder)] == [0.5, 0.25]
    assert {t.distributions["gate"].choices for t in indexed(folder)} == {("a", "b", "c")}
    assert not folder.events_file.exists()


def test_an_arm_outside_the_range_that_was_searched_is_indexed(folder):
    between = optuna.distributions.FloatDistribution(1.0, 4.0, log=True)
    index = Index(folder.journal_file, study="first", ranges={"x": between}, warn=folder.event)
    index.prepare([planned(8)])
    index.add(planned(8), {"state": "COMPLETE", "val_loss": 0.5})
    index.add_trial(as_trial({"x": 2.0}, {"x": between}, [0.25]))
    index.close()
    assert [trial.params["x"] for trial in indexed(folder)] == [8.0, 2.0]


def test_several_objectives_are_several_values_each_in_its_own_direction(folder, local):
    run(folder, local, [planned(0)])  # an index of one objective, from before
    index = Index(
        folder.journal_file,
        study="first",
        objectives=("val_accuracy", "params"),
        directions=("maximize", "minimize"),
        warn=folder.event,
    )
    index.prepare([planned(0), planned(1)])
    sure = {"state": "COMPLETE", "val_loss": 0.5, "val_accuracy": 0.75}
    index.add(replace(planned(0), cost={"params": 7}), sure)
    index.add(planned(1), {"state": "COMPLETE", "val_loss": 0.5})  # has no accuracy
    index.close()
    store = optuna.storages.JournalStorage(SafeJournalBackend(folder.journal_file))
    study = optuna.load_study(study_name="first", storage=store)
    assert [way.name for way in study.directions] == ["MAXIMIZE", "MINIMIZE"]
    assert [trial.values for trial in study.trials] == [[0.75, 7.0]]


def test_a_trial_that_optuna_refuses_is_reported_and_not_tried_for_ever(folder):
    index = Index(folder.journal_file, study="first", warn=folder.event)
    index.add_trial(as_trial({}, {}, [0.25, 7.0]))
    began = time.monotonic()
    index.close()
    assert time.monotonic() - began < 10
    assert "index_refused" in folder.events_file.read_text()


EARLY, LATE = "2026-11-25T00:30:00.000+00:00", "2026-11-25T01:10:00.000+00:00"


@pytest.mark.parametrize(
    ("times", "minutes"),
    [
        ({"started": EARLY, "ended": LATE}, 40),
        ({"started": LATE, "ended": EARLY}, -40),  # the clock was put back
        ({"started": None, "ended": LATE}, 0),  # its worker died
        ({"started": EARLY}, 0),
        ({}, 0),
    ],
)
def test_the_times_of_a_trial_are_such_as_optuna_writes(times, minutes):
    result = {"state": "FAILED", "val_loss": None, **times}
    kinds = {name: distribution([value]) for name, value in planned(0).factors.items()}
    trial = run_as_trial(planned(0), result, kinds, ["val_loss"])
    assert trial.datetime_start.tzinfo is trial.datetime_complete.tzinfo is None
    assert round(trial.duration.total_seconds() / 60) == minutes
    assert abs(trial.datetime_start - trial.datetime_complete) < timedelta(hours=1)


def test_numbers_are_ordered_for_optuna_and_words_are_not():
    assert distribution([4, 2, 16]) == optuna.distributions.IntDistribution(2, 16)
    assert distribution([4, 0.5]) == optuna.distributions.FloatDistribution(0.5, 4.0)
    assert distribution([True, False]).choices == (False, True)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql://me:canary@host/db", "`storage` must not hold a password"),
        ("postgresql://me@host/db?password=canary", "`storage` must not hold a password"),
        ("mysql+pymysql://me@host/db?passwd=canary", "`storage` must not hold a password"),
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
    said = []
    progress = SimpleNamespace(line=said.append, show=lambda *_: None, close=lambda: None)
    summary = execute(
        folder, PlannedSource([planned(0)]), executor=local(), train="trivial:quick", index=index, progress=progress,
    )  # fmt: skip
    assert summary.exit_code == 0
    assert said[-1].startswith("Optuna's storage lacks outcomes: ")
    deadline = time.monotonic() + 30  # the first attempt imports the driver
    while "index_unreachable" not in folder.events_file.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_study_that_is_removed_while_it_runs_ends_in_a_sentence(folder, local, capfd):
    class Removing(PlannedSource):
        def ended(self, planned, result):
            super().ended(planned, result)
            folder.path.rename(folder.path.with_name("moved"))

    index = Index(folder.journal_file, study="first", warn=folder.event)
    source = Removing([planned(i) for i in range(4)])
    with pytest.raises(StudyError, match=r"cannot write to .*/first: .*ENOENT"):
        execute(folder, source, executor=local(), train="trivial:bad", index=index)
    assert "Traceback" not in capfd.readouterr().err
