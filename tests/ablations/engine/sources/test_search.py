from collections.abc import Callable
from dataclasses import replace

import optuna
import pytest
from trivial_plans import EPOCHS, STUDY, plan_of, real
from trivial_plans import planned as trivial_run

from ablations.designs.search import recast
from ablations.designs.space import Factor, Space
from ablations.engine.records.folder import StudyFolder
from ablations.engine.records.second_tries import take_back
from ablations.engine.sources.search import SearchSource
from ablations.engine.sources.source import Source
from ablations.engine.sources.trials import TrialRecords
from ablations.engine.supervision.supervisor import execute
from ablations.errors import SettingError, StudyError
from ablations.plan import PlannedRun
from ablations.subjects.attention.settings.arms import with_values
from ablations.subjects.attention.settings.groups import Arm


def two(trial: optuna.Trial, seed: int) -> PlannedRun:
    trial.suggest_float("y", 0.0, 1.0)
    return real(trial, seed)


def three(trial: optuna.Trial, seed: int) -> PlannedRun:
    return plan_of(trial.suggest_categorical("x", [0.0, 0.5, 1.0]), seed)


def loss(planned: PlannedRun) -> float:
    return (planned.settings["x"] - 0.3) ** 2 + 0.001 * planned.seed


def result(planned: PlannedRun, state: str = "COMPLETE", **fields: object) -> dict:
    return {"run": planned.run, "state": state, "val_loss": loss(planned), **fields}


def drive(folder: StudyFolder, source: Source, *, stop_after: int | None = None) -> list[str]:
    """A supervisor in memory of this test: every run's outcome is its loss. Returns what ran."""
    outcomes = folder.results(run.run for run in folder.plan())
    source.resume(folder.plan(), outcomes)
    known = {run.run for run in folder.plan()}
    ran: list[str] = []
    while (planned := source.next()) is not None and len(ran) != stop_after:
        if planned.run not in known:
            folder.append_plan([planned])
        outcome = train(source, planned)
        attempt = folder.begin_attempt(planned.run)
        folder.end_attempt(planned.run, attempt, outcome)
        folder.commit([(planned.run, attempt)])
        ran.append(planned.run)
        if len(ran) != stop_after:  # the last outcome is committed and the source never hears of it
            source.ended(planned, outcome)
    return ran


def train(source: Source, planned: PlannedRun) -> dict:
    for epoch in range(1, EPOCHS + 1):
        if source.epoch(planned, {"epoch": epoch, "val_loss": loss(planned) + 1 / epoch}):
            return result(planned, "PRUNED")
    return result(planned)


def recorded(folder: StudyFolder) -> list:
    return TrialRecords(folder.path / "trials.jsonl").read()[0]


@pytest.mark.parametrize("sampler", ["tpe", "gp", "qmc", "random", "nsga-ii"])
def test_a_search_ends_with_its_budget_of_different_arms(folder, sampler):
    source = SearchSource(folder, real, trials=12, sampler=sampler)
    ran = drive(folder, source)
    assert source.finished
    assert len(ran) == len(set(ran)) == 12
    assert [trial.state for trial in recorded(folder)] == ["COMPLETE"] * 12


@pytest.mark.parametrize("sampler", ["tpe", "gp", "qmc", "random", "nsga-ii"])
def test_a_killed_search_goes_on_without_losing_or_repeating_a_run(folder, sampler):
    first = drive(folder, SearchSource(folder, real, trials=12, sampler=sampler), stop_after=5)
    rest = drive(folder, SearchSource(folder, real, trials=12, sampler=sampler))
    assert len(first) == 5
    assert len(set(first + rest)) == len(first + rest) == 12
    assert [trial.state for trial in recorded(folder)] == ["COMPLETE"] * 12
    assert [trial.values[0] for trial in recorded(folder)] == pytest.approx(
        [(trial.params["x"] - 0.3) ** 2 for trial in recorded(folder)]
    )


