import optuna
import pytest
from optuna.pruners import BasePruner, MedianPruner, NopPruner
from trivial_plans import planned

from ablations.engine.sources.proposed_arm import ProposedArm, Rules
from ablations.engine.sources.samplers import make_pruner


def arm(*states: str, runs: int, pruner: BasePruner | None = None, seeds: int = 3) -> ProposedArm:
    """One with so many runs, the first of which have these outcomes."""
    rules = Rules(seeds=tuple(range(seeds)), objectives=("val_loss",), pruner=pruner or NopPruner())
    made = ProposedArm("arm00000", rules, runs=[planned(0, seed=seed) for seed in range(runs)])
    for i, state in enumerate(states):
        made.results[made.runs[i].run] = {"state": state, "val_loss": float(i)}
    return made


@pytest.mark.parametrize(
    ("pruner", "in_turn", "by_epochs", "by_seeds"),
    [
        (NopPruner(), False, False, False),
        (MedianPruner(), True, True, False),
        (make_pruner("wilcoxon", epochs=1), True, False, True),
    ],
    ids=["none", "epochs", "seeds"],
)
def test_a_pruner_compares_arms_by_epochs_or_by_seeds(pruner, in_turn, by_epochs, by_seeds):
    rules = Rules(seeds=(0,), objectives=("val_loss",), pruner=pruner)
    assert (rules.in_turn, rules.by_epochs, rules.by_seeds) == (in_turn, by_epochs, by_seeds)


def test_seeds_follow_each_other_at_once_unless_an_earlier_one_can_prune():
    assert arm(runs=1).next_seed == 1
    assert arm(runs=1, pruner=MedianPruner()).next_seed is None
    assert arm("COMPLETE", runs=1, pruner=MedianPruner()).next_seed == 1
    assert arm("COMPLETE", "COMPLETE", runs=3).next_seed is None
    assert arm("FAILED", runs=1).next_seed is None


@pytest.mark.parametrize(
    ("states", "runs", "ending"),
    [
        ((), 0, None),
        (("COMPLETE",), 2, None),
        (("COMPLETE", "COMPLETE"), 2, None),
        (("COMPLETE",) * 3, 3, "COMPLETE"),
        (("COMPLETE", "PRUNED"), 2, "PRUNED"),
        (("FAILED", "PRUNED"), 2, "FAIL"),
        (("FAILED",), 2, None),
    ],
)
def test_an_arm_ends_when_all_its_runs_have_outcomes_and_these_say_so(states, runs, ending):
    assert arm(*states, runs=runs).ending() == ending


@pytest.mark.parametrize(("seeds", "ending"), [(3, "PRUNED"), (2, "COMPLETE")])
def test_an_arm_that_is_worse_is_given_up_only_while_it_lacks_seeds(monkeypatch, seeds, ending):
    monkeypatch.setattr(optuna.Trial, "should_prune", lambda trial: True)
    pruner = make_pruner("wilcoxon", epochs=1)
    worse = arm("COMPLETE", "COMPLETE", runs=2, pruner=pruner, seeds=seeds)
    worse.trials.append(optuna.create_study().ask())
    assert worse.ending() == ending


def test_the_objectives_are_means_over_the_seeds():
    assert arm("COMPLETE", "COMPLETE", "COMPLETE", runs=3).means() == [1.0]
