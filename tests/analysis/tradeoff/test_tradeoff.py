import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.errors import TableError
from analysis.tables.csv_table import from_frame
from analysis.tables.runs_table import RunsTable
from analysis.tables.study_table import read_study
from analysis.tradeoff.prices.price import Price
from analysis.tradeoff.tradeoff import fit_reduction
from analysis.tradeoff.tradeoff_json import as_json
from analysis.tradeoff.tradeoff_words import sentences
from plain_files.numbers import number

Make = Callable[..., Path]
R = (2, 4, 8, 16, 32)
RATIO = "attention.reduction"


def runs(
    *,
    kappa: float = 5e-5,
    sigma: float = 0.01,
    seeds: int = 5,
    ratios: tuple[int, ...] = R,
    random: int = 0,
) -> pd.DataFrame:
    noise = np.random.default_rng(random)
    rows = [
        {
            "reduction": r,
            "seed": s,
            "val_loss": 1 + kappa * r**2 / 2 + sigma * noise.standard_normal(),
        }
        for s in range(seeds)
        for r in ratios
    ]
    return pd.DataFrame(rows)


def table(**options: Any) -> RunsTable:
    return from_frame(runs(**options))


PRICE = Price.per_param(1e-6)


def test_kappa_and_r_star_are_recovered() -> None:
    fit = fit_reduction(table(sigma=0.002), price=PRICE, channels=64)
    truth = (2e-6 * 64**2 / 5e-5) ** (1 / 3)
    assert fit.kappa_ci[0] < 5e-5 < fit.kappa_ci[1]
    assert fit.r_star_ci is not None
    assert fit.r_star_ci[0] < truth < fit.r_star_ci[1]
    assert fit.r_star == pytest.approx(truth, rel=0.05)
    assert fit.sigma == pytest.approx(0.002, rel=0.4)


def test_r_star_does_not_depend_on_the_losses_unit() -> None:
    frame = runs()
    other = frame.assign(val_loss=3 * frame["val_loss"] + 7)
    a = fit_reduction(from_frame(frame), price=PRICE, channels=64)
    b = fit_reduction(from_frame(other), price=Price.per_param(3e-6), channels=64)
    assert b.r_star == pytest.approx(a.r_star, rel=1e-9)
    assert b.r_star_ci == pytest.approx(a.r_star_ci, rel=1e-9)


def test_eight_times_the_price_doubles_r_star_and_twice_the_channels_raise_it_by_two_thirds() -> (
    None
):
    fits = [
        fit_reduction(table(), price=Price.per_param(p), channels=c).theory_r_star
        for p, c in ((1e-6, 64), (8e-6, 64), (1e-6, 128))
    ]
    assert fits[0] is not None
    assert fits[1] is not None
    assert fits[2] is not None
    assert fits[1] / fits[0] == pytest.approx(2.0, rel=1e-9)
    assert fits[2] / fits[0] == pytest.approx(2 ** (2 / 3), rel=1e-9)


def test_a_constant_added_to_a_seed_changes_nothing_but_the_level() -> None:
    frame = runs()
    shifted = frame.assign(val_loss=frame["val_loss"] + np.array([0, 1, -2, 5, 0.5])[frame["seed"]])
    a, b = (fit_reduction(from_frame(f), price=PRICE, channels=64) for f in (frame, shifted))
    assert b.kappa == pytest.approx(a.kappa, rel=1e-9)
    assert b.kappa_ci == pytest.approx(a.kappa_ci, rel=1e-9)
    assert b.lack_of_fit.p == pytest.approx(a.lack_of_fit.p, rel=1e-6)
    assert b.average.r_star == pytest.approx(a.average.r_star, rel=1e-6)


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"sigma": 0.002}, "ok"),
        ({"kappa": -5e-5, "sigma": 0.002}, "decreasing"),
        ({"kappa": 0.0, "sigma": 0.05, "random": 0}, "not_identified"),
        ({"kappa": 2e-5, "sigma": 0.05, "random": 0}, "lower_bound_only"),
        ({"seeds": 2}, "too_few_seeds"),
        ({"seeds": 1}, "single_seed"),
    ],
)
def test_each_answer_has_its_status(options: dict[str, Any], status: str) -> None:
    fit = fit_reduction(table(**options), price=PRICE, channels=64)
    assert fit.status == status
    assert as_json(fit)["status"] == status