@pytest.mark.integration
def test_cma_es_searches_and_goes_on_after_a_kill(folder):
    pytest.importorskip("cmaes")
    first = drive(folder, SearchSource(folder, two, trials=20, sampler="cma-es"), stop_after=9)
    rest = drive(folder, SearchSource(folder, two, trials=20, sampler="cma-es"))
    assert len(set(first + rest)) == len(first + rest) == 20
    assert not any("cma:" in name for trial in recorded(folder) for name in trial.system)


def test_a_sampler_whose_package_is_missing_says_which(folder, monkeypatch):
    monkeypatch.setattr("ablations.engine.sources.samplers.find_spec", lambda name: None)
    source = SearchSource(folder, real, trials=1, sampler="cma-es")
    with pytest.raises(SettingError, match="'cma-es' needs the package cmaes: pip install cmaes"):
        source.resume([], {})


def test_the_same_seed_proposes_the_same_arms_and_another_seed_others(tmp_path):
    def arms(seed: int, name: str) -> list[str]:
        folder = StudyFolder.create(tmp_path / name, STUDY)
        return drive(folder, SearchSource(folder, real, trials=6, seed=seed))

    assert arms(1, "a") == arms(1, "b") != arms(2, "c")


def test_tpe_finds_the_better_half_more_often_than_random(folder):
    drive(folder, SearchSource(folder, real, trials=40))
    late = [abs(trial.params["x"] - 0.3) for trial in recorded(folder)[20:]]
    assert sum(late) / len(late) < 0.15  # uniform draws lie 0.29 away on average


def test_an_arm_proposed_again_is_answered_without_training(folder):
    source = SearchSource(folder, three, trials=3, sampler="random", seed=3)
    assert len(drive(folder, source)) == 3
    assert source.finished
    assert source.remark == ""
    trials = recorded(folder)
    assert len(trials) > 3
    assert all(trial.values == [loss(plan_of(trial.params["x"], 0))] for trial in trials)


def test_a_sampler_that_proposes_nothing_new_ends_the_search_and_it_is_said(folder):
    source = SearchSource(folder, three, trials=10, sampler="random")
    assert len(drive(folder, source)) == 3
    assert source.finished
    assert source.total == 3
    assert source.remark == (
        "The search ended after 3 of 10 arms: the sampler proposed no other in 50 trials."
    )
    before = len(recorded(folder))
    again = SearchSource(folder, three, trials=10, sampler="random")
    assert drive(folder, again) == []
    assert again.finished
    assert len(recorded(folder)) == before


def test_a_sampler_without_news_waits_for_live_arms_before_the_search_ends(folder):
    source = SearchSource(folder, three, trials=10, sampler="random")
    source.resume([], {})
    given = [source.next() for _ in range(3)]
    assert source.next() is None
    trials = len(recorded(folder))
    assert source.next() is None
    assert len(recorded(folder)) == trials
    assert not source.finished
    for planned in given:
        source.ended(planned, result(planned))
    assert source.next() is None
    assert source.finished


def test_a_run_that_a_design_planned_and_the_search_proposes_is_one_run(folder):
    folder.append_plan([plan_of(0.5, 0)])
    source = SearchSource(folder, three, trials=3, sampler="random")
    source.resume(folder.plan(), {})
    assert source.total == 3 + 1
    out = [source.next() for _ in range(3)]
    assert sorted(run.run for run in out) == [f"x{x:.6f}s0" for x in (0.0, 0.5, 1.0)]
    assert source.total == 3
    for planned in out:
        source.ended(planned, result(planned))
    assert source.next() is None
    assert source.finished


