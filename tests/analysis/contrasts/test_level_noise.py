import numpy as np
import pytest

from analysis.contrasts.level_noise import level_noise


def test_equal_noise_by_hand() -> None:
    apart = np.array([[1.0, 2.0], [3.0, 2.5], [2.0, 4.5]])
    found = level_noise(apart)
    assert not found.own.any()
    other = apart - apart.mean(axis=1, keepdims=True)
    other = other - other.mean(axis=0)
    v = np.sum(other**2) / 2
    side = apart.mean(axis=1).var(ddof=1)
    assert found.variance.tolist() == pytest.approx([side + v / 2] * 2)
    assert found.share == pytest.approx(side / (side + v / 2))
    share = found.share
    assert found.df(3).tolist() == pytest.approx([1 / (share**2 / 2 + (1 - share) ** 2 / 2)] * 2)


def test_many_levels_take_the_reference_to_be_less_well_known() -> None:
    apart = np.random.default_rng(4).standard_normal((5, 5))
    found = level_noise(apart)
    side = apart.mean(axis=1).var(ddof=1)
    other = found.variance[~found.own][0] - side
    # 1 + 2 (1 - 1/4) / (5 - 1)
    assert found.share == pytest.approx(1.375 * side / (1.375 * side + other))


def test_the_variance_of_a_difference_is_estimated_without_bias() -> None:
    random = np.random.default_rng(0)
    found = []
    for _ in range(4000):
        y = random.standard_normal((6, 5))
        y[:, 0] *= 2
        noise = level_noise(y[:, 1:] - y[:, :1])
        found.append(noise.variance[~noise.own].mean() if (~noise.own).any() else np.nan)
    # 4 + 1; a level that stands out leaves slightly less to the rest. Monte-Carlo error 0.04.
    assert np.nanmean(found) == pytest.approx(5.0, abs=0.2)


def test_a_noisy_level_rests_on_its_own_differences_and_leaves_the_others_alone() -> None:
    y = np.random.default_rng(1).standard_normal((10, 6))
    y[:, 3] *= 12
    apart = y[:, 1:] - y[:, :1]
    found = level_noise(apart)
    assert found.own.tolist() == [False, False, True, False, False]
    assert found.variance[2] == pytest.approx(apart[:, 2].var(ddof=1))
    assert found.variance[0] < 6


def test_a_noisy_reference_makes_its_comparisons_one() -> None:
    y = np.random.default_rng(2).standard_normal((8, 5))
    y[:, 0] *= 30
    found = level_noise(y[:, 1:] - y[:, :1])
    assert found.share > 0.99
    assert found.correlation[0, 1] > 0.98


def test_two_levels_of_which_one_stands_out_share_nothing() -> None:
    y = np.random.default_rng(3).standard_normal((12, 3))
    y[:, 2] *= 40
    found = level_noise(y[:, 1:] - y[:, :1])
    assert found.own.all()
    assert found.df_rest == 0
