import optuna

from ablations.designs.search import propose, suggest
from ablations.spaces import load_space


def test_an_enqueued_trial_is_the_arm_it_names() -> None:
    space = load_space("full")
    trial = optuna.trial.FixedTrial(
        {
            "attention.placement": "post",
            "attention.order": "before",
            "attention.reduction.rank": 3,
            "attention.squeeze": "max",
            "attention.gate": "two_sigmoid",
        }
    )
    arm = propose(trial, space)
    assert arm.arm.attention.reduction == 8
    assert arm.label == "placement=post, reduction=8, squeeze=max, gate=two_sigmoid"
    assert trial.user_attrs["attention.reduction"] == 8


def test_a_trial_is_not_asked_for_what_its_arm_does_not_use() -> None:
    trial = optuna.trial.FixedTrial({"attention.placement": "none"})
    assert suggest(trial, load_space("full")) == {"attention.placement": "none"}
    assert set(trial.params) == {"attention.placement"}


def test_ordered_levels_are_an_ordered_parameter() -> None:
    study = optuna.create_study()
    trial = study.ask()
    while "attention.reduction.rank" not in trial.params:
        trial = study.ask()
        suggest(trial, load_space("full"))
    kind = trial.distributions["attention.reduction.rank"]
    assert kind == optuna.distributions.IntDistribution(0, 4)


def test_ranges_keep_their_kind() -> None:
    trial = optuna.create_study().ask()
    chosen = suggest(trial, load_space("recipe"))
    kinds = trial.distributions
    assert kinds["training.learning_rate"].log
    assert 1e-3 <= chosen["training.learning_rate"] <= 1
    assert chosen["training.batch_size"] in (16, 32, 64, 128, 256)
