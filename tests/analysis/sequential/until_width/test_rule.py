import numpy as np
import pytest
from plain_arms import Arm
from scipy import stats

from analysis.errors import TableError
from analysis.sequential.until_width.rule import WIDER, until_width, width_at
from analysis.sequential.until_width.seeds import seeds_for_width

RATIOS = (2, 4, 8)
ARMS = [
    Arm(
        f"r{r}",
        f"reduction={r}",
        {"attention.reduction": r},
        {"channels": [16], "hidden": [16 // r]},
    )
    for r in RATIOS
]
BARE = Arm("bare", "no attention", {"attention.reduction": None})
RULE = until_width(max_seeds=20, target_width=0.3).declared(
    [*ARMS, BARE], metric="val_loss", direction="minimize"
)


def losses(slopes: np.ndarray) -> dict[str, list[float | None]]:
    """Losses whose slope on r^2/2 in each seed is that one exactly."""
    return {f"r{r}": [float(k * r**2 / 2 + seed) for seed, k in enumerate(slopes)] for r in RATIOS}


def test_kappa_is_the_mean_slope_and_its_interval_is_widened() -> None:
    slopes = np.array([1.0, 1.1, 0.9, 1.05, 0.95])
    found = width_at(RULE, losses(slopes))
    half = WIDER * stats.t.ppf(0.975, 4) * slopes.std(ddof=1) / np.sqrt(5)
    assert (found["kappa"], found["low"]) == (pytest.approx(1.0), pytest.approx(1 - half))
    assert found["width"] == pytest.approx((1 / (1 - half)) ** (1 / 3) - 1)
    assert found["settled"]


def test_a_slope_that_may_be_none_has_no_width() -> None:
    found = width_at(RULE, losses(np.array([1.0, -1.0, 2.0, -2.0, 0.5])))
    assert (found["settled"], found["width"]) == (False, None)
    assert "no upper limit yet after 5 whole seeds" in found["says"]


def test_seeds_that_lost_a_run_are_left_out() -> None:
    values = losses(np.array([1.0, 1.1, 0.9, 1.05]))
    values["r4"][1] = None
    assert width_at(RULE, values)["seeds"] == 3


def test_the_ratios_are_the_realised_ones_and_controls_are_none() -> None:
    assert RULE["ratios"] == {"r2": 2.0, "r4": 4.0, "r8": 8.0}
    assert RULE["until"] == "width"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"target_width": 0.0}, r"`target_width > 0` must hold"),
        ({"max_seeds": 4}, "`max_seeds` must be at least 5"),
    ],
)
def test_a_width_that_cannot_be_reached_is_refused(changes: dict[str, float], message: str) -> None:
    with pytest.raises(TableError, match=message):
        until_width(**{"max_seeds": 20, **changes})  # type: ignore[arg-type]


def test_a_space_without_ratios_and_a_gain_are_refused() -> None:
    rule = until_width(max_seeds=9)
    with pytest.raises(TableError, match="r\\* needs arms with at least two reduction ratios"):
        rule.declared([ARMS[0], BARE], metric="val_loss", direction="minimize")
    with pytest.raises(TableError, match="val_accuracy is to be made large"):
        rule.declared(ARMS, metric="val_accuracy", direction="maximize")


def test_what_r_star_would_take_is_where_the_widened_interval_is_narrow() -> None:
    slopes = np.array([1.0, 1.8, 0.4, 1.5, 0.3])
    found = width_at(RULE, losses(slopes))
    expected, low, high = seeds_for_width(RULE, found)
    share = 1 - 1.3**-3

    def reach(n: float) -> float:
        return float(WIDER * stats.t.ppf(0.975, n - 1) * slopes.std(ddof=1) / np.sqrt(n))

    assert reach(expected + 1) <= share * found["kappa"] < reach(expected - 1)
    assert 5 <= low < expected < high
    # A slope that may be none: no number of seeds is known to do.
    assert (
        seeds_for_width(RULE, width_at(RULE, losses(np.array([1.0, -1.0, 2.0, -2.0, 0.5]))))[2]
        == np.inf
    )


def test_a_slope_that_is_the_same_in_every_seed_tells_nothing_of_its_noise() -> None:
    found = {"seeds": 5, "kappa": 1.0, "low": 1.0, "high": 1.0}
    assert np.isnan(seeds_for_width(RULE, found)).all()
