import math

import numpy as np
import pytest

from analysis.tradeoff.width.power_law import fit_power_law

WIDTHS = (64, 128, 256, 512)


def test_without_noise_the_law_is_exact() -> None:
    c = np.array([64.0, 128, 256])
    slopes = [np.array([k - 1e-9, k + 1e-9]) for k in 1e-4 * (c / 64) ** -1.5]
    found = fit_power_law(c, slopes, confidence=0.95)
    assert found.gamma == pytest.approx(1.5, abs=0.002)
    assert found.p_power_law > 0.5


def test_kappa_that_follows_no_power_is_rejected() -> None:
    c = np.array([64.0, 128, 256, 512])
    slopes = [k + np.array([-1e-6, 0, 1e-6]) for k in (1e-4, 5e-4, 1e-4, 5e-4)]
    found = fit_power_law(c, slopes, confidence=0.95)
    assert found.p_power_law < 1e-6
    assert found.p_constant < 1e-6
    assert any("No power of C describes kappa" in line for line in found.sentences())


def test_noise_without_signal_leaves_the_slope_unbounded() -> None:
    noise = np.random.default_rng(0)
    slopes = [noise.normal(0, 1, 5) for _ in WIDTHS]
    found = fit_power_law(np.array(WIDTHS, dtype=float), slopes, confidence=0.95)
    assert math.inf in found.slope_ci or -math.inf in found.slope_ci
    assert found.to_json()["slope_ci"] is None or None in found.to_json()["slope_ci"]


def test_one_width_at_which_the_loss_falls_leaves_no_slope() -> None:
    noise = np.array([-1e-6, 0, 1e-6])
    slopes = [k + noise for k in (2e-4, 2e-4, 2e-4, -1e-4)]
    found = fit_power_law(np.array(WIDTHS, dtype=float), slopes, confidence=0.95)
    assert found.status == "decreasing"
    assert math.isnan(found.slope)
    assert found.sentences()[0] == (
        "kappa is not above 0 at C = 512: there is no r* there, so no slope."
    )


@pytest.mark.parametrize(
    ("kappa", "status"),
    [(1.1, "not_identified"), (1.2, "ok"), (-2.0, "not_identified"), (-2.1, "decreasing")],
)
def test_the_slope_needs_a_kappa_above_0_at_the_middle(kappa: float, status: str) -> None:
    # Three seeds about the same kappa at two widths: sd 1, df 4. Half the interval of the mean of the six is
    # t(0.975, 4)/sqrt(6) = 2.776/2.449 = 1.134; one width's, at half the tail, t(0.9875, 4)/sqrt(3) = 2.018.
    slopes = [kappa + np.array([-1.0, 0, 1.0])] * 2
    found = fit_power_law(np.array([64.0, 128.0]), slopes, confidence=0.95)
    assert found.status == status
    assert math.isfinite(found.slope) == (status == "ok")


def test_a_kappa_that_may_be_0_leaves_the_slope_unbounded_and_unnamed() -> None:
    slopes = [np.array([-1.0, 0.5, 1.0]), np.array([-0.5, 0.0, 1.0])]
    found = fit_power_law(np.array([64.0, 128.0]), slopes, confidence=0.95)
    assert found.status == "not_identified"
    assert found.slope_ci == (-math.inf, math.inf)
    assert found.sentences()[0].startswith(
        "kappa may be 0 at these widths (95%): r* is not bounded"
    )
