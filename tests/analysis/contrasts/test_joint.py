from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from analysis.contrasts.estimation import estimate
from analysis.contrasts.joint import MOST_JOINT, Mixture, Part, joint_law


def together(correlation: np.ndarray, df: int):
    m = len(correlation)
    return joint_law(np.full(m, float(df)), correlation, [(Part(0, df, 1.0),)] * m)


def test_dunnetts_critical_value_is_found() -> None:
    # Eight comparisons with one control, 32 degrees of freedom, two-sided 5 %: by numerical integration.
    half = np.full((8, 8), 0.5) + 0.5 * np.eye(8)
    level = together(half, 32).level(0.05)
    assert stats.t.isf(level / 2, 32) == pytest.approx(dunnett(8, 32), rel=0.01)


def test_rounding_of_the_correlations_changes_no_verdict() -> None:
    half = np.full((7, 7), 0.5) + 0.5 * np.eye(7)
    off = np.random.default_rng(0).normal(size=(7, 7)) * 1e-15
    assert together(half + off + off.T, 30).level(0.05) == pytest.approx(
        together(half, 30).level(0.05), rel=1e-6
    )


def dunnett(q: int, df: int) -> float:
    z, w = np.polynomial.hermite_e.hermegauss(60)
    s = np.sqrt(stats.chi2.ppf((np.arange(400) + 0.5) / 400, df) / df)

    def below(c: float) -> float:
        high = (c * s[:, None] * np.sqrt(2) + z) if q else 0
        low = -c * s[:, None] * np.sqrt(2) + z
        inner = (stats.norm.cdf(high) - stats.norm.cdf(low)) ** q
        return float(np.mean(inner @ w) / np.sqrt(2 * np.pi))

    from scipy import optimize

    return float(optimize.brentq(lambda c: below(c) - 0.95, 1.5, 5))


def test_independent_contrasts_get_sidaks_bound() -> None:
    assert together(np.eye(4), 10**6).level(0.05) == pytest.approx(1 - 0.95**0.25, rel=0.03)


def test_perfectly_correlated_comparisons_are_one() -> None:
    assert together(np.ones((5, 5)), 4).level(0.05) == pytest.approx(0.05, rel=0.06)


def test_one_comparison_is_its_own_t_test() -> None:
    law = together(np.eye(1), 7)
    assert law.level(0.05) == 0.05
    assert law.adjusted(np.array([0.03])).tolist() == [0.03]


def test_a_p_is_adjusted_below_alpha_exactly_where_it_is_below_the_level() -> None:
    law = together(np.full((6, 6), 0.4) + 0.6 * np.eye(6), 9)
    level = law.level(0.05)
    below, above = law.adjusted(np.array([level * 0.98, level * 1.02]))
    assert below < 0.05 <= above


def test_an_adjusted_p_is_between_its_own_and_bonferronis() -> None:
    p = np.array([1e-9, 0.001, 0.02, 0.4, np.nan])
    found = together(np.full((5, 5), 0.5) + 0.5 * np.eye(5), 9).adjusted(p)
    assert np.isnan(found[-1])
    assert (found[:-1] >= p[:-1]).all()
    assert (found[:-1] <= np.minimum(5 * p[:-1], 1)).all()


def test_separate_errors_cost_more_than_a_shared_one() -> None:
    half = np.full((4, 4), 0.5) + 0.5 * np.eye(4)
    shared = together(half, 4).level(0.05)
    apart = joint_law(np.full(4, 4.0), half, [(Part(k, 4, 1.0),) for k in range(4)])
    assert apart.level(0.05) < shared


def mixture(df: int, *, ratios: list[float], weights: list[float]) -> Mixture:
    """Of an estimate in units of its variance."""
    scale = 1 + np.array(ratios)
    scale = scale * float(np.array(weights) @ (1 / scale))
    return Mixture(df, np.array(weights), scale, np.array(ratios) / (1 + np.array(ratios)))


def test_a_mixture_of_one_law_is_that_law() -> None:
    one = mixture(12, ratios=[1.0], weights=[1.0])
    assert one.freedom == pytest.approx(12)
    half = np.full((5, 5), 0.5) + 0.5 * np.eye(5)
    found = joint_law(np.full(5, 12.0), half, [one] * 5).level(0.05)
    assert found == pytest.approx(together(half, 12).level(0.05), rel=0.04)


def test_the_comparisons_of_a_mixture_correlate_as_in_each_of_its_laws() -> None:
    ratios, weights, q = [0.2, 20.0], [0.5, 0.5], 6
    law = mixture(10**6, ratios=ratios, weights=weights)
    alike = np.full((q, q), law.correlation) + (1 - law.correlation) * np.eye(q)
    level = joint_law(np.full(q, law.freedom), alike, [law] * q).level(0.05)
    # One by one: the largest of q normal differences with the reference of each ratio.
    random, draws = np.random.default_rng(0), 200_000
    which = random.choice(2, size=draws)
    rho = np.array(ratios)[which, None]
    z = np.sqrt(rho) * random.standard_normal((draws, 1)) + random.standard_normal((draws, q))
    unit = np.sqrt(1 / np.mean(1 / (1 + np.array(ratios))))
    largest = np.abs(z / unit).max(axis=1)
    critical = stats.t.isf(level / 2, law.freedom)
    assert np.mean(largest > critical) == pytest.approx(0.05, abs=0.004)


def test_a_family_that_is_too_large_for_a_joint_law_needs_no_correlations() -> None:
    y = np.random.default_rng(0).normal(size=(4, MOST_JOINT + 2))
    units = [row[None] for row in np.eye(MOST_JOINT + 2)[1:] - np.eye(MOST_JOINT + 2)[0]]
    made = estimate(y, units)
    law = replace(made, correlation=np.zeros((0, 0))).law(np.arange(len(units)))
    assert law.chance(0.01) == pytest.approx(1 - 0.99 ** len(units))
