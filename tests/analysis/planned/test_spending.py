from typing import Any

import numpy as np
import pytest
from scipy import stats

from analysis.planned.spending import nominal_levels, repeated_p


@pytest.mark.parametrize(
    ("looks", "spending", "z"),
    [
        # Published bounds: Lan and DeMets with O'Brien and Fleming's spending, and Pocock's, alpha .05.
        ([2, 4, 6, 8, 10], "obrien_fleming", [4.877, 3.357, 2.680, 2.290, 2.031]),
        ([5, 10], "obrien_fleming", [2.963, 1.969]),
        ([5, 10], "pocock", [2.157, 2.201]),
    ],
)
def test_the_looks_bounds_are_the_published_ones(
    looks: list[int], spending: Any, z: list[float]
) -> None:
    found = stats.norm.isf(np.array(nominal_levels(looks, alpha=0.05, spending=spending)) / 2)
    assert found.tolist() == pytest.approx(z, abs=0.003)


def test_looking_at_every_declared_look_errs_at_alpha() -> None:
    noise = np.random.default_rng(0).standard_normal((40_000, 12))
    score = np.cumsum(noise, axis=1)
    looks = [4, 8, 12]
    levels = nominal_levels(looks, alpha=0.05, spending="pocock")
    hit = [
        np.abs(score[:, n - 1]) / np.sqrt(n) > stats.norm.isf(a / 2)
        for n, a in zip(looks, levels, strict=True)
    ]
    assert np.mean(np.any(hit, axis=0)) == pytest.approx(0.05, abs=0.004)


def test_a_repeated_p_is_alpha_exactly_at_the_nominal_level() -> None:
    levels = nominal_levels([5, 10], alpha=0.05, spending="obrien_fleming")
    for look, level in enumerate(levels, start=1):
        found = repeated_p(np.array([level]), look=look, looks=[5, 10], spending="obrien_fleming")
        assert found[0] == pytest.approx(0.05, rel=0.02)
    assert repeated_p(np.array([0.03]), look=1, looks=[5], spending="pocock").tolist() == [0.03]


@pytest.mark.parametrize("spending", ["obrien_fleming", "pocock"])
def test_looking_in_one_direction_at_every_declared_look_errs_at_alpha(spending: Any) -> None:
    score = np.cumsum(np.random.default_rng(1).standard_normal((20_000, 12)), axis=1)
    looks, hit = [4, 8, 12], np.zeros(20_000, dtype=bool)
    for k, n in enumerate(looks, start=1):
        p = stats.norm.sf(score[:, n - 1] / np.sqrt(n))
        hit |= repeated_p(p, look=k, looks=looks, spending=spending, sides=1) <= 0.05
    # Monte-Carlo error 0.0015.
    assert hit.mean() == pytest.approx(0.05, abs=0.005)


@pytest.mark.parametrize("spending", ["obrien_fleming", "pocock"])
def test_the_intervals_of_all_looks_hold_together(spending: Any) -> None:
    score = np.cumsum(np.random.default_rng(2).standard_normal((40_000, 10)), axis=1)
    looks = [5, 10]
    levels = nominal_levels(looks, alpha=0.05, spending=spending)
    misses = [
        np.abs(score[:, n - 1] / n) > stats.norm.isf(level / 2) / np.sqrt(n)
        for n, level in zip(looks, levels, strict=True)
    ]
    assert np.mean(misses[0] | misses[1]) == pytest.approx(0.05, abs=0.004)


def test_a_one_sided_p_beyond_one_half_stays() -> None:
    found = repeated_p(np.array([0.7]), look=1, looks=[5, 10], spending="pocock", sides=1)
    assert found.tolist() == [0.7]
