"""The stored cases of `reference/tradeoff_cases.json`, each within its own tolerance."""

import json
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.contrasts.cr2 import classical, hc2
from analysis.contrasts.multiplicity import holm
from analysis.effects.factorial import factorial
from analysis.planning.ratio_plan import equal_efficiency, grid_leverage, sxx
from analysis.tables.csv_table import from_frame
from analysis.tradeoff.curves.lack_of_fit import shape
from analysis.tradeoff.prices.cost import Cost
from analysis.tradeoff.prices.price import Price, best_ratio, regret, switch_ratio
from analysis.tradeoff.reduction_fit import ReductionFit
from analysis.tradeoff.tradeoff import fit_reduction

PATH = Path(__file__).parent / "reference" / "tradeoff_cases.json"
CASES = {case["id"]: case for case in json.loads(PATH.read_text(encoding="utf-8"))["cases"]}
FITS = [
    "B01_balanced",
    "B03_unbalanced",
    "B06_weak",
    "B07_flat",
    "B09_log_truth",
    "B13_nested_seeds",
]
C = 64


def frame_of(case: dict[str, Any]) -> pd.DataFrame:
    given = case["input"]
    frame = pd.DataFrame({"reduction": given["r"], "val_loss": given["loss"]})
    return frame.assign(seed=given["seed"]) if given.get("seed") else frame


def fitted(case: dict[str, Any], frame: pd.DataFrame | None = None) -> ReductionFit:
    lam_c2 = case["input"].get("lamC2", 1.0)
    price = Price.per_param(lam_c2 / 2 / C**2)
    table = from_frame(frame_of(case) if frame is None else frame)
    return fit_reduction(table, price=price, channels=C)


@pytest.fixture(scope="module")
def fits() -> dict[str, ReductionFit]:
    return {name: fitted(CASES[name]) for name in FITS}


@pytest.mark.parametrize("name", FITS)
def test_the_default_estimator_meets_every_stored_number(
    fits: dict[str, ReductionFit], name: str
) -> None:
    fit, expected = fits[name], CASES[name]["expected"]
    assert fit.theory_r_star is not None
    assert fit.theory_ci is not None
    found = {
        "kappa": fit.kappa,
        "se": fit.se,
        "df": fit.df,
        "kappa_lo": fit.kappa_ci[0],
        "kappa_hi": fit.kappa_ci[1],
        "r_star": fit.theory_r_star,
        "r_star_lo": fit.theory_ci[0],
        "r_star_hi": fit.theory_ci[1],
        "lof_F": fit.lack_of_fit.F,
        "lof_p": fit.lack_of_fit.p,
    }
    wanted = {key: float(expected[key]) for key in found}
    assert found == pytest.approx(wanted, rel=CASES[name]["rtol"])
    assert list(fit.lack_of_fit.df) == expected["lof_df"]
    rejected = expected["lof_p"] < 0.05
    assert fit.status == ("quadratic_rejected" if rejected else expected["status"])


@pytest.mark.parametrize("name", FITS)
def test_the_curve_families_meet_the_stored_weights(
    fits: dict[str, ReductionFit], name: str
) -> None:
    fit, expected = fits[name], CASES[name]["expected"]
    models = fit.models.set_index("family")
    away = models["aicc"] - models["aicc"].min()
    assert away.to_dict() == pytest.approx(expected["aicc_minus_best"], abs=6e-4)
    assert models["weight"].to_dict() == pytest.approx(expected["akaike_weight"], abs=6e-5)
    assert fit.models["family"].iloc[0] == expected["best_model"]
    assert fit.average.r_star == pytest.approx(expected["r_star_modelavg"], rel=0.03)


@pytest.mark.parametrize(
    "name", [name for name in FITS if "argmin_tested" in CASES[name]["expected"]]
)
def test_the_best_tested_ratio_is_the_stored_one(fits: dict[str, ReductionFit], name: str) -> None:
    tested = fits[name].tested
    assert tested["r"][tested["J"].idxmin()] == CASES[name]["expected"]["argmin_tested"]


