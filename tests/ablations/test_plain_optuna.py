import optuna
import pytest

from ablations.plain_optuna import objective
from ablations.settings import Arm, Attention, Training
from ablations.space import Factor, Space

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

    longer = SPACE.baseline.training.model_copy(update={"epochs": 2})
    base = SPACE.baseline.model_copy(update={"training": longer})
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