@pytest.mark.parametrize(
    "options", [{"kappa": -5e-5, "sigma": 0.002}, {"kappa": 0.0, "sigma": 0.05}]
)
def test_a_slope_that_is_not_positive_never_yields_a_number(options: dict[str, Any]) -> None:
    for price in (PRICE, Price.implied_by(16), None):
        fit = fit_reduction(table(**options), price=price, channels=64)
        assert fit.kappa <= 0
        assert as_json(fit)["r_star"] is None


def test_the_interval_of_r_star_is_open_exactly_where_kappa_may_be_zero() -> None:
    fit = fit_reduction(table(kappa=2e-5, sigma=0.05), price=PRICE, channels=64)
    assert fit.r_star_ci is not None
    assert fit.theory_ci is not None
    assert fit.kappa_ci[0] < 0 < fit.kappa_ci[1]
    assert fit.theory_ci[1] == math.inf
    assert fit.theory_ci[0] == pytest.approx((2e-6 * 64**2 / fit.kappa_ci[1]) ** (1 / 3))
    content = as_json(fit)
    assert content["r_star"] is None
    assert content["r_star_ci"] == [fit.average.ci[0], None]
    assert content["theory"]["ci"] == [fit.theory_ci[0], None]


def test_two_seeds_give_a_point_but_no_interval() -> None:
    fit = fit_reduction(table(seeds=2), price=PRICE, channels=64)
    assert fit.r_star is not None
    assert math.isfinite(fit.r_star)
    assert fit.r_star_ci is None
    assert as_json(fit)["kappa_ci"] is None
    assert "Too few seeds for an interval (2 per ratio, 3 needed)" in sentences(fit)[0]


def test_without_a_price_there_is_a_sweep_and_no_single_r_star() -> None:
    fit = fit_reduction(table(sigma=0.002), channels=64)
    assert fit.r_star is None
    assert fit.r_star_ci is None
    assert fit.basis is None
    sweep = fit.sweep
    slope = np.diff(np.log(sweep["theory"])) / np.diff(np.log(sweep["price"]))
    assert slope == pytest.approx(1 / 3, rel=1e-6)
    assert (np.diff(sweep["r_star"]) >= 0).all()
    named = fit_reduction(
        table(sigma=0.002), price=Price.per_param(sweep["price"][12]), channels=64
    )
    row = sweep.iloc[12]
    assert (named.r_star, named.r_star_ci) == (row["r_star"], (row["low"], row["high"]))
    assert sweep["best_tested"].iloc[0] == 2
    assert sweep["best_tested"].iloc[-1] == 32
    assert sentences(fit)[1].startswith(
        "No price was named, so there is no single r*; best tested by price"
    )


def test_the_implied_price_is_the_one_at_which_the_ratio_is_best() -> None:
    fit = fit_reduction(table(sigma=0.002), price=Price.implied_by(16), channels=64)
    assert fit.r_star == 16
    assert fit.price_per_param is not None
    assert fit.price_ci is not None
    back = fit_reduction(
        table(sigma=0.002), price=Price.per_param(fit.price_per_param), channels=64
    )
    assert back.r_star == pytest.approx(16, rel=1e-9)
    assert back.r_star_ci is not None
    assert fit.price_ci[0] < fit.price_per_param < fit.price_ci[1]