@pytest.mark.parametrize("name", FITS)
def test_plain_least_squares_and_hc2_meet_the_stored_numbers(name: str) -> None:
    case = CASES[name]
    x = np.array(case["input"]["r"]) ** 2 / 2
    y = np.array(case["input"]["loss"])
    one = np.zeros(len(x), dtype=np.intp)
    plain, robust = classical(x, y, one), hc2(x, y, one)
    found = {
        "ols_kappa": plain.value,
        "ols_se": plain.se,
        "ols_L0": y.mean() - plain.value * x.mean(),
        "hc2_se": robust.se,
        "max_leverage": np.max(1 / len(x) + (x - x.mean()) ** 2 / np.sum((x - x.mean()) ** 2)),
    }
    assert found == pytest.approx({k: case["expected"][k] for k in found}, rel=case["rtol"])


def test_an_exact_quadratic_is_recovered_with_its_identities() -> None:
    given, expected = CASES["A1_exact"]["input"], CASES["A1_exact"]["expected"]
    r = np.array(given["r"], dtype=float)
    frame = pd.DataFrame({"reduction": np.tile(r, 3), "val_loss": np.tile(given["loss"], 3)})
    frame["seed"] = np.repeat([0, 1, 2], len(r))
    fit = fit_reduction(
        from_frame(frame), price=Price.per_param(given["lam"] / 2), channels=given["C"]
    )
    assert fit.theory_r_star is not None
    assert fit.c2_eff is not None
    star = fit.theory_r_star
    excess = fit.kappa * star**2 / 2
    assert {
        "L0": fit.L0,
        "kappa": fit.kappa,
        "r_star": star,
        "penalty_at_opt": given["lam"] * fit.c2_eff / star,
        "excess_at_opt": excess,
        "J_star": fit.L0 + 3 * excess,
        "J_second": fit.kappa + 2 * given["lam"] * fit.c2_eff / star**3,
        "regret_at_2rstar": regret(2.0, kappa=fit.kappa, r_star=star),
        "regret_at_half": regret(0.5, kappa=fit.kappa, r_star=star),
        "penalty_regret_halfstar_ratio": given["lam"] * fit.c2_eff / star / (2 * excess),
    } == pytest.approx(expected, rel=1e-9)


def test_neighbouring_ratios_switch_where_stored() -> None:
    case = CASES["A4_pow2_switch"]
    a = case["input"]["a"]
    assert switch_ratio(a, 2 * a) == pytest.approx(
        case["expected"]["switch_r_star"], rel=case["rtol"]
    )
    for star, choice in ((11.0, "choice_at_11"), (11.6, "choice_at_11_6")):
        j = {r: r**2 / 2 + star**3 / r for r in (a, 2 * a)}
        assert min(j, key=j.__getitem__) == case["expected"][choice]


def test_the_cost_of_se_resnet_50_is_exact() -> None:
    given, expected = CASES["A5_resnet50_cost"]["input"], CASES["A5_resnet50_cost"]["expected"]
    channels = [
        c for n, c in zip(given["blocks"], given["channels"], strict=True) for _ in range(n)
    ]
    cost = Cost(tuple(channels))
    assert cost.c2_eff == expected["C2_eff"]
    assert [cost.params(r) for r in given["r"]] == expected["weights"]
    assert [cost.params(r, bias=True) for r in given["r"]] == expected["with_bias"]


def test_prices_convert_as_stored() -> None:
    given, expected = CASES["A6_lambda"]["input"], CASES["A6_lambda"]["expected"]
    kappa, c2 = given["kappa"], given["C2"]
    price = Price.per_param(given["price_per_param"]).lam(kappa=kappa, c2=c2)
    implied = Price.implied_by(given["r0"]).lam(kappa=kappa, c2=c2)
    budget = Price.budget(given["P_max"])
    assert {
        "lam_from_price": price,
        "r_star_price": best_ratio(kappa, lam=price, c2=c2),
        "lam_implied": implied,
        "price_implied": implied / 2,
        "r_budget": budget.ratio(c2),
        "lam_shadow": budget.lam(kappa=kappa, c2=c2),
    } == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", ["B14_senet_table", "B15_senet_drop_rmax"])
