"""The answer as a function of the price, for where nobody has named one."""

import math

import numpy as np
import pandas as pd

from analysis.tradeoff.answer import Answers
from analysis.tradeoff.kappa import NO_INTERVAL, Interval
from analysis.tradeoff.priced import price_kappa
from analysis.tradeoff.prices.price import Price, switch_prices
from analysis.tradeoff.ratios import RatioRuns
from plain_files.numbers import as_given

COLUMNS = [
    "price", "r_star", "low", "high", "theory", "theory_low", "theory_high", "best_tested", "not_worse",
]  # fmt: skip
POINTS_PER_DECADE = 6
PLACEMENT = "attention.placement"


def price_sweep(
    runs: RatioRuns, answers: Answers, *, kappa: float, kappa_ci: Interval
) -> pd.DataFrame:
    """r* with its interval, the best tested ratio and its rivals over a log grid of prices per weight.

    Empty where the cost is unknown. `r_star` is NaN where at most a limit is known; `theory` is infinity
    where kappa <= 0.
    """
    if runs.c2_eff is None:
        return pd.DataFrame(columns=COLUMNS)
    rows = []
    for price in prices_to_show(runs, kappa=kappa, kappa_ci=kappa_ci):
        named, lam_c2 = Price.per_param(float(price)), 2 * float(price) * runs.c2_eff
        tested = answers.pairs.at(lam_c2=lam_c2, confidence=answers.confidence)
        theory = price_kappa(named, kappa, kappa_ci, c2=runs.c2_eff)
        found = answers.at(lam_c2, theory)
        r_star = math.nan if found.r_star is None else found.r_star
        ends, theirs = found.ci or NO_INTERVAL, theory.r_star_ci or NO_INTERVAL
        rows.append([price, r_star, *ends, theory.r_star, *theirs, tested.best, tested.argmin_set])
    return pd.DataFrame(rows, columns=COLUMNS)


def prices_to_show(
    runs: RatioRuns, *, kappa: float, kappa_ci: tuple[float, float]
) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Prices from where r* would be half the smallest tested ratio to where it is twice the largest."""
    c2 = runs.c2_eff or math.nan
    scale = kappa if kappa > 0 else kappa_ci[1]
    if not scale > 0:
        # The loss falls with the ratio: any price favours the largest; show the loss's own scale.
        spread = float(np.ptp(runs.loss)) or 1.0
        scale = 2 * spread / float(runs.r.max()) ** 2
    low = scale * (float(runs.r.min()) / 2) ** 3 / c2 / 2
    high = scale * (float(runs.r.max()) * 2) ** 3 / c2 / 2
    decades = np.arange(
        math.floor(POINTS_PER_DECADE * math.log10(low)),
        math.ceil(POINTS_PER_DECADE * math.log10(high)) + 1,
    )
    return np.asarray(10.0 ** (decades / POINTS_PER_DECADE))


def tested_switches(
    runs: RatioRuns, *, loss: "np.ndarray[tuple[int], np.dtype[np.float64]]"
) -> pd.DataFrame:
    """The prices per weight at which the best tested design changes, the control without weights included.

    `loss` is the mean loss of each distinct ratio, ascending.
    """
    if runs.c2_eff is None:
        return pd.DataFrame(columns=["best_below", "best_above", "price"])
    levels = runs.levels
    names = [f"r={as_given(r)}" for r in levels]
    params = [2 * runs.c2_eff / r for r in levels]
    means = [float(value) for value in loss]
    control = runs.control
    bare = control["attention_params"] == 0
    if PLACEMENT in control:
        bare |= control[PLACEMENT] == "none"
    for label, part in control[bare].groupby(control["label"].fillna("no attention")):
        names.append(str(label))
        params.append(0.0)
        means.append(float(part[runs.metric].mean()))
    return switch_prices(names, np.array(params), np.array(means))