def test_a_new_level_moves_the_ranks_of_recorded_trials(folder):
    def ranked(trial: optuna.Trial, seed: int, levels: tuple[float, ...] = (0.25, 1.0)):
        x = levels[trial.suggest_int("x.rank", 0, len(levels) - 1)]
        trial.set_user_attr("x", x)
        return plan_of(x, seed)

    drive(folder, SearchSource(folder, ranked, trials=2, sampler="random"))
    space = Space(
        name="s",
        baseline=with_values(Arm(), {"training.learning_rate": 0.25}),
        factors=(Factor(name="training.learning_rate", levels=(0.25, 0.5, 1.0)),),
    )
    old = [
        replace(
            trial,
            params={"training.learning_rate.rank": trial.params["x.rank"]},
            distributions={"training.learning_rate.rank": trial.distributions["x.rank"]},
            levels={"training.learning_rate": trial.levels["x"]},
        )
        for trial in recorded(folder)
    ]
    for trial in (recast(one, space) for one in old):
        rank = trial.params["training.learning_rate.rank"]
        assert (0.25, 0.5, 1.0)[rank] == trial.levels["training.learning_rate"]
        study = optuna.create_study()
        study.add_trial(trial.frozen())
        assert study.trials[0].distributions["training.learning_rate.rank"].high == 2
    assert {one.params["training.learning_rate.rank"] for one in old} == {0, 1}


def test_a_trials_value_is_the_mean_over_its_seeds(folder):
    ran = drive(folder, SearchSource(folder, three, trials=3, seeds=(0, 1, 2), sampler="random"))
    assert len(ran) == 3 * len({name.split("s")[0] for name in ran})
    trial = recorded(folder)[0]
    assert trial.values[0] == pytest.approx((trial.params["x"] - 0.3) ** 2 + 0.001)


def test_seeds_are_side_by_side_without_a_pruner_and_in_turn_with_one(tmp_path):
    def given_at_once(pruner: str) -> list[int]:
        folder = StudyFolder.create(tmp_path / pruner, STUDY)
        source = SearchSource(folder, real, trials=1, seeds=(0, 1, 2), pruner=pruner)
        source.resume([], {})
        given = []
        while (planned := source.next()) is not None:
            given.append(planned.seed)
        return given

    assert given_at_once("none") == [0, 1, 2]
    assert given_at_once("median") == [0]


@pytest.mark.parametrize("pruner", ["median", "percentile", "asha", "hyperband"])
def test_pruners_by_epochs_give_arms_up_before_their_last_epoch(folder, pruner):
    source = SearchSource(
        folder, real, trials=30, sampler="random", pruner=pruner, epochs=EPOCHS, seed=3
    )
    drive(folder, source)
    trials = recorded(folder)
    pruned = [trial for trial in trials if trial.state == "PRUNED"]
    assert source.finished
    assert len(trials) == 30
    assert 0 < len(pruned) < 30
    assert all(max(trial.intermediate) < EPOCHS for trial in pruned)
    best = min((t for t in trials if t.state == "COMPLETE"), key=lambda trial: trial.values[0])
    assert all((trial.params["x"] - 0.3) ** 2 >= best.values[0] for trial in pruned)


def test_wilcoxon_gives_arms_up_between_seeds(folder):
    source = SearchSource(
        folder, real, trials=12, seeds=range(6), sampler="random", pruner="wilcoxon"
    )
    ran = drive(folder, source)
    states = [trial.state for trial in recorded(folder)]
    assert states.count("PRUNED") > 0
    assert len(states) == 12
    assert len(ran) < 12 * 6
    assert source.asks is False


def test_several_objectives_come_from_results_and_costs(folder):
    source = SearchSource(
        folder, real, trials=8, sampler="nsga-ii", objectives=("val_loss", "params")
    )
    drive(folder, source)
    trial = recorded(folder)[3]
    assert trial.values == [
        pytest.approx((trial.params["x"] - 0.3) ** 2),
        round(100 * (1 - trial.params["x"])),
    ]


def test_constraints_survive_a_kill_and_steer_the_sampler(folder):
    def small(trial: optuna.Trial, seed: int) -> PlannedRun:
        planned = real(trial, seed)
        trial.set_constraint("params", planned.cost["params"] - 40)  # x >= 0.6, away from the best
        return planned

    def source() -> SearchSource:
        return SearchSource(folder, small, trials=40, seeds=(0, 1), sampler="tpe")

    drive(folder, source(), stop_after=31)
    drive(folder, source())
    trials = recorded(folder)
    assert trials[0].system["constraints:params"] == round(100 * (1 - trials[0].params["x"])) - 40
    free = StudyFolder.create(folder.path.with_name("free"), STUDY)
    drive(free, SearchSource(free, real, trials=40, seeds=(0, 1), sampler="tpe"))
    legal, legal_by_chance = (
        sum(trial.params["x"] >= 0.595 for trial in some[20:]) for some in (trials, recorded(free))
    )
    assert legal >= 10 > 5 >= legal_by_chance


