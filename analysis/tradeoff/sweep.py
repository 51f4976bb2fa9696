"""The answer as a function of the price, for where nobody has named one."""

import math

import numpy as np
import pandas as pd

from analysis.tradeoff.prices.price import best_ratio, switch_prices
from analysis.tradeoff.ratios import RatioRuns
from analysis.tradeoff.tested import Pairs

COLUMNS = ["price", "r_star", "low", "high", "best_tested", "not_worse"]
POINTS_PER_DECADE = 6
PLACEMENT = "attention.placement"


def price_sweep(
    runs: RatioRuns,
    pairs: Pairs,
    *,
    kappa: float,
    kappa_ci: tuple[float, float],
    confidence: float,
) -> pd.DataFrame:
    """r* with its interval, the best tested ratio and its rivals over a log grid of prices per weight.

    Empty where the cost is unknown. `r_star` is infinity where kappa <= 0; `high` where it may be.
    """
    if runs.c2_eff is None:
        return pd.DataFrame(columns=COLUMNS)
    rows = []
    for price in prices_to_show(runs, kappa=kappa, kappa_ci=kappa_ci):
        lam, c2 = 2 * float(price), runs.c2_eff
        tested = pairs.at(lam_c2=lam * c2, confidence=confidence)
        low, high = (best_ratio(k, lam=lam, c2=c2) if k == k else math.nan for k in kappa_ci[::-1])
        r_star = best_ratio(kappa, lam=lam, c2=c2)
        rows.append([float(price), r_star, low, high, tested.best, tested.argmin_set])
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
    names = [f"r={r:g}" for r in levels]
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
