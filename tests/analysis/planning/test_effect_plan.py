import numpy as np
import pytest
from scipy import stats

from analysis.contrasts.estimation import estimate
from analysis.errors import TableError
from analysis.planning.effect_plan import plan_effects


def test_the_power_of_pooled_errors_is_dunnetts() -> None:
    plan = plan_effects(comparisons=8, sigma=0.01, effect=0.02, error="pooled")
    row = plan.table.set_index("seeds").loc[5]
    # Two-sided 5 %, 8 comparisons with one baseline, 32 degrees of freedom.
    critical, ahead = 2.80, 0.02 / (0.01 * np.sqrt(2 / 5))
    exact = stats.nct.sf(critical, 32, ahead)
    assert row["power"] == pytest.approx(exact, abs=0.03)
    # An effect of the detectable size is found with 80 % power.
    found = stats.nct.sf(critical, 32, row["detectable"] / (0.01 * np.sqrt(2 / 5)))
    assert found == pytest.approx(0.8, abs=0.03)


def test_two_arms_are_planned_for_as_a_paired_t_test() -> None:
    plan = plan_effects(comparisons=1, sigma=1.0, effect=2.0)
    power = plan.table.set_index("seeds")["power"]
    for seeds in (4, 8):
        critical = stats.t.isf(0.025, seeds - 1)
        exact = stats.nct.sf(critical, seeds - 1, 2.0 / np.sqrt(2 / seeds))
        assert power[seeds] == pytest.approx(exact, abs=0.03)


def test_what_is_not_simulated_lies_between_its_neighbours() -> None:
    table = plan_effects(comparisons=2, sigma=1.0, effect=1.0, error="pooled").table
    table = table.set_index("seeds")
    assert table.index.tolist() == list(range(2, 61))
    for name in ("detectable", "power"):
        low, middle, high = table[name][[16, 18, 20]]
        assert min(low, high) <= middle <= max(low, high)


def test_the_default_is_planned_for_as_it_decides() -> None:
    default, pooled = (
        plan_effects(comparisons=8, sigma=1.0, effect=2.0, error=error)
        for error in ("auto", "pooled")
    )
    assert default.seeds is not None
    assert pooled.seeds is not None
    assert default.seeds > pooled.seeds


def test_seeds_for_effects_have_their_power_in_whole_tables() -> None:
    plan = plan_effects(comparisons=4, sigma=0.01, effect=0.03)
    assert plan.seeds is not None
    random, found = np.random.default_rng(0), []
    units = [unit[None] for unit in np.column_stack([-np.ones(4), np.eye(4)])]
    for _ in range(300):
        y = 0.01 * random.standard_normal((plan.seeds, 5))
        y[:, 1] += 0.03
        made = estimate(y, units)
        found.append(made.law(np.arange(4)).adjusted(made.p)[0] < 0.05)
    # Monte-Carlo error 0.023; the smallest number of seeds that suffices has a little more than it must.
    assert 0.74 < np.mean(found) < 0.95


def test_the_absence_of_an_effect_is_planned_for() -> None:
    plan = plan_effects(comparisons=1, sigma=1.0, margin=2.0)
    row = plan.table.set_index("seeds").loc[10]
    se, df = np.sqrt(2 / 10), 9
    exact = _tost_power(2.0, se, df)
    assert row["power_negligible"] == pytest.approx(exact, abs=0.02)
    assert np.isnan(row["power"])


def _tost_power(margin: float, se: float, df: int) -> float:
    """By drawing the mean and its standard error, which are independent."""
    random = np.random.default_rng(1)
    size = se * random.standard_normal(400_000)
    found = se * np.sqrt(random.chisquare(df, 400_000) / df)
    return float(np.mean(np.abs(size) + stats.t.isf(0.05, df) * found < margin))


def test_without_a_question_five_seeds_are_named() -> None:
    plan = plan_effects(comparisons=3, sigma=1.0, hours_per_run=0.5, budget_hours=16)
    assert (plan.seeds, plan.affordable) == (5, 8)
    assert plan.sentences()[0].startswith("5 seeds (20 runs) (no effect or margin was named)")


@pytest.mark.parametrize(
    ("hours", "sentence"),
    [
        (3, "The budget pays for 0 seeds; with fewer than 2 no effect can be tested."),
        (400, "The budget pays for 100 seeds: effects from 0.00587 are found, with 60 of them."),
    ],
)
def test_a_budget_says_no_more_than_it_buys(hours: float, sentence: str) -> None:
    plan = plan_effects(comparisons=3, sigma=0.01, hours_per_run=1, budget_hours=hours)
    assert plan.sentences()[-1][:50] == sentence[:50]
    assert plan.sentences()[-1].endswith(sentence[-20:])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"comparisons": 0}, "`comparisons >= 1` and `sigma > 0` must hold, but got 0, 1.0"),
        ({"effect": 0.0}, "`effect > 0` must hold, but got 0.0"),
        ({"margin": -0.1}, "`margin > 0` must hold, but got -0.1"),
        ({"alpha": 2.0}, "`0 < alpha < 0.5` must hold, but got 2.0"),
    ],
)
def test_an_option_that_breaks_its_rule_is_told(options, message: str) -> None:
    with pytest.raises(TableError, match=message):
        plan_effects(**{"comparisons": 3, "sigma": 1.0, **options})


def test_a_pilots_sigma_is_planned_for_by_its_upper_end() -> None:
    exact = plan_effects(comparisons=2, sigma=1.0, effect=2.0)
    plan = plan_effects(comparisons=2, sigma=1.0, effect=2.0, pilot_df=4)
    assert plan.pilot is not None
    assert plan.pilot.high == pytest.approx(np.sqrt(4 / stats.chi2.ppf(0.1, 4)))
    assert plan.sigma == pytest.approx(plan.pilot.high)
    assert plan.pilot.seeds == exact.seeds
    assert plan.seeds is not None
    assert plan.pilot.seeds_low < exact.seeds < plan.seeds
    said = plan.sentences()[1]
    assert f"between {plan.pilot.seeds_low} and {plan.seeds} seeds" in said
    assert said.endswith(f"by the estimate itself {exact.seeds}.")


def test_the_power_that_a_plan_from_a_pilot_promises_is_reached_on_average() -> None:
    true = plan_effects(comparisons=2, sigma=1.0, effect=2.0).table.set_index("seeds")["power"]
    df, reached, by_estimate = 4, [], []
    for share in (np.arange(6) + 0.5) / 6:
        # Pilots whose estimates are the middles of six equally likely ranges.
        sigma = float(np.sqrt(stats.chi2.ppf(share, df) / df))
        plan = plan_effects(comparisons=2, sigma=sigma, effect=2.0, pilot_df=df)
        assert plan.pilot is not None
        reached.append(true[plan.seeds or 60])
        by_estimate.append(true[plan.pilot.seeds or 60])
    assert np.mean(reached) >= 0.8
    assert np.mean(by_estimate) < 0.8
