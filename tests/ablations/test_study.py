import optuna
import pytest

from ablations.settings import Arm, Attention, Training
from ablations.space import Factor, Space
from ablations.study import objective, show

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

    study = optuna.create_study(pruner=Always())
    study.optimize(objective(SPACE), n_trials=1)
    assert study.trials[0].state == optuna.trial.TrialState.PRUNED


def test_show_folds_the_ratio_of_arms_without_attention() -> None:
    shown = show(SPACE)
    assert [arm.label for arm in shown.arms] == [
        "placement=standard, reduction=4 (baseline)",
        "reduction=1",
        "reduction=16",
        "placement=none, reduction=1",
    ]
    assert [label for label, _ in shown.folded] == [
        "placement=none",
        "placement=none, reduction=16",
    ]
