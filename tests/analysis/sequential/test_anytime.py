import numpy as np
import pytest
from scipy import integrate, stats

from analysis.sequential.anytime import (
    anytime_equivalence_p,
    anytime_half_width,
    anytime_p,
    log_evidence,
    log_evidence_above,
)


@pytest.mark.parametrize(("t", "n"), [(1.0, 5), (3.0, 8), (-2.0, 6)])
def test_the_evidence_is_the_mixture_of_noncentral_t(t: float, n: int) -> None:
    def weighed(effect: float) -> float:
        return float(stats.nct.pdf(t, n - 1, effect * np.sqrt(n)) * stats.norm.pdf(effect))

    null = stats.t.pdf(t, n - 1)
    assert np.exp(log_evidence(t, n)) == pytest.approx(integrate.quad(weighed, -9, 9)[0] / null)
    above = 2 * integrate.quad(weighed, 0, 9)[0] / null
    assert np.exp(log_evidence_above(t, n)) == pytest.approx(above, rel=1e-6)


def test_looking_after_every_seed_errs_at_most_at_the_level() -> None:
    x = np.random.default_rng(8).standard_normal((1500, 20))
    assert np.mean([anytime_p(row) < 0.05 for row in x]) < 0.05
    at_margin = [anytime_equivalence_p(row + 1.0, margin=1.0) < 0.05 for row in x]
    assert np.mean(at_margin) < 0.05


def test_a_verdict_stays() -> None:
    x = np.array([2.0, 2.1, 1.9, 2.05, 1.95, 2.0])
    once = anytime_p(x)
    assert once < 0.05
    assert anytime_p(np.append(x, [-3.0, 4.0])) <= once


def test_interval_and_p_value_agree_at_the_last_look() -> None:
    n = 9
    half = anytime_half_width(n, alpha=0.05)
    assert np.exp(-log_evidence(half, n)) == pytest.approx(0.05)
    assert half > stats.t.isf(0.025, n - 1)
    assert anytime_half_width(1, alpha=0.05) == float("inf")
    assert anytime_half_width(2, alpha=1e-6) == float("inf")


def test_small_effects_are_seen_to_be_small() -> None:
    x = 0.1 * np.random.default_rng(1).standard_normal(15)
    assert anytime_equivalence_p(x, margin=1.0) < 0.05
    assert anytime_equivalence_p(x + 0.99, margin=1.0) > 0.05
    assert anytime_equivalence_p(x - 5.0, margin=1.0) == 1.0
