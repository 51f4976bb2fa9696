import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from analysis.contrasts.multiplicity import benjamini_hochberg, holm, simultaneous_t

P = np.array([0.01, 0.04, 0.03, 0.005, 0.5])


def test_holm_and_benjamini_hochberg_agree_with_statsmodels() -> None:
    assert holm(P) == pytest.approx(multipletests(P, method="holm")[1])
    assert benjamini_hochberg(P) == pytest.approx(multipletests(P, method="fdr_bh")[1])


def test_a_missing_p_stays_missing_and_is_not_counted() -> None:
    found = holm(np.array([0.01, np.nan, 0.04]))
    assert found[[0, 2]].tolist() == [0.02, 0.04]
    assert np.isnan(found[1])


def test_holm_never_exceeds_one() -> None:
    assert holm(np.array([0.6, 0.9])).tolist() == [1.0, 1.0]


def test_independent_contrasts_get_sidaks_bound() -> None:
    found = simultaneous_t(np.eye(4), 1e6, confidence=0.95)
    assert found == pytest.approx(stats.norm.ppf(0.5 + 0.95**0.25 / 2), rel=0.01)


def test_one_contrast_gets_the_t_quantile() -> None:
    assert simultaneous_t(np.eye(1), 7, confidence=0.95) == pytest.approx(stats.t.ppf(0.975, 7))


def test_the_simultaneous_bound_repeats_with_its_seed() -> None:
    a, b, c = (simultaneous_t(np.eye(3), 9, confidence=0.95, seed=s) for s in (0, 0, 1))
    assert a == b != c
