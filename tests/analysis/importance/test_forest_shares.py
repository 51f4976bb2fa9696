import warnings

import numpy as np
import optuna
import pandas as pd
import pytest

from analysis.importance.forest_shares import forest_shares


def crossed(copies: int) -> pd.DataFrame:
    frame = pd.MultiIndex.from_product(
        [range(copies), ["avg", "max"], ["sigmoid", "tanh"], [1.0, 2.0, 3.0]],
        names=["copy", "squeeze", "gate", "depth"],
    ).to_frame(index=False)
    return frame.drop(columns="copy")


def test_the_shares_of_a_sum_are_those_of_its_terms() -> None:
    levels = crossed(8)
    # Variances 9/4, 1/4 and, of 0, 1, 2, 2/3.
    loss = 3.0 * (levels["squeeze"] == "max") + (levels["gate"] == "tanh") + levels["depth"]
    found = forest_shares(levels, loss.to_numpy(float), seed=0)
    expected = np.array([9 / 4, 1 / 4, 2 / 3])
    assert found == pytest.approx(expected / expected.sum(), abs=0.01)


def test_numbers_beyond_single_precision_count_by_their_order() -> None:
    levels = crossed(8)
    loss = (3.0 * (levels["squeeze"] == "max") + levels["depth"]).to_numpy(float)
    far = levels.assign(depth=levels["depth"].map({1.0: 1.0, 2.0: 1e39, 3.0: 1e300}))
    found, expected = (forest_shares(one, loss, seed=0) for one in (far, levels))
    assert found == pytest.approx(expected, abs=1e-9)


def test_combinations_count_alike_however_often_they_were_run() -> None:
    levels = crossed(8)
    loss = 3.0 * (levels["squeeze"] == "max") + (levels["gate"] == "tanh") + levels["depth"]
    often = np.repeat(np.arange(len(levels)), np.where(levels["squeeze"] == "max", 9, 1))
    found = forest_shares(levels.iloc[often], loss.to_numpy(float)[often], seed=0)
    assert found == pytest.approx(forest_shares(levels, loss.to_numpy(float), seed=0), abs=0.03)


def test_two_levels_each_agree_with_the_evaluator_of_optuna() -> None:
    levels = crossed(10)[["squeeze", "gate"]]
    noise = np.random.default_rng(0).normal(size=len(levels))
    loss = 2.0 * (levels["squeeze"] == "max") + (levels["gate"] == "tanh") + 0.3 * noise
    spaces = {f: optuna.distributions.IntDistribution(0, 1) for f in levels}
    coded = {"squeeze": levels["squeeze"] == "max", "gate": levels["gate"] == "tanh"}
    study = optuna.create_study()
    study.add_trials(
        [
            optuna.trial.create_trial(
                params={f: int(coded[f].iloc[i]) for f in coded},
                distributions=spaces,
                value=value,
            )
            for i, value in enumerate(loss)
        ]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        theirs = optuna.importance.get_param_importances(
            study, evaluator=optuna.importance.FanovaImportanceEvaluator(n_trees=32, seed=0)
        )
    ours = dict(zip(levels, forest_shares(levels, loss.to_numpy(float), seed=0), strict=True))
    assert ours == pytest.approx(theirs, abs=0.02)


def test_many_levels_are_asked_at_some_and_the_draw_repeats_with_its_seed() -> None:
    random = np.random.default_rng(0)
    levels = pd.DataFrame(random.uniform(size=(300, 4)), columns=list("abcd"))
    loss = levels["a"].to_numpy()
    a, b, c = (forest_shares(levels, loss, seed=s) for s in (0, 0, 1))
    assert a.tolist() == b.tolist() != c.tolist()
    assert a[0] > 0.99


def test_where_nothing_differs_no_factor_has_a_share() -> None:
    levels = crossed(1)
    assert forest_shares(levels, np.zeros(len(levels)), seed=0).tolist() == [0.0, 0.0, 0.0]