def test_a_budget_fixes_the_ratio_and_tells_its_shadow_price() -> None:
    fit = fit_reduction(table(sigma=0.002), price=Price.budget(512.0), channels=64)
    assert fit.r_star == 2 * 64**2 / 512
    assert fit.lam == pytest.approx(fit.kappa * 16**3 / 64**2)


@pytest.mark.parametrize(
    ("options", "upper"),
    [({"kappa": -5e-5, "sigma": 0.002}, False), ({"kappa": 0.0, "sigma": 0.05}, True)],
)
def test_a_budgets_ratio_needs_no_slope(options: dict[str, Any], upper: bool) -> None:
    fit = fit_reduction(table(**options), price=Price.budget(512), channels=64)
    content = as_json(fit)
    assert fit.kappa <= 0
    assert content["r_star"] == 16  # 2 * 64^2 / 512
    assert content["price"]["per_param"] is None
    assert (content["price"]["per_param_ci"] is not None) is upper
    assert sentences(fit)[0] == (
        "The budget of 512 weights allows r >= 16 (2 C2/budget; no fit enters). It has no shadow price: "
        "val_loss was not seen to rise with r."
    )


def test_a_budget_outside_the_tested_ratios_is_flagged() -> None:
    inside, outside = (
        fit_reduction(table(sigma=0.002), price=Price.budget(weights), channels=64).flags
        for weights in (512, 200)
    )
    assert "extrapolated" not in inside
    assert "extrapolated" in outside


RANGE = "give a budget from 128 to 8,192 weights."


@pytest.mark.parametrize(
    ("price", "said"),
    [
        (Price.budget(1e-9), f"a budget of 1e-9 weights means r = 2 C2/budget = 8.19e12; {RANGE}"),
        (Price.budget(1e9), f"a budget of 1000000000 weights means r = 2 C2/budget = 8.19e-6; {RANGE}"),
        (Price.implied_by(65), "`implied_by` is 65."),
    ],
)  # fmt: skip
def test_a_ratio_that_no_hidden_width_has_is_refused(price: Price, said: str) -> None:
    rule = f"`1 <= r <= 64` must hold (hidden widths from C down to 1), but {said}"
    with pytest.raises(TableError, match=f"^{re.escape(rule)}$"):
        fit_reduction(table(), price=price, channels=64)


@pytest.mark.parametrize("weights", [128, 8192])
def test_the_ends_of_the_range_of_budgets_can_be_met(weights: int) -> None:
    fit = fit_reduction(table(), price=Price.budget(weights), channels=64)
    assert fit.r_star == 2 * 64**2 / weights


def test_several_blocks_have_one_hidden_unit_each_at_the_widest_ratio() -> None:
    # 2 (2 * 32 + 64) = 256 weights is the least that three blocks can have.
    with pytest.raises(TableError, match="give a budget from 256 to 12,288 weights"):
        fit_reduction(table(), price=Price.budget(255), blocks="2x32,1x64")


def test_a_confidence_is_not_rounded_to_certainty() -> None:
    text = " ".join(sentences(fit_reduction(table(), price=PRICE, channels=64, confidence=0.999)))
    assert "99.9%" in text
    assert "100%" not in text


def test_a_model_without_a_minimum_is_not_called_extrapolated() -> None:
    fit = fit_reduction(table(kappa=-5e-5, sigma=0.002), price=PRICE, channels=64)
    assert fit.theory_r_star == math.inf
    assert fit.r_star is None
    assert "extrapolated" not in fit.flags


def test_rounding_alone_does_not_make_an_answer_rest_on_the_largest_ratio() -> None:
    exact = runs(kappa=2e-4, sigma=0.0).assign(val_loss=lambda f: (f["val_loss"] + 1).round(6))
    fit = fit_reduction(from_frame(exact))
    assert fit.without_largest is not None
    assert fit.kappa == pytest.approx(fit.without_largest.kappa, rel=1e-9)
    assert "rmax_dependent" not in fit.flags


