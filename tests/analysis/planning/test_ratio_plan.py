import math

import numpy as np
import pytest
from scipy import stats

from analysis.contrasts.cr2 import cr2
from analysis.errors import TableError
from analysis.planning.ratio_plan import plan_ratio, snr_table

R = [2.0, 4, 8, 16, 32]


def test_seeds_by_signal_to_noise_are_the_simulated_table() -> None:
    # Seeds for +10, +20, +50 % with 80 % assurance, ratios 2..32 (simulated for this design; nan: above 60).
    table = snr_table(R)
    found = table[["seeds_10", "seeds_20", "seeds_50"]].to_numpy().tolist()
    expected = [[math.nan, 46, 21], [31, 14, 8], [16, 8, 5], [8, 5, 4], [4, 3, 3]]
    np.testing.assert_array_equal(np.array(found), np.array(expected))


def test_the_promised_width_is_reached_with_the_promised_assurance() -> None:
    plan = plan_ratio(R, snr=4.0, target_width=0.2)
    assert plan.seeds is not None
    noise = np.random.default_rng(0)
    for seeds, enough in ((plan.seeds, True), (plan.seeds - 1, False)):
        x = np.tile(np.array(R) ** 2 / 2, seeds)
        groups = np.repeat(np.arange(seeds), len(R))
        kappa = 4.0 / (x.max() - x.min())
        slope = cr2(x, kappa * x + noise.standard_normal((20_000, len(x))), groups)
        low, _ = slope.interval(0.95)
        width = np.where(low > 0, np.cbrt(slope.value / np.where(low > 0, low, 1)) - 1, np.inf)
        assert (np.mean(width <= 0.2) >= 0.8) == enough


def test_a_pilots_noise_is_planned_for_by_its_upper_end() -> None:
    # 3 seeds of 5 ratios: 8 degrees of freedom. Pilots whose sigma lies at these quantiles of its law, the rise known:
    # does the plan ask for the seeds that the true noise needs?
    snr, df = 4.0, 8.0
    enough = plan_ratio(R, snr=snr).seeds
    assert enough is not None
    by_estimate, by_upper = [], []
    for quantile in (0.05, 0.15, 0.35, 0.7):
        found = math.sqrt(float(stats.chi2.ppf(quantile, df)) / df)
        plan = plan_ratio(R, snr=snr / found, pilot_df=df)
        assert plan.pilot is not None
        by_estimate.append((plan.pilot.seeds or 61) >= enough)
        by_upper.append((plan.seeds or 61) >= enough)
    assert by_estimate == [False, False, False, True]
    assert by_upper == [False, True, True, True]
    exact = plan_ratio(R, snr=snr, pilot_df=df)
    assert exact.pilot is not None
    assert exact.snr == pytest.approx(snr / exact.pilot.high)
    assert (exact.pilot.low, exact.pilot.high) == pytest.approx((0.774, 1.514), abs=1e-3)
    [said] = [line for line in exact.sentences() if line.startswith("The pilot knows sigma")]
    assert f"(snr 4.00), {exact.pilot.seeds} seeds would do" in said


def test_a_budget_says_what_it_can_decide() -> None:
    plan = plan_ratio(R, snr=4.0, hours_per_run=0.5, budget_hours=30)
    assert plan.affordable == 10
    assert any("The budget pays for 10 seeds: +" in line for line in plan.sentences())
    poor = plan_ratio(R, snr=4.0, hours_per_run=0.5, budget_hours=6)
    assert any("below 3 no interval can be given" in line for line in poor.sentences())


def test_extra_seeds_go_to_the_ends_and_half_the_largest() -> None:
    plan = plan_ratio(R, snr=5.0)
    extra = plan.allocation.set_index("r")["seeds"] - plan.allocation["seeds"].min()
    assert set(extra[extra > 0].index) == {2.0, 16.0, 32.0}


@pytest.mark.parametrize(
    ("name", "power", "over_range"),
    [
        # Simulated with 5 seeds, ratios 2..64, a curve that rises by 4 sd from r = 0 (log: r = 1) to 64.
        ("linear", 0.23, 62 / 64),
        ("log", 0.78, math.log(32) / math.log(64)),
        ("r^1.5", 0.08, 1 - (2 / 64) ** 1.5),
        ("r^3", 0.09, 1.0),
    ],
)
def test_lack_of_fit_has_the_simulated_power(name: str, power: float, over_range: float) -> None:
    plan = plan_ratio([2, 4, 8, 16, 32, 64], snr=4.0 * over_range)
    assert plan.table.set_index("seeds")[f"lof_{name}"][5] == pytest.approx(power, abs=0.015)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"snr": 0.0}, r"`snr > 0` must hold, but got 0\.0"),
        ({"snr": 1.0, "target_width": -1.0}, "`target_width > 0` must hold"),
        ({"snr": 1.0, "assurance": 1.0}, "`0 < assurance < 1` must hold"),
        ({"snr": 1.0, "budget_hours": 5.0}, "a budget needs the hours of one run"),
    ],
)
def test_an_option_that_breaks_its_rule_is_told(options: dict[str, float], message: str) -> None:
    with pytest.raises(TableError, match=message):
        plan_ratio(R, **options)  # type: ignore[arg-type]


def test_one_ratio_cannot_be_planned_for() -> None:
    with pytest.raises(TableError, match="at least two ratios >= 1 are needed"):
        plan_ratio([4.0], snr=1.0)
