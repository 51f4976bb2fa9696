import numpy as np
import pytest
from scipy import stats

from analysis.tradeoff.curves.families import (
    FAMILIES,
    averaged_curve,
    fit_families,
    minimisers,
    ratio_grid,
)
from analysis.tradeoff.curves.lack_of_fit import lack_of_fit, lof_power
from analysis.tradeoff.curves.reduced import Reduced, reduce_grid
from analysis.tradeoff.tested import pair_ratios

R = np.array([2.0, 4, 8, 16, 32, 64])


def grid_of(y: np.ndarray, r: np.ndarray = R) -> Reduced:
    """The sufficient statistics of a seeds x ratios matrix."""
    s = len(y)
    return reduce_grid(np.tile(r, s), y.ravel(), np.repeat(np.arange(s), len(r)), blocked=True)


CURVES = {
    "quad0": 1e-4 * R**2,
    "linear": 3e-3 * R,
    "log": 0.05 * np.log(R),
    "quad_r0": -0.03 * R + 5e-4 * R**2,
    "logquad": -0.4 * np.log(R) + 0.1 * np.log(R) ** 2,
    "hill2": 0.2 * (R / 18.0) ** 2 / (1 + (R / 18.0) ** 2),
}


@pytest.mark.parametrize("name", list(CURVES))
def test_the_family_that_made_the_data_is_the_heaviest(name: str) -> None:
    noise = np.random.default_rng(1)
    grid = grid_of(CURVES[name] + 0.002 * noise.standard_normal((10, 6)))
    fits = fit_families(grid, grid.z[None], np.array([grid.rss]))
    assert FAMILIES[int(np.argmax(fits.weight[0]))] == name


def test_the_residual_sum_of_squares_is_that_of_least_squares_with_seed_dummies() -> None:
    noise = np.random.default_rng(0)
    y = 0.01 * noise.standard_normal(30) + 1e-4 * np.tile(R, 5) ** 2
    keep = noise.random(30) > 0.2
    r, y, seeds = np.tile(R, 5)[keep], y[keep], np.repeat(np.arange(5), 6)[keep]
    grid = reduce_grid(r, y, seeds, blocked=True)
    fits = fit_families(grid, grid.z[None], np.array([grid.rss]))
    n, k = keep.sum() - 5, 3
    design = np.column_stack([(seeds[:, None] == np.arange(5)).astype(float), r, r**2])
    rss = np.linalg.lstsq(design, y, rcond=None)[1][0]
    expected = n * np.log(rss / n) + 2 * k + 2 * k * (k + 1) / (n - k - 1)
    assert fits.aicc[0][FAMILIES.index("quad_r0")] == pytest.approx(expected, rel=1e-9)


def test_weights_sum_to_one_and_follow_akaike() -> None:
    grid = grid_of(np.random.default_rng(2).standard_normal((5, 6)))
    fits = fit_families(grid, grid.z[None], np.array([grid.rss]))
    assert fits.weight[0].sum() == pytest.approx(1.0)
    a, w = fits.aicc[0], fits.weight[0]
    assert w[0] / w[1] == pytest.approx(np.exp((a[1] - a[0]) / 2))


def test_many_data_sets_at_once_equal_one_by_one() -> None:
    noise = np.random.default_rng(0)
    grids = [grid_of(CURVES["log"] + 0.01 * noise.standard_normal((5, 6))) for _ in range(3)]
    together = fit_families(
        grids[0], np.stack([g.z for g in grids]), np.array([g.rss for g in grids])
    )
    for i, g in enumerate(grids):
        alone = fit_families(g, g.z[None], np.array([g.rss]))
        assert together.weight[i] == pytest.approx(alone.weight[0])
        assert averaged_curve(together, R, r_max=64.0)[i] == pytest.approx(
            averaged_curve(alone, R, r_max=64.0)[0]
        )


def test_the_averaged_ratio_of_a_known_log_curve_is_its_own() -> None:
    noise = np.random.default_rng(0)
    grid = grid_of(CURVES["log"] + 0.001 * noise.standard_normal((10, 6)))
    fits = fit_families(grid, grid.z[None], np.array([grid.rss]))
    steps = ratio_grid(R)
    found = minimisers(averaged_curve(fits, steps, r_max=64.0), steps, lam_c2=0.05 * 10)[0]
    assert found == pytest.approx(10, rel=0.03)


