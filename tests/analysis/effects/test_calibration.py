"""The A/A check sees what it says it sees, and no more."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.contrasts.estimation import Estimates, from_seed_values, of_many_tables
from analysis.effects import calibration
from analysis.effects.calibration import calibrate, varying_by_seed

UNITS = [np.array([[-1.0, 1, 0, 0]]), np.array([[-1.0, 0, 1, 0]]), np.array([[-1.0, 0, 0, 1]])]


def rate(y: np.ndarray) -> float:
    found = calibrate(y, UNITS, alpha=0.05, draws=400, seed=0)
    assert found is not None
    return found.false_positive_rate


def test_an_error_that_forgets_half_of_what_varies_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    y = np.random.default_rng(0).standard_normal((6, 4))
    assert rate(y) < 0.1

    def forgetful(*args: np.ndarray) -> list[Estimates]:
        return [replace(made, se=made.se / 2) for made in of_many_tables(*args)]

    monkeypatch.setattr(calibration, "of_many_tables", forgetful)
    assert rate(y) > 0.2


def test_unequal_noise_is_evened_out_so_that_the_check_cannot_see_it() -> None:
    y = np.random.default_rng(1).standard_normal((8, 4))
    y[:, 0] *= 6
    assert rate(y) < 0.1


def two_factors(random: np.random.Generator, *, varying: float) -> np.ndarray:
    """A 2 x 2 x 2 of six seeds whose first factor's effect varies from seed to seed."""
    y = random.standard_normal((6, 2, 2, 2))
    y[:, 1] += varying * random.standard_normal((6, 1, 1))
    return np.asarray(y.reshape(6, 8))


def test_a_factor_whose_effect_varies_from_seed_to_seed_is_named() -> None:
    first, second = np.repeat([-1.0, 1.0], 4) / 4, np.tile(np.repeat([-1.0, 1.0], 2), 2) / 4
    weights = {"first": first[None], "second": second[None]}
    random = np.random.default_rng(2)
    quiet = [varying_by_seed(two_factors(random, varying=0), weights) for _ in range(300)]
    loud = [varying_by_seed(two_factors(random, varying=2), weights) for _ in range(100)]
    # Monte-Carlo error 0.013.
    assert np.mean([p["first"] < 0.05 for p in quiet]) == pytest.approx(0.05, abs=0.035)
    assert np.mean([p["first"] < 0.05 for p in loud]) > 0.7
    assert np.mean([p["second"] < 0.05 for p in loud]) < 0.15


def test_nothing_is_said_of_varying_effects_where_no_noise_is_left_to_compare_with() -> None:
    y = np.random.default_rng(3).standard_normal((5, 2))
    assert varying_by_seed(y, {"only": np.array([[-1.0, 1.0]])}) == {}


@pytest.mark.parametrize(("seeds", "levels"), [(2, 3), (3, 1), (5, 4), (9, 6)])
def test_many_tables_at_once_are_estimated_as_each_alone(seeds: int, levels: int) -> None:
    tables = np.random.default_rng(4).standard_normal((7, seeds, levels))
    tables[1, :, 0] *= 30  # a level that stands out rests on its own differences
    tables[2] = 1.0
    weights = np.column_stack([-np.ones(levels), np.eye(levels)])
    for one, table in zip(of_many_tables(tables, weights), tables, strict=True):
        alone = from_seed_values(table, weights)
        for name in ("estimate", "se", "df", "correlation"):
            np.testing.assert_allclose(getattr(one, name), getattr(alone, name), rtol=1e-12)
        assert one.error.tolist() == alone.error.tolist()
        assert one.constant.tolist() == alone.constant.tolist()
        rows = np.arange(levels)
        assert one.law(rows).level(0.05) == pytest.approx(alone.law(rows).level(0.05), rel=1e-9)
