import numpy as np
import pytest
from statsmodels.stats.weightstats import DescrStatsW

from analysis.contrasts.equivalence import power_to_decide, seeds_needed, tost, verdicts


def test_tost_agrees_with_statsmodels() -> None:
    d = np.random.default_rng(0).normal(0.1, 1, 12)
    theirs = DescrStatsW(d).ttost_mean(-0.8, 0.8)[0]
    se = np.array([d.std(ddof=1) / np.sqrt(12)])
    assert tost(np.array([d.mean()]), se, np.array([11.0]), margin=0.8)[0] == pytest.approx(theirs)


def test_negligible_goes_before_matters() -> None:
    found = verdicts(
        np.array([0.01, 0.01, 0.5, 0.5]), np.array([0.01, 0.5, 0.01, np.nan]), alpha=0.05
    )
    assert found == ["negligible", "matters", "negligible", "undecided"]


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
