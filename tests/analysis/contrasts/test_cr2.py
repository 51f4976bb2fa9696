import numpy as np
import pytest
import statsmodels.api as sm
from numpy.typing import NDArray
from scipy import stats

from analysis.contrasts.cr2 import classical, codes_of, cr2, hc2

R = np.array([2.0, 4, 8, 16, 32])


def grid(seeds: int, random: int = 0) -> tuple[NDArray[np.float64], ...]:
    noise = np.random.default_rng(random)
    x = np.tile(R**2 / 2, seeds)
    groups = np.repeat(np.arange(seeds), len(R))
    y = 5e-5 * x + noise.normal(size=seeds)[groups] * 0.02 + noise.normal(size=len(x)) * 0.01
    return x, y, groups


def dense_cr2(
    x: NDArray[np.float64], y: NDArray[np.float64], groups: NDArray[np.intp]
) -> tuple[float, float]:
    """CR2 and its degrees of freedom by the textbook's matrices, nothing simplified."""
    design = np.column_stack([(groups[:, None] == np.unique(groups)).astype(float), x / x.max()])
    inverse = np.linalg.pinv(design.T @ design)
    hat = design @ inverse @ design.T
    rest = np.eye(len(x)) - hat
    e, c = rest @ y, np.eye(design.shape[1])[-1]
    score, p = [], []
    for g in np.unique(groups):
        at = groups == g
        values, vectors = np.linalg.eigh(rest[np.ix_(at, at)])
        root = vectors @ np.diag([v**-0.5 if v > 1e-10 else 0.0 for v in values]) @ vectors.T
        w = root @ design[at] @ inverse @ c
        score.append(w @ e[at])
        p.append(rest[:, at] @ w)
    gram = np.array(p) @ np.array(p).T
    return float(np.sqrt(np.sum(np.square(score))) / x.max()), float(
        np.trace(gram) ** 2 / np.sum(gram**2)
    )


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_cr2_of_a_complete_grid_is_the_t_interval_of_the_slopes_per_seed(seeds: int) -> None:
    x, y, groups = grid(seeds)
    slopes = [stats.linregress(x[groups == g], y[groups == g]).slope for g in range(seeds)]
    found = cr2(x, y, groups)
    assert found.value == pytest.approx(np.mean(slopes), rel=1e-9)
    assert found.se == pytest.approx(np.std(slopes, ddof=1) / np.sqrt(seeds), rel=1e-9)
    assert found.df == pytest.approx(seeds - 1, rel=1e-9)


@pytest.mark.parametrize("random", range(4))
def test_cr2_with_missing_runs_equals_the_textbook_matrices(random: int) -> None:
    x, y, groups = grid(6, random)
    keep = np.random.default_rng(random).random(len(x)) > 0.25
    x, y, groups = x[keep], y[keep], codes_of(groups[keep])
    found = cr2(x, y, groups)
    assert (found.se, found.df) == pytest.approx(dense_cr2(x, y, groups), rel=1e-9)


@pytest.mark.parametrize("blocked", [False, True])
def test_hc2_equals_statsmodels(blocked: bool) -> None:
    x, y, groups = grid(5)
    groups = groups if blocked else np.zeros_like(groups)
    design = np.column_stack([(groups[:, None] == np.unique(groups)).astype(float), x / x.max()])
    theirs = sm.OLS(y, design).fit(cov_type="HC2")
    found = hc2(x, y, groups)
    assert found.value == pytest.approx(theirs.params[-1] / x.max(), rel=1e-12, abs=1e-18)
    assert found.se == pytest.approx(theirs.bse[-1] / x.max(), rel=1e-12)


def test_cr2_with_a_cluster_per_run_is_hc2() -> None:
    x, y, groups = grid(5)
    alone = np.arange(len(x))
    one = np.zeros(len(x), dtype=np.intp)
    design = np.column_stack([np.ones(len(x)), x / x.max()])
    hat = design @ np.linalg.inv(design.T @ design) @ design.T
    rest = np.eye(len(x)) - hat
    w = ((x - x.mean()) / np.sum((x - x.mean()) ** 2)) / np.sqrt(np.diag(rest))
    gram = (rest * w).T @ (rest * w)
    found = hc2(x, y, one)
    assert found.df == pytest.approx(np.trace(gram) ** 2 / np.sum(gram**2), rel=1e-9)
    assert len(alone) == len(groups)


def test_many_data_sets_at_once_equal_one_by_one() -> None:
    x, y, groups = grid(4)
    many = np.stack([y, y[::-1], y * 2 + 1])
    together = cr2(x, many, groups)
    alone = [cr2(x, row, groups) for row in many]
    assert together.value.tolist() == pytest.approx([s.value for s in alone], rel=1e-12)
    assert together.se.tolist() == pytest.approx([s.se for s in alone], rel=1e-12)


def test_one_informative_group_has_no_standard_error() -> None:
    x, y, groups = grid(1)
    assert np.isnan(cr2(x, y, groups).se)
    assert np.isnan(cr2(x, y, groups).df)


def test_the_classical_slope_is_the_textbook_one() -> None:
    x, y, _ = grid(1)
    theirs = stats.linregress(x, y)
    found = classical(x, y, np.zeros(len(x), dtype=np.intp))
    assert (found.value, found.se, found.df) == pytest.approx((theirs.slope, theirs.stderr, 3))


def test_labels_become_codes_in_order_of_appearance() -> None:
    assert codes_of(["b", "a", "b", "c"]).tolist() == [0, 1, 0, 2]