def test_illegal_proposals_are_told_and_do_not_count(folder):
    def picky(trial: optuna.Trial, seed: int) -> PlannedRun:
        planned = real(trial, seed)
        if planned.settings["x"] < 0.5:
            raise SettingError("`x >= 0.5` must hold.")
        return planned

    drive(folder, SearchSource(folder, picky, trials=8, sampler="random"))
    states = [trial.state for trial in recorded(folder)]
    assert states.count("COMPLETE") == 8
    assert states.count("FAIL") == sum(t.params["x"] < 0.5 for t in recorded(folder)) > 0


def test_a_space_without_legal_arms_is_said_so(folder):
    def never(trial: optuna.Trial, seed: int) -> PlannedRun:
        raise SettingError("no.")

    source = SearchSource(folder, never, trials=300, sampler="random")
    source.resume([], {})
    with pytest.raises(
        StudyError, match=r"proposed 200 illegal arms in a row, .* because: no\. Narrow the space\."
    ):
        source.next()


def test_failed_arms_do_not_count_and_cannot_keep_a_search_going_for_ever(folder):
    source = SearchSource(folder, real, trials=5, sampler="random")
    source.resume([], {})
    given = 0
    while (planned := source.next()) is not None:
        given += 1
        source.ended(planned, result(planned, "FAILED", val_loss=None))
    assert source.finished
    assert given == 5 + 10 + 1


def test_runs_planned_before_by_a_design_are_run_too(folder):
    folder.append_plan([plan_of(7.0, 0)])
    ran = drive(folder, SearchSource(folder, real, trials=2))
    assert ran[0] == "x7.000000s0"
    assert len(ran) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trials": 0}, "`trials >= 1` must hold, but got 0."),
        ({"trials": 1, "seeds": (1, 1)}, r"`seeds` must name each seed once"),
        ({"trials": 1, "pruner": "medain"}, "Did you mean 'median'?"),
        (
            {"trials": 1, "objectives": ("val_loss", "params"), "pruner": "median"},
            "`pruner` must be 'none' with several objectives",
        ),
    ],
)
def test_wrong_settings_of_a_search_are_refused(folder, options, message):
    with pytest.raises(SettingError, match=message.replace("?", r"\?")):
        SearchSource(folder, real, **options)


def test_a_misspelt_sampler_is_refused_with_the_nearest_name(folder):
    source = SearchSource(folder, real, trials=1, sampler="tpee")
    with pytest.raises(SettingError, match="Did you mean 'tpe'"):
        source.resume([], {})


def test_an_unknown_objective_names_the_known_ones(folder):
    source = SearchSource(folder, real, trials=1, objectives=("flops",))
    message = r"`objectives` must be one of .*'params', .*'val_loss', but got 'flops'"
    with pytest.raises(SettingError, match=message):
        drive(folder, source)


def test_a_search_without_news_ends_under_the_supervisor_and_says_so(
    folder: StudyFolder, local: Callable[..., object]
):
    def few(trial: optuna.Trial, seed: int) -> PlannedRun:
        return trivial_run(trial.suggest_categorical("x", [0, 1, 2]), seed=seed)

    source = SearchSource(folder, few, trials=10, sampler="random")
    summary = execute(folder, source, executor=local(2), train="trivial:quick")
    assert (summary.complete, summary.waiting, summary.exit_code) == (3, 0, 0)
    assert "proposed no other in 50 trials" in folder.events_file.read_text()