def test_an_averaged_ratio_below_the_tested_ones_is_flagged() -> None:
    two = table(kappa=2e-4, sigma=0.002, ratios=(4, 32))
    fit = fit_reduction(two, price=Price.per_param(1e-6), channels=64)
    assert 1 <= fit.average.r_star < 4
    assert fit.basis == "average"
    assert "extrapolated" in fit.flags
    assert any("the ratio lies outside the tested ones" in s for s in sentences(fit))
    inside = fit_reduction(table(sigma=0.002), price=PRICE, channels=64)
    assert inside.average.r_star > 2
    assert "extrapolated" not in inside.flags


def test_families_without_an_aicc_have_no_weights() -> None:
    fit = fit_reduction(table(seeds=1, sigma=0.002), price=PRICE, channels=64)
    assert any("(no AICc); they are not averaged" in s for s in sentences(fit))
    assert [row["weight"] for row in as_json(fit)["models"]] == [None] * 8


def test_missing_runs_widen_but_do_not_break() -> None:
    whole = runs(seeds=6)
    holes = whole.drop(index=[2, 11, 17, 25])
    a, b = (fit_reduction(from_frame(f), price=PRICE, channels=64) for f in (whole, holes))
    assert b.n == 26
    assert b.status == a.status == "ok"
    assert b.df < a.df


def test_smaller_ratios_that_contradict_kappa_are_told_of() -> None:
    # One seed: no lack-of-fit test, so nothing else says that a single ratio makes the rise.
    frame = runs(kappa=0.0, sigma=0.0003, seeds=1, ratios=(2, 4, 6, 8, 16, 32))
    frame.loc[frame["reduction"] == 32, "val_loss"] += 0.05
    fit = fit_reduction(from_frame(frame), price=PRICE, channels=64)
    assert fit.status == "single_seed"
    assert "rmax_dependent" in fit.flags
    [said] = [line for line in sentences(fit) if line.startswith("Without r = 32 kappa is")]
    assert said.endswith(f"which does not hold {number(fit.kappa)}.")


def test_a_rise_that_the_smaller_ratios_neither_show_nor_contradict_is_no_reservation() -> None:
    fit = fit_reduction(table(kappa=1e-4, sigma=0.01, seeds=3), price=PRICE, channels=64)
    assert fit.status == "ok"
    assert fit.leverage[32.0] == pytest.approx(0.956, abs=5e-4)
    assert fit.without_largest is not None
    assert fit.without_largest.status != "ok"
    assert "rmax_dependent" not in fit.flags
    assert any("neither show the rise nor contradict it" in line for line in sentences(fit))


def test_a_fall_that_only_the_largest_ratio_shows_says_so() -> None:
    fit = fit_reduction(table(kappa=-1e-4, sigma=0.01, seeds=3), price=PRICE, channels=64)
    assert fit.status == "decreasing"
    assert fit.without_largest is not None
    assert fit.without_largest.status != "decreasing"
    assert any("neither show the fall nor contradict it" in line for line in sentences(fit))


@pytest.mark.parametrize("kappa", [0.0, 1e-5, -1e-5])
def test_nothing_rests_on_anything_where_nothing_is_identified(kappa: float) -> None:
    seen = set()
    for random in range(12):
        fit = fit_reduction(table(kappa=kappa, sigma=0.05, random=random), price=PRICE, channels=64)
        seen.add(fit.status)
        if fit.status in ("not_identified", "lower_bound_only"):
            said = " ".join(sentences(fit))
            assert "rmax_dependent" not in fit.flags
            assert "Without r =" not in said
            assert "rests on" not in said
            assert not ("is not identified" in said and "r* >=" in said)
    assert "not_identified" in seen


