import numpy as np
import pytest

from analysis.sequential.expected import expected, paired
from analysis.sequential.noise import level_noises, paired_errors
from analysis.sequential.simulated import (
    DIFFERS,
    NEGLIGIBLE,
    fixed,
    right,
    sequential,
)


def test_errors_are_at_most_the_level() -> None:
    x = paired(1500, 10, 4, seed=2)
    false = (sequential(x, margin=1.0).verdict >= DIFFERS).any(axis=1).mean()
    assert false < 0.05 + 3 * 0.0056
    at_margin = (sequential(x + 1.0, margin=1.0).verdict == NEGLIGIBLE).any(axis=1).mean()
    assert at_margin < 0.05 + 3 * 0.0056


def test_the_noise_of_one_study_is_that_of_many() -> None:
    x = np.random.default_rng(4).standard_normal((20, 6, 4)) * np.array([1.0, 1.0, 6.0, 1.0])
    away = x - x.mean(axis=1, keepdims=True)
    variance, df, alone = level_noises(
        np.einsum("sni,snj->sij", away, away), 6, np.ones((20, 4), dtype=bool)
    )
    for s in range(20):
        one = paired_errors(x[s])
        assert one.se == pytest.approx(np.sqrt(variance[s] / 6))
        assert one.df == pytest.approx(df[s])
    # The arm that is six times as noisy mostly rests on itself, the others mostly not.
    assert alone[:, 2].mean() > 0.8 > 0.4 > alone[:, 0].mean()


def test_the_noise_of_equal_arms_is_pooled_on_their_side_and_not_on_the_baselines() -> None:
    x = np.random.default_rng(6).standard_normal((4000, 5, 3))
    x = x - 3 * np.random.default_rng(7).standard_normal((4000, 5, 1))
    away = x - x.mean(axis=1, keepdims=True)
    variance, df, _ = level_noises(
        np.einsum("sni,snj->sij", away, away), 5, np.ones((4000, 3), dtype=bool)
    )
    assert variance.mean() == pytest.approx(10, rel=0.03)
    assert (df >= 4 - 1e-9).all()
    assert np.median(df) < 6  # a loud baseline is known by its own four


def test_settled_arms_get_no_more_seeds_and_the_baseline_goes_on() -> None:
    x = paired(200, 10, 2, seed=1) * 0.3 + np.array([0.0, 30.0])
    ran = sequential(x, margin=1.0)
    assert (ran.runs == ran.seeds.sum(axis=1) + ran.seeds.max(axis=1)).all()
    assert ran.seeds[:, 1].mean() < ran.seeds[:, 0].mean()


def test_what_is_right_of_a_verdict() -> None:
    verdict = np.array([[NEGLIGIBLE, DIFFERS, 0, NEGLIGIBLE, DIFFERS]], dtype=np.int8)
    effects = np.array([0.0, 0.0, 0.0, 1.0, 1.0])
    assert right(verdict, effects, margin=1.0).tolist() == [[True, False, False, False, True]]


def test_running_until_decided_takes_fewer_runs_than_the_equal_fixed_design() -> None:
    one = expected([1.5, 0, 0, 0, 0], margin=1.0, sd=1.0, max_seeds=24, studies=400)
    assert one.share < 0.85
    assert one.runs < one.runs_worst == 24 * 6
    assert 0.9 < one.decided <= 1
    scaled = expected([0.15, 0, 0, 0, 0], margin=0.1, sd=0.1, max_seeds=24, studies=400)
    assert scaled.runs == one.runs


def test_the_fixed_design_decides_by_holm() -> None:
    x = paired(300, 8, 3, seed=9)
    assert (fixed(x, margin=1.0) >= DIFFERS).any(axis=1).mean() < 0.09
