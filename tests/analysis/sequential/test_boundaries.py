import numpy as np
import pytest
from scipy import stats

from analysis.sequential.boundaries import boundaries, spent

LEVELS = [0.05, 0.025, 0.025 / 12]


def test_one_look_is_the_t_test() -> None:
    (found,) = boundaries([0.025], first=7, last=7)
    assert found == pytest.approx([stats.t.isf(0.025, 6)], abs=1e-6)


def test_the_first_look_spends_its_share_exactly() -> None:
    for level, row in zip(LEVELS, boundaries(LEVELS, first=3, last=20), strict=True):
        assert stats.t.sf(row[0], 2) == pytest.approx(level * float(spent(3, last=20)), rel=1e-4)


def test_all_looks_together_err_at_the_level_that_is_spent() -> None:
    first, last, studies = 2, 9, 200_000
    (row,) = boundaries([0.05], first=first, last=last)
    x = np.random.default_rng(3).standard_normal((studies, last))
    n = np.arange(1, last + 1)
    mean = x.cumsum(axis=1) / n
    sd = np.sqrt(((x**2).cumsum(axis=1) - n * mean**2)[:, first - 1 :] / (n[first - 1 :] - 1))
    t = mean[:, first - 1 :] / sd * np.sqrt(n[first - 1 :])
    crossed = np.logical_or.accumulate(t > np.array(row), axis=1).mean(axis=0)
    assert crossed == pytest.approx(0.05 * spent(n[first - 1 :], last=last), abs=0.0015)


def test_a_smaller_level_has_larger_boundaries_at_every_look() -> None:
    rows = np.array(boundaries(LEVELS, first=3, last=20))
    assert (np.diff(rows, axis=0) > 0).all()


def test_the_same_on_every_call_and_rounded() -> None:
    once, again = (boundaries([0.05], first=3, last=10) for _ in range(2))
    assert once == again
    assert all(value == round(value, 6) for value in once[0])
