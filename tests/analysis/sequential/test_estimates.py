import itertools

import numpy as np
import pytest
from scipy import stats

from analysis.sequential.boundaries import boundaries, boundaries_of
from analysis.sequential.estimates import Passed, adjusted, repeated_interval
from analysis.sequential.simulated import sequential


def test_the_interval_of_one_look_is_the_t_interval() -> None:
    (row,) = boundaries([0.025], first=6, last=6)
    half = stats.t.isf(0.025, 5) * 0.3
    assert repeated_interval(1.0, 0.3, 5, pairs=6, bound=row[0]) == pytest.approx(
        (1 - half, 1 + half), rel=1e-5
    )


def test_an_estimate_that_no_look_could_have_stopped_is_the_mean() -> None:
    x = np.array([0.3, 0.1, 0.7, 0.2])
    assert adjusted(x, []) == x.mean()
    assert adjusted(x, [Passed(3, high=1e9, low=-1e9)]) == pytest.approx(x.mean(), abs=0.01)


def test_it_is_the_mean_over_the_orders_in_which_no_look_would_have_stopped() -> None:
    x = np.array([0.2, 0.4, 0.1, 2.0, 0.3])
    first, second = Passed(3, high=0.8, low=0.0), Passed(4, high=0.65, low=0.2)
    exact = [
        order[:3].mean()
        for order in map(np.array, itertools.permutations(x))
        if order[:3].mean() <= 0.8 and 0.2 <= order[:4].mean() <= 0.65
    ]
    assert 0 < len(exact) < 120
    assert adjusted(x, [first, second]) == pytest.approx(np.mean(exact), abs=0.01)
    # Where the order that was seen is the only one that went on, that is all there is.
    alone = np.array([0.0, 0.0, 0.1, 5.0])
    assert adjusted(alone, [Passed(3, high=0.03334, low=-1.0)]) == pytest.approx(0.1 / 3)


def test_adjusting_takes_out_most_of_the_bias_and_intervals_cover() -> None:
    studies, most, effect = 1500, 12, 1.5
    x = np.random.default_rng(5).standard_normal((studies, most, 1)) + effect
    ran = sequential(x, margin=1.0, passed=True)
    row = boundaries_of(1, alpha=0.05, first=3, last=most)["differs"][0]
    raw, without, covered = [], [], []
    for s in range(studies):
        n, mean = int(ran.seeds[s, 0]), float(ran.estimate[s, 0])
        passed = [Passed(j, *ran.thresholds[s, 0, j - 1]) for j in range(3, n)]
        low, high = repeated_interval(mean, ran.se[s, 0], ran.df[s, 0], pairs=n, bound=row[n - 3])
        raw.append(mean - effect)
        without.append(adjusted(x[s, :n, 0], passed) - effect)
        covered.append(low <= effect <= high)
    # The raw mean is too large by 0.05 or more, with a Monte-Carlo error of 0.01.
    assert np.mean(raw) > 0.04
    assert abs(np.mean(without)) < np.mean(raw) / 2
    assert np.mean(covered) > 0.94