def test_a_step_between_tested_ratios_is_answered_by_every_place_that_it_may_have() -> None:
    frame = runs(kappa=0.0, sigma=0.002)
    frame["val_loss"] += 0.1 * (frame["reduction"] > 11)
    fit = fit_reduction(from_frame(frame), price=Price.per_param(1e-5), channels=64)
    assert fit.status == "quadratic_rejected"
    assert fit.r_star_ci is not None
    assert 3 < fit.r_star_ci[0] < 8
    assert 15 < fit.r_star_ci[1] < 17


def test_where_no_curve_follows_the_means_the_tested_ratios_alone_are_asked() -> None:
    frame = runs(kappa=0.0, sigma=0.002)
    frame["val_loss"] += 0.1 * (frame["reduction"] > 3) + 0.3 * (frame["reduction"] > 11)
    fit = fit_reduction(from_frame(frame), price=Price.per_param(1.2e-4), channels=64)
    assert fit.status == "curves_rejected"
    assert fit.basis == "monotone"
    assert fit.r_star_ci is not None
    low, high = fit.r_star_ci
    assert 6 < low < 8 == fit.r_star
    assert high == 16
    lines = sentences(fit)
    said = f"The best ratio lies between {low:.3g} and 16.0 at 95%, if val_loss nowhere falls as r grows"
    assert lines[0].startswith(said)
    assert "does not hold: no curve follows the means" in lines[1]


def test_a_curve_that_is_no_quadratic_is_flagged_and_the_average_follows_it() -> None:
    frame = runs(kappa=0.0, sigma=0.002)
    frame["val_loss"] += 0.03 * np.log(frame["reduction"])
    fit = fit_reduction(from_frame(frame), price=Price.per_param(0.03 * 8 / 2 / 64**2), channels=64)
    assert "lack_of_fit" in fit.flags
    assert fit.models["family"].iloc[0] == "log"
    assert fit.average.r_star == pytest.approx(8, rel=0.1)
    assert fit.average.ci[0] < 8 < fit.average.ci[1]
    assert fit.status == "quadratic_rejected"
    assert (fit.basis, fit.r_star, fit.r_star_ci) == ("average", fit.average.r_star, fit.average.ci)
    assert fit.theory_r_star is not None
    assert abs(fit.theory_r_star - 8) > 2
    content, lines = as_json(fit), sentences(fit)
    assert content["status"] == "quadratic_rejected"
    assert content["r_star"] == fit.average.r_star
    assert lines[0].startswith(f"r* = {fit.r_star:.3g} [")
    assert lines[1].startswith("The theory's kappa r^2/2 is rejected (lack of fit p < 0.001)")
    assert lines[1].endswith(
        f"does not hold: the data prefer log (weight {fit.models['weight'].iloc[0]:.2f})."
    )


def test_runs_with_seeds_of_their_own_are_not_blocked() -> None:
    frame = runs()
    alone = frame.assign(seed=range(len(frame)))
    fit = fit_reduction(from_frame(alone), price=PRICE, channels=64)
    assert fit.interval == "HC2 by run"
    assert fit.seeds == 0
    assert fit_reduction(from_frame(frame), cluster="run").interval == "HC2 by run"


def test_realised_ratios_replace_the_nominal_ones(make_study: Make) -> None:
    levels = {RATIO: dict.fromkeys((4, 8, 16, 24), 0.0)}
    fit = fit_reduction(read_study(make_study(effects=levels, channels=(64,))))
    assert fit.tested["nominal"].tolist() == [4, 8, 16, 24]
    assert fit.tested["r"].tolist() == [4, 8, 16, 32]
    assert fit.c2_eff == 64**2


@pytest.mark.parametrize("hidden", [[None, 4], []])
def test_a_network_with_a_block_of_no_hidden_width_has_its_nominal_ratio(hidden: list[Any]) -> None:
    frame = runs()
    for column, sizes in (("hidden", hidden), ("channels", [64] * len(hidden))):
        frame[column] = pd.Series([sizes] * len(frame), dtype=object)
    assert fit_reduction(from_frame(frame)).tested["r"].tolist() == list(R)


