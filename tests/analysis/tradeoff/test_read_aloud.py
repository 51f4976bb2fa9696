"""Whole answers on tables of every kind, read as somebody would who must decide: none wrong, none against another."""

from functools import cache
from pathlib import Path

import pytest

from analysis.tables.csv_table import read_csv
from analysis.tradeoff.prices.price import Price
from analysis.tradeoff.reduction_fit import ReductionFit
from analysis.tradeoff.tradeoff import fit_reduction
from analysis.tradeoff.tradeoff_words import sentences
from plain_files.numbers import number

CASES = Path(__file__).parents[1] / "cases" / "ratio"
NAMES = sorted(path.stem for path in CASES.glob("*.csv"))
PRICES = (None, 1e-6, 1e-4)
NOTHING = ("not_identified", "lower_bound_only", "decreasing")


@cache
def answer(name: str, price: float | None) -> tuple[ReductionFit, list[str]]:
    table = read_csv(CASES / f"{name}.csv")
    own = table.has("channels")
    named = Price.per_param(price) if price is not None else None
    fit = fit_reduction(table, price=named, channels=None if own else 64)
    return fit, sentences(fit)


@pytest.mark.parametrize("price", PRICES)
@pytest.mark.parametrize("name", NAMES)
def test_no_sentence_contradicts_another(name: str, price: float | None) -> None:
    fit, lines = answer(name, price)
    said = " ".join(lines)
    if fit.status in NOTHING:
        assert "r* =" not in said
        assert "show the rise" not in said
        assert ("show the fall" not in said) or fit.status == "decreasing"
        assert "rests on" not in said
    if fit.status in ("not_identified", "lower_bound_only"):
        assert "Without r =" not in said
        assert "rmax_dependent" not in fit.flags
    if "is not identified" in said:
        assert "r* >=" not in said
        assert "by the average" not in said
    if "can be ruled out" in said:
        assert "Best tested ratio" not in said
        assert len(fit.argmin_set) == len(fit.tested)
    if fit.status in ("quadratic_rejected", "curves_rejected"):
        assert "not reject" not in said
        assert "does not hold" in said or "is not to be used" in said
        assert not lines[0].startswith("kappa =")
    if "Reservations" in said and "one run per ratio" in said:
        assert "seeds)" not in said
    assert len(lines) == len(set(lines))


def test_a_flat_loss_identifies_nothing_and_says_it_once() -> None:
    for price in PRICES:
        fit, lines = answer("flatratio", price)
        assert fit.status == "not_identified"
        assert lines[0].endswith("r* is not identified.")
        assert lines[1].startswith("No tested ratio can be ruled out") == (price != 1e-4)
        assert lines[2:] == ["Heaviest curve family: flat (weight 0.33)."]


def test_a_loss_that_may_be_flat_has_no_bound_where_any_ratio_may_be_best() -> None:
    fit, lines = answer("flat", 1e-6)
    assert fit.status == "lower_bound_only"
    assert fit.r_star is None
    assert "at this price any ratio from 1 up may be the best (95%)" in lines[0]


@pytest.mark.parametrize("name", ["satratio", "saturating"])
def test_under_a_loss_that_saturates_the_averages_ratio_is_the_answer(name: str) -> None:
    fit, lines = answer(name, 1e-4)
    assert fit.status == "quadratic_rejected"
    assert (fit.basis, fit.r_star) == ("average", fit.average.r_star)
    assert lines[0].startswith(f"r* = {fit.r_star:.3g} [") or lines[0].startswith("r* >= ")
    assert f"so its r* = {fit.theory_r_star:.3g} [" in lines[1]
    assert "does not hold: the data prefer hill2 (weight" in lines[1]
    _, without = answer(name, None)
    assert "the data prefer hill2" in without[0]
    assert "kappa is not to be used" in without[0]


def test_a_quadratic_with_its_control_has_both_ratios_and_the_difference() -> None:
    fit, lines = answer("control", 1e-6)
    assert fit.status == "ok"
    assert fit.r_star_ci is not None
    assert fit.theory_ci is not None
    assert fit.r_star_ci[0] < fit.theory_ci[0] < fit.theory_ci[1] < fit.r_star_ci[1]
    assert lines[1].startswith(
        "If the loss rises as kappa r^2/2, which lack of fit does not reject, r* ="
    )
    [control] = [line for line in lines if line.startswith("no ratio: val_loss +0.0539 [")]
    assert control.endswith("against the best tested ratio.")


def test_the_published_table_is_answered_under_its_conditions() -> None:
    fit, lines = answer("senet", 1e-6)
    assert fit.status == "single_seed"
    assert lines[0].startswith("If the loss rises as kappa r^2/2, r* = 2.08 [1.85, 2.51] at 95%")
    assert lines[1].startswith("With one run per ratio none of the tested can be ruled out")
    assert (
        "Without r = 32 kappa is 8.19e-5 [-0.000835, 0.000999]: the smaller ratios neither"
        in " ".join(lines)
    )


def test_the_same_number_for_every_run_is_no_measurement_of_noise() -> None:
    fit, lines = answer("const_ratio", 1e-6)
    assert fit.status == "not_identified"
    assert fit.excluded == {"with the value of another run of its arm": 16}
    assert lines[0] == "No rise of val_loss with r was seen (kappa 0): r* is not identified."
    assert lines[1].startswith("With one run per ratio none of the tested can be ruled out")


def test_a_price_far_beyond_the_losses_gives_a_limit_and_not_a_number() -> None:
    fit, lines = answer("r1e4_tiny", 1e-6)
    assert fit.r_star_ci is not None
    assert lines[0].startswith(
        f"r* >= {number(fit.r_star_ci[0])} at 95%: the largest tested ratio or one beyond it"
    )
    assert "outside the tested ratios" in lines[1]
