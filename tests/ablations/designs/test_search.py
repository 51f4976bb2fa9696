import optuna
import pytest

from ablations.designs.expand import planned_run
from ablations.designs.search import per_level, propose, search_of, suggest
from ablations.designs.space import Factor, Space
from ablations.designs.spaces import load_space
from ablations.errors import SettingError


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
    assert arm.arm["attention.reduction"] == 8
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


def test_a_budget_per_arm_is_a_search_of_each_level_over_the_other_factors() -> None:
    space = load_space("full")
    parts = per_level(space, "attention.reduction")
    assert parts == {f"trials-{r:.1f}": {"attention.reduction": r} for r in (1, 2, 4, 8, 16)}
    trial = optuna.create_study().ask()
    arm = propose(trial, space, fixed=parts["trials-8.0"])
    while arm.arm["attention.placement"] == "none":
        trial = optuna.create_study().ask()
        arm = propose(trial, space, fixed=parts["trials-8.0"])
    assert not [name for name in trial.params if "reduction" in name]
    assert "reduction=8" in arm.label
    planned = planned_run(arm, seed=0, stage="search")
    assert search_of(planned, "attention.reduction") == "trials-8.0"
    assert planned.factors["attention.reduction"] == 8


def test_an_arm_that_does_not_use_the_fixed_level_is_one_arm_for_all_searches() -> None:
    trial = optuna.trial.FixedTrial({"attention.placement": "none"})
    space = load_space("full")
    parts = per_level(space, "attention.gate")
    arms = [propose(trial, space, fixed=fixed) for fixed in parts.values()]
    assert {arm.label for arm in arms} == {"placement=none"}
    assert len({arm.id for arm in arms}) == 1
    owners = {search_of(planned_run(arm, seed=0, stage="search"), "attention.gate") for arm in arms}
    assert owners == {"trials-sigmoid"}


@pytest.mark.parametrize(
    ("space", "factor", "message"),
    [
        ("full", "attention.gat", r"Did you mean 'attention\.gate'\?"),
        ("gate", "attention.gate", "is the only one of the space"),
    ],
)
def test_a_budget_per_arm_needs_a_factor_and_others_to_tune(
    space: str, factor: str, message: str
) -> None:
    with pytest.raises(SettingError, match=message):
        per_level(load_space(space), factor)


def test_a_range_of_hidden_widths_takes_the_place_of_the_baselines_reduction() -> None:
    space = Space(name="s", factors=(Factor(name="attention.hidden", low=1, high=8),))
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    arms = [propose(study.ask(), space) for _ in range(5)]
    widths = [trial.params["attention.hidden"] for trial in study.get_trials()]
    assert [arm.arm["attention.hidden"] for arm in arms] == widths
    assert len(set(widths)) > 1
    assert {arm.arm["attention.reduction"] for arm in arms} == {None}