def test_ratios_that_build_one_network_count_as_one() -> None:
    fit = fit_reduction(table(ratios=(2, 4, 8, 16)), price=PRICE, channels=24)
    assert "rounded_duplicates" not in fit.flags
    assert "assumed_rounding" in fit.flags
    twins = fit_reduction(table(ratios=(2, 4, 8, 16, 32)), price=PRICE, channels=16)
    assert "rounded_duplicates" in twins.flags
    assert twins.tested["n"].tolist() == [5, 5, 5, 10]


def test_only_arms_at_the_baseline_of_the_other_factors_enter(make_study: Make) -> None:
    gate = {"sigmoid": 0.0, "one_plus_tanh": 0.2}
    folder = make_study(effects={RATIO: dict.fromkeys(R, 0.0), "attention.gate": gate},
                        controls={"no attention": 0.05}, failed=[(0, 0)])  # fmt: skip
    fit = fit_reduction(read_study(folder))
    assert fit.n == 24
    assert fit.excluded == {
        "state FAILED": 1,
        "with another factor off its baseline": 25,
        "no ratio (control arm)": 5,
    }


def test_the_control_is_compared_with_the_best_ratio(make_study: Make) -> None:
    fit = fit_reduction(
        read_study(make_study(controls={"no attention": 0.05}, sigma=0.001, kappa=0.0))
    )
    row = fit.control.iloc[0]
    assert row["label"] == "no attention"
    assert row["n"] == 5
    assert row["low"] < 0.05 < row["high"]
    assert fit.switch_prices["best_above"].iloc[-1] == "no attention"


def with_wide_control(table: RunsTable) -> RunsTable:
    """The table with its control once more, twice as wide and much better."""
    bare = table.frame["label"] == "no attention"
    wide = table.frame[bare].assign(
        label="no attention, width 32", arm="wide", **{"backbone.width": 32.0}
    )
    wide["val_loss"] -= 0.2
    wide["run"] += "w"
    frame = pd.concat([table.frame, wide], ignore_index=True)
    return replace(table, frame=frame)


def test_a_control_of_another_width_is_not_held_against_the_fitted_ratios(
    make_study: Make,
) -> None:
    widths = {16: 0.0, 32: -0.2}
    folder = make_study(effects={RATIO: dict.fromkeys(R, 0.0), "backbone.width": widths},
                        controls={"no attention": 0.05}, sigma=0.001)  # fmt: skip
    fit = fit_reduction(with_wide_control(read_study(folder)))
    assert fit.control["label"].tolist() == ["no attention"]
    assert fit.switch_prices["best_above"].iloc[-1] == "no attention"
    assert fit.excluded == {
        "with another factor off its baseline": 30,
        "no ratio (control arm)": 5,
    }


def test_a_control_of_a_width_that_no_ratio_was_run_at_is_left_out_too(make_study: Make) -> None:
    known = read_study(make_study(controls={"no attention": 0.05}, baseline={"backbone.width": 16}))
    table = with_wide_control(known)
    assert fit_reduction(table).control["label"].tolist() == ["no attention"]


def test_a_table_says_with_a_column_of_its_own_which_runs_are_its_control() -> None:
    bare = pd.DataFrame(
        {
            "kind": "plain",
            "seed": range(5),
            "val_loss": [1.2, 1.21, 1.19, 1.22, 1.2],
            "size": [1] * 5,
        }
    )
    squeezed = runs().assign(kind="se", size=1)
    large = squeezed.assign(size=2)
    frame = pd.concat([squeezed, large, bare, bare.assign(size=2)], ignore_index=True)
    fit = fit_reduction(from_frame(frame, baseline={"size": 1, "kind": "se"}))
    assert fit.control["n"].tolist() == [5]


