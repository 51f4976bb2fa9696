import json
from pathlib import Path

import optuna
import pytest

from ablations.designs.space import Factor, Space
from ablations.engine.executors.local import LocalExecutor
from ablations.engine.executors.slots import find_slots
from ablations.engine.records.folder import StudyFolder
from ablations.engine.records.journal import SafeJournalBackend
from ablations.engine.sources.source import PlannedSource
from ablations.errors import SettingError
from ablations.studies.adaptive_search import Search
from ablations.studies.objective import objective
from ablations.studies.study import Execution, confirm, run, show
from ablations.subjects.attention.settings.groups import Arm, Attention, Training

SPACE = Space(
    name="tiny",
    baseline=Arm(
        attention=Attention(reduction=4),
        training=Training(epochs=1, warmup_epochs=0, batch_size=256),
    ),
    factors=(
        Factor(name="attention.placement", levels=("standard", "none")),
        Factor(name="attention.reduction", levels=(1, 4, 16)),
    ),
)


@pytest.fixture
def quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)


def test_a_space_is_an_objective_of_a_plain_optuna_program(quiet: None) -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    study.optimize(objective(SPACE), n_trials=4)
    assert [trial.user_attrs["seed"] for trial in study.trials] == [0] * 4
    assert all(0 < trial.values[0] < 5 for trial in study.trials)
    chosen = {
        (t.user_attrs["attention.placement"], t.user_attrs.get("attention.reduction"))
        for t in study.trials
    }
    assert chosen <= {("standard", 1), ("standard", 4), ("standard", 16), ("none", None)}
    assert len(chosen) > 1


def test_the_objective_can_be_pruned(quiet: None) -> None:
    class Always(optuna.pruners.BasePruner):
        def prune(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> bool:
            return True

    base = {**SPACE.baseline, "training.epochs": 2}
    study = optuna.create_study(pruner=Always())
    study.optimize(objective(SPACE.model_copy(update={"baseline": base})), n_trials=1)
    assert study.trials[0].state == optuna.trial.TrialState.PRUNED
    assert list(study.trials[0].intermediate_values) == [1]
    study.optimize(objective(SPACE), n_trials=1)  # its only epoch is its last
    assert study.trials[1].state == optuna.trial.TrialState.COMPLETE


def test_a_trial_that_diverges_or_cannot_be_built_is_pruned_and_the_program_goes_on(
    quiet: None,
) -> None:
    wild = SPACE.model_copy(
        update={
            "factors": (
                Factor(name="training.learning_rate", levels=(1e-3, 1e30)),
                Factor(name="attention.reduction", levels=(3, 4)),
            )
        }
    )
    study = optuna.create_study()
    for rate in (0, 1):
        for ratio in (0, 1):
            study.enqueue_trial(
                {"training.learning_rate.rank": rate, "attention.reduction.rank": ratio}
            )
    study.optimize(objective(wild), n_trials=4)
    states = {
        (trial.user_attrs["training.learning_rate"], trial.user_attrs["attention.reduction"]): (
            trial.state.name
        )
        for trial in study.trials
    }
    assert states.pop((1e-3, 4)) == "COMPLETE"
    assert set(states.values()) == {"PRUNED"}


def test_show_folds_the_ratio_of_arms_without_attention() -> None:
    shown = show(SPACE)
    assert [arm.label for arm in shown.arms] == [
        "placement=standard, reduction=4 (baseline)",
        "reduction=1",
        "reduction=16",
        "placement=none",
    ]
    assert [label for label, _ in shown.folded] == [
        "placement=none, reduction=1",
        "placement=none, reduction=16",
    ]


@pytest.mark.long
def test_a_search_of_several_objectives_reaches_its_index_and_is_confirmed(tmp_path: Path) -> None:
    slots = find_slots(gpus=(), workers=1)

    def how() -> Execution:
        return Execution(executor=lambda _: LocalExecutor(slots), wandb="disabled")

    search = Search(trials=3, sampler="random", objectives=("val_accuracy", "params", "latency"))
    assert run(SPACE, design="search", search=search, root=tmp_path, execution=how()).complete == 3
    assert confirm("tiny", top=1, seeds=1, root=tmp_path, execution=how()).complete >= 4
    folder = StudyFolder.open(tmp_path / "tiny")
    store = optuna.storages.JournalStorage(SafeJournalBackend(folder.journal_file))
    study = optuna.load_study(study_name="tiny", storage=store)
    assert [way.name for way in study.directions] == ["MAXIMIZE", "MINIMIZE", "MINIMIZE"]
    results = [folder.result(planned.run) for planned in folder.plan()]
    assert {trial.values[0] for trial in study.trials} == {r["val_accuracy"] for r in results}
    assert all(0 < trial.values[2] < 1000 for trial in study.trials)
    assert "index" not in folder.events_file.read_text()


def test_stacked_seeds_are_given_out_together_to_slots_that_have_room_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[PlannedSource, LocalExecutor]] = []
    monkeypatch.setattr(
        "ablations.studies.study.execute",
        lambda folder, source, *, executor, **options: given.append((source, executor)),
    )
    how = Execution(wandb="disabled", stack=2)
    run(SPACE, seeds=4, root=tmp_path, execution=how)
    source, executor = given[0]
    assert executor.slots[:2] in [("cpu0.0", "cpu0.1"), ("gpu0.0", "gpu0.1")]
    source.resume([], {})
    first = [source.next() for _ in range(8)]
    assert [planned.seed for planned in first if planned] == [0, 1] * 4
    assert len({planned.arm for planned in first if planned}) == 4
    executor.close()


def test_a_stack_of_no_run_is_refused() -> None:
    with pytest.raises(SettingError, match=r"^`stack >= 1` must hold, but got 0\.$"):
        Execution(stack=0)


@pytest.mark.parametrize("minutes", [-1, float("nan")])
def test_an_age_that_is_none_is_refused(minutes: float) -> None:
    with pytest.raises(
        SettingError, match=r"^`checkpoint_minutes >= 0` must hold, but got (-1|nan)\. It is"
    ):
        Execution(checkpoint_minutes=minutes)


def test_a_search_is_not_stacked(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="`stack` must be 1 in a search, but got 5"):
        run(SPACE, design="search", root=tmp_path, execution=Execution(stack=5))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.integration
def test_a_run_of_two_processes_is_one_training_over_all_images(tmp_path: Path) -> None:
    space = SPACE.model_copy(update={"factors": SPACE.factors[1:], "seeds": 1})
    slots = find_slots(gpus=(), workers=1, processes_per_run=2)
    how = Execution(executor=lambda _: LocalExecutor(slots), wandb="disabled")
    assert run(space, root=tmp_path, execution=how).complete == 3
    for folder in (tmp_path / "tiny" / "runs").iterdir():
        result = json.loads((folder / "result.json").read_text())
        # Each of the 539 images that validate was seen once, by one of the two.
        right = result["val_accuracy"] * 539
        assert right == pytest.approx(round(right), abs=1e-3)
        assert result["val_accuracy"] > 0.1
        logs = [(folder / "1" / name).read_text() for name in ("log.txt", "log.1.txt")]
        assert ["MEMBER: 1/2" in logs[0], "MEMBER: 2/2" in logs[1]] == [True, True]
        assert "Warning" not in "".join(logs)
        assert "sync_dist" not in "".join(logs)
