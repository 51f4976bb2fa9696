import math

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from analysis.contrasts.baseline_noise import baseline_noise
from analysis.effects.effects import effects
from analysis.tables.csv_table import from_frame
from benchmarks.coverage import null_tables, p_values


def test_two_seeds_and_two_arms_by_hand() -> None:
    # d = 0 - 1 and 6 - 2: -1 and 4, variance 12.5. The others differ by 2 and 4 around their mean:
    # residuals +-0.5, sum of squares 1 on one degree of freedom, so var_o = 1.
    y = np.array([[0.0, 0.0, 2.0], [6.0, 0.0, 4.0]])
    found = baseline_noise(y, 0)
    assert found is not None
    assert found.variance == pytest.approx(12.5 + 1 / 2)
    assert found.df == pytest.approx(13**2 / (12.5**2 + 0.5**2))
    assert found.ratio == pytest.approx(12.5 / 1.5)


def test_the_variance_is_that_of_a_difference_with_the_baseline() -> None:
    random = np.random.default_rng(0)
    sd = np.array([1.0, 1.0, 3.0, 1.0, 1.0])
    tables = random.standard_normal((4000, 4, 5)) * sd + random.standard_normal((4000, 4, 1))
    found = [baseline_noise(y, 2) for y in tables]
    assert np.mean([one.variance for one in found if one]) == pytest.approx(10, rel=0.03)


def test_seeds_with_a_missing_run_and_tables_too_small_say_nothing() -> None:
    y = np.arange(12.0).reshape(3, 4) ** 2
    holed = np.vstack([y, [np.nan, 1.0, 2.0, 3.0]])
    assert baseline_noise(holed, 0) == baseline_noise(y, 0)
    assert baseline_noise(y[:1], 0) is None
    assert baseline_noise(y[:, :2], 0) is None
    assert baseline_noise(np.ones((3, 4)), 0) is None


def test_a_baseline_whose_arms_agree_is_all_of_the_noise() -> None:
    found = baseline_noise(np.array([[0.0, 1.0, 1.0], [4.0, 1.0, 1.0], [2.0, 1.0, 1.0]]), 0)
    assert found is not None
    assert (found.variance, found.df, found.ratio) == (4.0, 2.0, math.inf)


def test_a_noisy_baseline_widens_every_comparison_with_it() -> None:
    y = null_tables(np.random.default_rng(3), "baseline 3 x noisier", 1, 5)[0] / 100 + 1
    frame = from_frame(as_frame(y))
    split = effects(frame, calibration_draws=0).frame
    pooled = effects(frame, error="pooled", calibration_draws=0).frame
    assert set(split["error"]) <= {"split", "paired"}
    assert (split["se"] > pooled["se"]).all()
    assert (split["df"] < pooled["df"]).all()


def as_frame(y: NDArray[np.float64]) -> pd.DataFrame:
    """Losses by seed and arm as a table; arm 0 is the baseline, arm k switches part k off."""
    seeds, arms = y.shape
    frame = pd.DataFrame({"seed": np.repeat(np.arange(seeds), arms), "val_loss": y.ravel()})
    for k in range(1, arms):
        frame[f"part{k}"] = np.where(np.tile(np.arange(arms), seeds) == k, "off", "on")
    return frame


@pytest.mark.parametrize("kind", ["iid", "baseline 2 x noisier", "one arm 3 x noisier"])
def test_three_seeds_keep_the_familywise_error(kind: str) -> None:
    # 8 comparisons without effect; Monte-Carlo error 0.35 points. Pooling errs in 10 to 13 % of the
    # tables with the noisier ones.
    random = np.random.default_rng(5)
    auto, pooled, _ = p_values(null_tables(random, kind, 4000, 3))
    assert np.mean(auto.min(axis=1) * 8 < 0.05) <= 0.05 + 2 * 0.0035
    if kind != "iid":
        assert np.mean(pooled.min(axis=1) * 8 < 0.05) > 0.08