def test_runs_that_failed_at_one_ratio_only_are_flagged(make_study: Make) -> None:
    fair = fit_reduction(read_study(make_study("a", seeds=6, failed=[(0, 0)])))
    unfair = fit_reduction(read_study(make_study("b", seeds=6, failed=[(4, s) for s in range(4)])))
    assert "missing_not_random" not in fair.flags
    assert "missing_not_random" in unfair.flags


def test_a_searchs_runs_are_flagged_as_selected(make_study: Make) -> None:
    assert "selected_data" in fit_reduction(read_study(make_study(stage="search"))).flags


def test_the_json_has_the_documented_keys_and_no_infinity() -> None:
    fit = fit_reduction(table(kappa=2e-5, sigma=0.05), price=PRICE, channels=64)
    content = json.loads(json.dumps(as_json(fit), allow_nan=False))
    keys = {"L0", "kappa", "kappa_ci", "se", "df", "r_star", "r_star_ci", "status", "flags", "lack_of_fit",
            "models", "average", "argmin_set", "leverage", "without_largest", "excluded"}  # fmt: skip
    assert keys <= set(content)
    assert {"F", "p", "df"} <= set(content["lack_of_fit"])
    assert {"family", "k", "aicc", "weight", "r_star"} == set(content["models"][0])
    assert set(content["average"]) == {"r_star", "ci"}


def test_curves_pass_through_what_they_are_fitted_to() -> None:
    fit = fit_reduction(table(sigma=0.0), channels=64)
    assert fit.curve(np.array(R)) == pytest.approx(fit.tested["loss"].to_numpy(), rel=1e-9)
    assert fit.average_curve(np.array(R, float)) == pytest.approx(
        fit.tested["loss"].to_numpy(), rel=1e-6
    )


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (runs(ratios=(4,)), "must take at least two values, but every complete run has 4"),
        (runs().assign(reduction=lambda f: f["reduction"] / 4), "`attention.reduction >= 1` must hold, but row"),
        (runs().drop(columns="reduction"), "the table lacks the column `reduction`; it has seed, val_loss."),
        (runs().assign(gate=["a", "b", "a", "b", "a"] * 5), "`gate` varies beside the ratio"),
        (runs().assign(seed=[None, *range(24)]), "`seed` must be given for every run or for none, but row 0"),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_fitted_is_told_why(frame: pd.DataFrame, message: str) -> None:
    with pytest.raises(TableError, match=message):
        fit_reduction(from_frame(frame))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"price": Price.per_param(1.0, metric="val_error"), "channels": 64},
         "the price is in units of `val_error`, but the runs were measured in `val_loss`"),
        ({"price": PRICE}, "a price needs the network's channels"),
        ({"blocks": "3x", "price": PRICE}, "`blocks` must read like 3x256,4x512, but has the part '3x'"),
        ({"blocks": "3x8", "channels": 8}, "give either `blocks` or `channels`, not both"),
        ({"confidence": 1.0}, "`0.5 < confidence < 1` must hold, but got 1.0"),
    ],
)  # fmt: skip
def test_an_option_that_breaks_its_rule_is_told(options: dict[str, Any], message: str) -> None:
    with pytest.raises(TableError, match=message):
        fit_reduction(table(), **options)


def test_seeds_cannot_be_clustered_by_where_there_are_none() -> None:
    with pytest.raises(TableError, match="the table has no seeds to cluster by"):
        fit_reduction(from_frame(runs().drop(columns="seed")), cluster="seed")


def test_accuracy_is_refused_as_a_loss(make_study: Make) -> None:
    folder = make_study()
    info = json.loads((folder / "study.json").read_text())
    (folder / "study.json").write_text(
        json.dumps({**info, "metric": "val_accuracy", "direction": "maximize"})
    )
    with pytest.raises(
        TableError, match="needs a metric that is minimised, but val_accuracy is maximised"
    ):
        fit_reduction(read_study(folder))
