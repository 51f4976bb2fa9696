import numpy as np
import pytest
from scipy import stats

from analysis.contrasts.level_noise import EQUAL, RATIOS, level_noise, level_noises


def split(apart: np.ndarray) -> tuple[float, float]:
    """Variance of the reference less the levels' mean, and a level's own from the two-way residuals."""
    other = apart - apart.mean(axis=1, keepdims=True)
    other = other - other.mean(axis=0)
    seeds, q = apart.shape
    return apart.mean(axis=1).var(ddof=1), np.sum(other**2) / ((seeds - 1) * (q - 1))


def test_the_law_is_the_average_over_the_ratios_that_the_data_leave_likely() -> None:
    apart = np.random.default_rng(4).standard_normal((5, 6))
    found = level_noise(apart)
    side, v = split(apart)
    # By other means: the density of F, and the pooled variance were each ratio known.
    part = RATIOS + 1 / 6
    weight = (1 - EQUAL) / len(RATIOS) + np.where(RATIOS == 1, EQUAL, 0.0)
    weight = weight * stats.f.pdf(side / v / part, 4, 20) / part
    weight /= weight.sum()
    pooled = (1 + RATIOS) * (4 * side / part + 20 * v) / 24
    assert found.shared is not None
    assert found.variance[~found.own].tolist() == pytest.approx(
        [1 / np.sum(weight / pooled)] * int((~found.own).sum())
    )
    random = np.random.default_rng(0)
    law = random.choice(len(RATIOS), p=weight, size=400_000)
    inverse = random.chisquare(24, 400_000) / 24 / pooled[law]
    assert found.shared.freedom == pytest.approx(2 * inverse.mean() ** 2 / inverse.var(), rel=0.02)


def test_a_reference_as_quiet_as_its_levels_is_better_known_than_by_its_own_seeds() -> None:
    y = np.random.default_rng(3).standard_normal((5, 9))
    found = level_noise(y[:, 1:] - y[:, :1])
    side, v = split(y[:, 1:] - y[:, :1])
    apart = side + v * (1 - 1 / 8)
    satterthwaite = apart**2 / (side**2 / 4 + (v * 7 / 8) ** 2 / 28)
    assert found.df(5)[~found.own].min() > satterthwaite


def test_a_louder_reference_makes_every_comparison_less_certain() -> None:
    y = np.random.default_rng(5).standard_normal((6, 5))
    half = []
    for times in (0.1, 1, 2, 5, 30):
        louder = y * np.array([times, 1, 1, 1, 1])
        found = level_noise(louder[:, 1:] - louder[:, :1])
        half.append(float((stats.t.isf(0.025, found.df(6)) * np.sqrt(found.variance)).min()))
    assert half == sorted(half)


def test_the_unit_of_the_loss_scales_the_variance_and_nothing_else() -> None:
    apart = np.random.default_rng(6).standard_normal((5, 4))
    one, other = level_noise(apart), level_noise(1e-6 * apart)
    assert other.variance * 1e12 == pytest.approx(one.variance)
    assert other.df(5) == pytest.approx(one.df(5))
    assert other.correlation == pytest.approx(one.correlation)


@pytest.mark.parametrize("which", ["levels", "reference"])
def test_noise_of_one_side_alone_is_that_sides(which: str) -> None:
    random = np.random.default_rng(7)
    apart = np.repeat(random.standard_normal((6, 1)), 4, axis=1)
    if which == "levels":
        apart = random.standard_normal((6, 4))
        apart -= apart.mean(axis=1, keepdims=True)
    side, v = split(apart)
    found = level_noise(apart)
    if which == "reference":
        assert found.variance == pytest.approx([side] * 4, rel=0.05)
        assert found.df(6) == pytest.approx([5.0] * 4, rel=0.1)
    else:
        assert (found.variance[~found.own] < 1.5 * v).all()


def test_no_noise_has_no_variance() -> None:
    assert level_noise(np.full((5, 3), 2.0)).variance.tolist() == [0.0, 0.0, 0.0]


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
    assert found.df(8) == pytest.approx([7.0] * 4, rel=0.1)
    assert found.correlation[0, 1] > 0.98


def test_two_levels_of_which_one_stands_out_share_nothing() -> None:
    y = np.random.default_rng(3).standard_normal((12, 3))
    y[:, 2] *= 40
    found = level_noise(y[:, 1:] - y[:, :1])
    assert found.own.all()
    assert found.shared is None


def test_many_tables_at_once_are_each_as_alone() -> None:
    random = np.random.default_rng(8)
    y = random.standard_normal((40, 8, 3)) * np.exp(random.standard_normal((40, 1, 3)))
    y[0] = 1.0  # without any noise
    y[1, :, 2] *= 1e4  # of two levels one stands out
    apart = y[:, :, 1:] - y[:, :, :1]
    together = level_noises(apart)
    assert {one.shared is None for one in together} == {True, False}
    for one, alone in zip(together, map(level_noise, apart), strict=True):
        assert one.own.tolist() == alone.own.tolist()
        assert one.variance == pytest.approx(alone.variance)
        assert one.loud == pytest.approx(alone.loud, nan_ok=True)
        assert one.correlation == pytest.approx(alone.correlation)
        assert one.df(8) == pytest.approx(alone.df(8))
