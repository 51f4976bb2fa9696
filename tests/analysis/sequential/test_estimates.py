import itertools

import numpy as np
import pytest
from scipy import stats

from analysis.sequential.boundaries import boundaries, boundaries_of
from analysis.sequential.estimates import Passed, adjusted, repeated_interval
from analysis.sequential.noise import paired_errors
from analysis.sequential.simulated import sequential


def test_the_interval_of_one_look_is_the_t_interval() -> None:
    (row,) = boundaries([0.025], first=6, last=6)
    half = stats.t.isf(0.025, 5) * 0.3
    assert repeated_interval(1.0, 0.3, 5, pairs=6, bound=row[0]) == pytest.approx(
        (1 - half, 1 + half), rel=1e-5
    )


NEVER, MARGIN = 0.0, 1.0


def test_an_estimate_that_no_look_could_have_stopped_is_the_mean() -> None:
    x = np.array([[0.3], [0.1], [0.7], [0.2]])
    assert adjusted(x, [[]])[0] == x.mean()
    for level in (NEVER, np.nan):
        passed = [Passed(3, level, level, MARGIN)]
        assert adjusted(x, [passed])[0] == pytest.approx(x.mean(), abs=0.02)


def test_it_is_the_mean_over_the_orders_in_which_no_look_would_have_stopped() -> None:
    x = np.array([0.2, 0.4, 0.1, 2.0, 0.3])
    passed = [Passed(3, 0.05, 0.02, MARGIN), Passed(4, 0.06, 0.03, MARGIN)]
    exact = [order[:3].mean() for order in map(np.array, itertools.permutations(x))
             if not any(stops(order[: look.pairs], look) for look in passed)]  # fmt: skip
    assert 0 < len(exact) < 120
    assert adjusted(x[:, None], [passed])[0] == pytest.approx(np.mean(exact), abs=0.02)


def stops(seen: np.ndarray, look: Passed) -> bool:
    """By scipy's own t tests, of the pairs' own differences."""
    n, size, se = len(seen), abs(seen.mean()), stats.sem(seen)
    far, near = stats.t.sf(size / se, n - 1), stats.t.cdf((size - look.margin) / se, n - 1)
    return bool(far < look.differs or near < look.small)


def test_where_noise_was_pooled_each_order_has_the_errors_that_the_look_would_have_had() -> None:
    x = np.random.default_rng(3).standard_normal((5, 3)) + np.array([0.9, 0.0, 0.0])
    passed = [Passed(3, 0.06, 0.01, MARGIN), Passed(4, 0.03, 0.02, MARGIN)]
    exact = []
    for order in map(list, itertools.permutations(range(5))):
        looks = [(paired_errors(x[order[: look.pairs]]), look) for look in passed]
        tails = [(stats.t.sf(abs(made.estimate[0]) / made.se[0], made.df[0]) >= look.differs and
                  stats.t.cdf((abs(made.estimate[0]) - MARGIN) / made.se[0], made.df[0]) >= look.small)
                 for made, look in looks]  # fmt: skip
        exact += [x[order[:3], 0].mean()] if all(tails) else []
    alone = adjusted(x[:, :1], [passed])[0]
    assert 0 < len(exact) < 120
    assert adjusted(x, [passed])[0] == pytest.approx(np.mean(exact), abs=0.03)
    assert abs(alone - np.mean(exact)) > 0.1


def test_comparisons_that_ended_together_have_what_each_has_alone() -> None:
    x = np.random.default_rng(4).standard_normal((6, 3)) + np.array([1.2, 0.9, 0.0])
    mine = [Passed(3, 0.1, 0.01, 1.0), Passed(5, 0.01, 0.02, 1.0)]
    others = [Passed(3, NEVER, NEVER, 0.8), Passed(5, 0.01, 0.1, 0.8)]
    both = adjusted(x, [mine, others])
    alone = adjusted(x, [mine])[0], adjusted(x[:, [1, 0, 2]], [others])[0]
    assert both == pytest.approx(alone, rel=1e-12)
    assert abs(both - x[:, :2].mean(axis=0)).min() > 0.001


def test_where_the_order_that_was_seen_alone_went_on_that_is_all_there_is() -> None:
    x = np.array([[0.0], [0.0], [0.1], [5.0]])
    assert adjusted(x, [[Passed(3, 1.0, 1.0, MARGIN)]])[0] == pytest.approx(0.1 / 3)


def test_adjusting_takes_out_most_of_the_bias_and_intervals_cover() -> None:
    studies, most, effect = 1500, 12, 1.5
    x = np.random.default_rng(5).standard_normal((studies, most, 1)) + effect
    ran = sequential(x, margin=1.0)
    row = boundaries_of(1, alpha=0.05, first=3, last=most)["differs"][0]
    raw, without, covered = [], [], []
    for s in range(studies):
        n, mean = int(ran.seeds[s, 0]), float(ran.estimate[s, 0])
        passed = [Passed(j, *ran.levels[s, j - 1], 1.0) for j in range(3, n)]
        low, high = repeated_interval(mean, ran.se[s, 0], ran.df[s, 0], pairs=n, bound=row[n - 3])
        raw.append(mean - effect)
        without.append(adjusted(x[s, :n], [passed])[0] - effect)
        covered.append(low <= effect <= high)
    # The raw mean is too large by 0.05 or more, with a Monte-Carlo error of 0.01.
    assert np.mean(raw) > 0.04
    assert abs(np.mean(without)) < np.mean(raw) / 2
    assert np.mean(covered) > 0.94
