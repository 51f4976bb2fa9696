import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from analysis.contrasts.multiplicity import benjamini_hochberg, holm

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