def test_lack_of_fit_is_the_f_test_between_nested_least_squares() -> None:
    noise = np.random.default_rng(3)
    y = CURVES["linear"] + 0.02 * noise.standard_normal((5, 6))
    r, seeds, flat = np.tile(R, 5), np.repeat(np.arange(5), 6), y.ravel()
    dummies = (seeds[:, None] == np.arange(5)).astype(float)
    small = np.column_stack([dummies, r**2])
    large = np.column_stack([dummies, (r[:, None] == R[1:]).astype(float)])
    rss = [
        np.sum((flat - d @ np.linalg.lstsq(d, flat, rcond=None)[0]) ** 2) for d in (small, large)
    ]
    expected = ((rss[0] - rss[1]) / 4) / (rss[1] / 20)
    found = lack_of_fit(grid_of(y), rise=0.1)
    assert pytest.approx(expected, rel=1e-9) == found.F
    assert found.p == pytest.approx(stats.f.sf(expected, 4, 20), rel=1e-9)
    assert found.df == (4, 20)


def test_the_power_of_lack_of_fit_is_what_simulation_gives() -> None:
    noise = np.random.default_rng(0)
    truth = 4.0 * (R - 2) / 62
    predicted = lof_power(grid_of(np.zeros((5, 6))), shape=truth, sigma2=1.0, alpha=0.05)
    found = np.mean(
        [
            lack_of_fit(grid_of(truth + noise.standard_normal((5, 6))), rise=4.0).p < 0.05
            for _ in range(600)
        ]
    )
    assert found == pytest.approx(predicted, abs=0.05)


def test_without_replicates_nothing_can_be_tested() -> None:
    found = lack_of_fit(grid_of(CURVES["log"][None]), rise=0.1)
    assert not found.testable
    assert found.power == {}


def test_a_tested_ratio_is_ruled_out_by_the_paired_t_test() -> None:
    noise = np.random.default_rng(0)
    y = (
        np.array([0.0, 0.02, 0.03])
        + noise.standard_normal((6, 1))
        + 0.01 * noise.standard_normal((6, 3))
    )
    r, seeds = np.tile(R[:3], 6), np.repeat(np.arange(6), 3)
    tested = pair_ratios(r, y.ravel(), seeds, mean=y.mean(axis=0), paired=True).at(
        lam_c2=0.0, confidence=0.95
    )
    for k in (1, 2):
        p = 2 * stats.ttest_rel(y[:, k], y[:, 0], alternative="greater").pvalue
        assert tested.frame["p"][k] == pytest.approx(min(p, 1.0))
    assert tested.best == 2.0


def test_the_set_of_tested_ratios_holds_the_best_one() -> None:
    noise = np.random.default_rng(0)
    truth = np.array([0.01, 0.0, 0.005, 0.02])
    r, seeds = np.tile(R[:4], 5), np.repeat(np.arange(5), 4)
    held = []
    for _ in range(400):
        y = truth + 0.01 * noise.standard_normal((5, 4))
        tested = pair_ratios(r, y.ravel(), seeds, mean=y.mean(axis=0), paired=True).at(
            lam_c2=0.0, confidence=0.95
        )
        held.append(4.0 in tested.argmin_set)
    assert np.mean(held) >= 0.95


def test_the_regret_bound_holds_at_its_confidence() -> None:
    noise = np.random.default_rng(1)
    truth = np.array([0.01, 0.0, 0.005, 0.02])
    r, seeds = np.tile(R[:4], 5), np.repeat(np.arange(5), 4)
    held = []
    for _ in range(400):
        y = truth + 0.01 * noise.standard_normal((5, 4))
        frame = (
            pair_ratios(r, y.ravel(), seeds, mean=y.mean(axis=0), paired=True)
            .at(lam_c2=0.0, confidence=0.95)
            .frame
        )
        held.append(frame["regret_upper"][3] >= 0.02)
    assert np.mean(held) >= 0.93