def test_the_published_table_gets_the_classical_interval(name: str) -> None:
    case = CASES[name]
    fit = fitted(case)
    names = {"kappa": fit.kappa, "kappa_lo": fit.kappa_ci[0], "kappa_hi": fit.kappa_ci[1],
             "L0": fit.L0, "max_leverage": max(fit.leverage.values()), "r_star": fit.r_star}  # fmt: skip
    wanted = {k: v for k, v in case["expected"].items() if k in names}
    assert {k: names[k] for k in wanted} == pytest.approx(wanted, rel=case["rtol"])
    assert fit.status == case["expected"].get("status", "single_seed")
    assert not fit.lack_of_fit.testable


def test_rows_that_are_not_complete_never_enter() -> None:
    case, base = CASES["B17_pruned_rows"], CASES["B01_balanced"]
    extra = pd.DataFrame(case["input"]["extra_rows"])
    extra = extra.rename(columns={"r": "reduction", "loss": "val_loss"})
    frame = pd.concat([frame_of(base).assign(state="COMPLETE"), extra], ignore_index=True)
    fit, plain = fitted(base, frame), fitted(base)
    assert (fit.kappa, fit.kappa_ci, fit.n) == (plain.kappa, plain.kappa_ci, plain.n)
    assert sum(fit.excluded.values()) == case["expected"]["excluded"]


def test_r_star_rises_with_the_width_as_the_theory_says() -> None:
    given, expected = CASES["C1_width_gamma0"]["input"], CASES["C1_width_gamma0"]["expected"]
    stars = [
        best_ratio(k, lam=given["lam"], c2=c**2)
        for c, k in zip(given["C"], given["kappa"], strict=True)
    ]
    assert stars == pytest.approx(expected["r_star"], rel=1e-9)


def test_hidden_widths_round_half_up_and_give_the_realised_ratio() -> None:
    given, expected = CASES["D1_hidden"]["input"], CASES["D1_hidden"]["expected"]
    costs = [Cost((c,)) for c in given["C"]]
    assert [c.hidden(r)[0] for c, r in zip(costs, given["r"], strict=True)] == expected["m"]
    found = [c.realised(r) for c, r in zip(costs, given["r"], strict=True)]
    assert found == pytest.approx(expected["r_eff"], rel=1e-9)


def test_the_factorial_meets_every_stored_effect() -> None:
    case = CASES["E1_factorial"]
    y, expected = np.array(case["input"]["Y"]), case["expected"]
    cells = list(product([-1, 1], repeat=3))
    rows = [
        {"seed": s, "squeeze": a, "gate": b, "placement": c, "val_loss": y[s, k]}
        for s in range(len(y))
        for k, (a, b, c) in enumerate(cells)
    ]
    table = from_frame(pd.DataFrame(rows))
    pooled = factorial(table, error="pooled")
    own = factorial(table)
    pooled["p_holm"] = holm(pooled["p"].to_numpy(float))
    assert list(pooled["effect"]) == expected["names"]
    for column, key in (
        ("estimate", "effect"),
        ("p", "p_pooled"),
        ("p_holm", "p_holm"),
        ("p_bh", "p_bh"),
    ):
        assert pooled[column].tolist() == pytest.approx(expected[key], rel=case["rtol"])
    assert set(pooled["df"]) == {expected["df_pooled"]}
    assert set(own["df"]) == {expected["df_contrast"]}
    assert pooled["se"].tolist() == pytest.approx([expected["se_pooled"]] * 7, rel=case["rtol"])
    assert own["se"].tolist() == pytest.approx(expected["se_contrast"], rel=case["rtol"])
    assert own["p"].tolist() == pytest.approx(expected["p_contrast"], rel=case["rtol"])


def test_planning_meets_the_stored_design_numbers() -> None:
    case = CASES["F_plan_32"]
    given, expected = case["input"], case["expected"]
    r = np.array(given["r"], dtype=float)
    assert sxx(r) == pytest.approx(expected["Sxx"], rel=case["rtol"])
    se = given["sigma"] / np.sqrt(given["S"] * sxx(r))
    assert se == pytest.approx(expected["se_kappa"], rel=case["rtol"])
    assert list(grid_leverage(r).values()) == pytest.approx(expected["leverage"], rel=case["rtol"])
    assert equal_efficiency(r) == pytest.approx(expected["efficiency_equal"], rel=case["rtol"])


def test_the_rivals_rise_by_one_over_the_tested_ratios() -> None:
    assert shape(np.array([2.0, 4.0, 8.0]), 0.0).tolist() == pytest.approx([0.0, 0.5, 1.0])
