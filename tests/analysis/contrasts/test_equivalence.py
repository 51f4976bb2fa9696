import numpy as np
import pytest
from statsmodels.stats.weightstats import DescrStatsW

from analysis.contrasts.equivalence import (
    power_to_decide,
    seeds_between,
    seeds_needed,
    tost,
    verdicts,
)


def test_tost_agrees_with_statsmodels() -> None:
    d = np.random.default_rng(0).normal(0.1, 1, 12)
    theirs = DescrStatsW(d).ttost_mean(-0.8, 0.8)[0]
    se = np.array([d.std(ddof=1) / np.sqrt(12)])
    assert tost(np.array([d.mean()]), se, np.array([11.0]), margin=0.8)[0] == pytest.approx(theirs)


def test_negligible_goes_before_matters() -> None:
    found = verdicts(
        np.array([0.02, 0.2, 0.1, 0.1]),
        np.array([0.01, 0.01, 0.5, 0.5]),
        np.array([0.01, 0.5, 0.01, np.nan]),
        margin=np.full(4, 0.1),
        alpha=0.05,
    )
    assert found == ["negligible", "matters", "negligible", "undecided"]


def test_a_difference_within_the_margin_does_not_matter() -> None:
    nothing, size = np.array([np.nan]), np.array([-0.07])
    sure = np.array([0.01])
    assert verdicts(size, sure, nothing, margin=np.array([0.1]), alpha=0.05) == ["differs"]
    assert verdicts(size, sure, nothing, margin=np.array([0.05]), alpha=0.05) == ["matters"]
    assert verdicts(size, sure, nothing, margin=nothing, alpha=0.05) == ["matters"]


def test_what_cannot_be_tested_has_no_verdict() -> None:
    nothing = np.array([np.nan])
    assert verdicts(np.array([0.3]), nothing, nothing, margin=nothing, alpha=0.05) == ["untested"]


@pytest.mark.parametrize(("effect", "margin"), [(0.5, None), (0.05, 0.6)])
def test_the_seeds_still_needed_are_as_uncertain_as_the_effect(effect, margin) -> None:
    low, high = seeds_between(effect, 0.3, df=4, seeds=5, alpha=0.05, margin=margin)
    best = seeds_needed(effect, 0.3, df=4, seeds=5, alpha=0.05, margin=margin)
    assert low < best < high
    # The middle 80 % of what other true effects and noises would need, one by one.
    random = np.random.default_rng(0)
    sd = 0.3 * np.sqrt(4 / random.chisquare(4, 400))
    true = effect + sd * random.standard_normal(400)
    each = [
        seeds_needed(abs(t), s, df=4, seeds=5, alpha=0.05, margin=margin)
        for t, s in zip(true, sd, strict=True)
    ]
    shares = [np.mean(np.array(each) < low), np.mean(np.array(each) > high)]
    # A coarse grid and a fixed point for the power: about right.
    assert shares == pytest.approx([0.1, 0.1], abs=0.09)


def test_power_is_what_simulation_gives() -> None:
    from scipy import stats

    noise = np.random.default_rng(1)
    d = 1.0 + noise.standard_normal((20_000, 8))
    simulated = np.mean(stats.ttest_1samp(d, 0, axis=1).pvalue < 0.05)
    found = power_to_decide(
        1.0, np.array([1 / np.sqrt(8)]), np.array([7.0]), alpha=0.05, margin=None
    )
    assert found[0] == pytest.approx(simulated, abs=0.01)


def test_seeds_needed_is_the_smallest_number_that_suffices() -> None:
    k = seeds_needed(0.5, 0.4, df=4, seeds=5, alpha=0.05, margin=None)
    for more, enough in ((k, True), (k - 1, False)):
        total = 5 + more
        power = power_to_decide(
            0.5,
            np.array([0.4 * np.sqrt(5 / total)]),
            np.array([total - 1]),
            alpha=0.05,
            margin=None,
        )
        assert (power[0] >= 0.8) == enough


def test_no_effect_and_no_margin_can_never_be_decided() -> None:
    assert seeds_needed(0.0, 0.4, df=4, seeds=5, alpha=0.05, margin=None) == float("inf")
    assert seeds_needed(0.0, 0.4, df=4, seeds=5, alpha=0.05, margin=0.5) < 30
    assert np.isnan(seeds_needed(0.1, 0.4, df=0, seeds=1, alpha=0.05, margin=None))