def test_a_search_runs_and_prunes_under_the_supervisor(
    folder: StudyFolder, local: Callable[..., object]
):
    source = SearchSource(folder, real, trials=16, sampler="random", pruner="median", seed=2)
    summary = execute(folder, source, executor=local(), train="trivial:steps")
    assert (summary.complete + summary.pruned, summary.waiting) == (16, 0)
    assert summary.pruned == sum(trial.state == "PRUNED" for trial in recorded(folder)) > 0
    pruned = [run for run in folder.results(r.run for r in folder.plan()).values()
              if run["state"] == "PRUNED"]  # fmt: skip
    assert all(0 < run["epochs_run"] < EPOCHS and run["val_loss"] is not None for run in pruned)


def drive_failing(folder: StudyFolder, source: Source, bad: set[str]) -> list[str]:
    """As `drive`, where the first run that is trained fails unless `bad` names it."""
    outcomes = folder.results(run.run for run in folder.plan())
    source.resume(folder.plan(), outcomes)
    known, ran = {run.run for run in folder.plan()}, list[str]()
    while (planned := source.next()) is not None:
        if planned.run not in known:
            folder.append_plan([planned])
        outcome = train(source, planned)
        if not bad:
            bad.add(planned.run)
            outcome = {
                "run": planned.run,
                "state": "FAILED",
                "error": {"type": "E", "message": "m"},
            }
        attempt = folder.begin_attempt(planned.run)
        folder.end_attempt(planned.run, attempt, outcome)
        folder.commit([(planned.run, attempt)])
        ran.append(planned.run)
        source.ended(planned, outcome)
    return ran


def test_a_failed_run_that_is_tried_again_is_told_once_as_a_trial_of_its_own(folder):
    def source() -> SearchSource:
        return SearchSource(folder, three, trials=3, seeds=(0, 1))

    bad: set[str] = set()
    drive_failing(folder, source(), bad)
    (run,) = bad
    before = recorded(folder)
    (failed,) = [trial.number for trial in before if trial.state == "FAIL"][:1]
    (planned,) = take_back(folder, folder.plan(), ["failed"])
    assert planned.run == run
    again = drive(folder, source())
    assert again[0] == run
    after = recorded(folder)
    assert after[failed].state == "FAIL"  # what was told stays
    new = [trial for trial in after[len(before) :] if trial.arm == before[failed].arm]
    assert [trial.state for trial in new][:1] == ["COMPLETE"]
    assert new[0].params == before[failed].params
    mates = [one for one in folder.plan() if one.arm == new[0].arm]
    assert new[0].values[0] == pytest.approx(sum(map(loss, mates)) / 2)
    assert drive(folder, source()) == []
    assert len(recorded(folder)) == len(after)


def test_a_kill_between_the_new_outcome_and_its_telling_loses_and_repeats_nothing(folder):
    def source() -> SearchSource:
        return SearchSource(folder, three, trials=3)

    drive_failing(folder, source(), set())
    before = recorded(folder)
    take_back(folder, folder.plan(), ["failed"])
    (run,) = drive(folder, source(), stop_after=1)  # committed, and the source never heard of it
    assert recorded(folder)[len(before)].state is None
    assert run not in drive(folder, source())
    told = recorded(folder)[len(before)]
    assert (told.state, told.values) == ("COMPLETE", [pytest.approx(loss_of(folder, run))])


def loss_of(folder: StudyFolder, run: str) -> float:
    return next(loss(one) for one in folder.plan() if one.run == run)


def test_an_arm_proposed_again_is_shown_once(folder):
    shown: list[optuna.trial.FrozenTrial] = []
    drive(
        folder, SearchSource(folder, three, trials=3, sampler="random", seed=3, mirror=shown.append)
    )
    arms = [trial.arm for trial in recorded(folder)]
    firsts = [f"trials{arms.index(arm)}" for arm in dict.fromkeys(arms)]
    assert sorted(trial.user_attrs["key"] for trial in shown) == sorted(firsts)
    assert len(arms) > len(firsts) == 3
    again: list[optuna.trial.FrozenTrial] = []
    drive(folder, SearchSource(folder, three, trials=3, sampler="random", mirror=again.append))
    assert sorted(trial.user_attrs["key"] for trial in again) == sorted(firsts)
