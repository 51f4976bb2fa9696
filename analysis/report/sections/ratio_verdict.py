"""The verdict on the reduction ratio in plain words, one for each status of the fit."""

import math

from analysis.report.evidence.evidence import Evidence
from analysis.report.page.numbers import as_given, interval, number, plural
from analysis.tradeoff.reduction_fit import ReductionFit
from analysis.tradeoff.status_words import ENOUGH_SEEDS, NOT_DISPLACED, STATUS_WORDS
from plain_files.numbers import p_words


def ratio_verdict(evidence: Evidence) -> str:
    """What the reduction ratio is worth, or why the runs do not say."""
    if evidence.ratio is None:
        return f"Reduction ratio: no answer, since {evidence.why('ratio')}"
    fit = evidence.ratio.fit
    lines = {
        "ok": _identified,
        "quadratic_rejected": _identified,
        "curves_rejected": _identified,
        "lower_bound_only": _lower_bound,
        "not_identified": _not_identified,
        "decreasing": _decreasing,
        "too_few_seeds": _few_seeds,
        "single_seed": _few_seeds,
        "no_noise": _no_noise,
    }
    return f"Reduction ratio: {lines[fit.status](fit)}"


def _identified(fit: ReductionFit) -> str:
    if fit.r_star is None or fit.r_star_ci is None:
        worth = f"which is best depends on what a weight is worth, in {_unit(fit.metric)}"
        return f"{_rise(fit)}; {worth}: {_by_price(fit)}"
    price = f"at {as_given(fit.price_per_param, 3)} {_unit(fit.metric)} per weight"
    theory = ""
    if fit.theory_r_star is not None and fit.theory_ci is not None:
        theory = f"r* = {number(fit.theory_r_star)} {interval(*fit.theory_ci)}"
    answer = f"r* = {number(fit.r_star)} {interval(*fit.r_star_ci)} {price}, by the average of eight curves"
    if fit.basis == "monotone":
        low, high = fit.r_star_ci
        span = (
            f"between {number(low)} and {number(high)}"
            if math.isfinite(high)
            else f"at {number(low)} or above"
        )
        answer = f"{price} the best ratio lies {span}, if the loss nowhere falls as r grows; no curve follows the means"
    elif fit.basis == "theory":
        return f"if the loss rises as r², {theory} {price}; {_free(fit)}"
    if fit.status == "ok":
        return f"{answer}; if the loss rises as r², {theory}. {_free(fit)}"
    return (
        f"{answer}; the theory's {theory} does not hold, since its curve is rejected (lack of fit "
        f"{p_words(fit.lack_of_fit.p)}). {_free(fit)}"
    )


def _rise(fit: ReductionFit) -> str:
    if fit.status == "ok":
        return f"the loss rises with r (κ = {number(fit.kappa)} {interval(*fit.kappa_ci)})"
    p = p_words(fit.lack_of_fit.p)
    if fit.status == "curves_rejected":
        return f"the loss follows no curve, the theory's r² included (lack of fit {p})"
    first = fit.models.iloc[0]
    return (
        f"the loss does not follow the theory's r² (lack of fit {p}); the data prefer {first['family']} "
        f"(weight {first['weight']:.2f})"
    )


def _lower_bound(fit: ReductionFit) -> str:
    if fit.r_star_ci is not None and not fit.r_star_ci[0] > 1:
        return (
            f"a rise of the loss with r is not certain (κ = {number(fit.kappa)} {interval(*fit.kappa_ci)}), and any "
            f"ratio may be the best. {_free(fit)}"
        )
    return (
        f"these data give a lower limit of r* only{_limit(fit)}: κ = {number(fit.kappa)} "
        f"{interval(*fit.kappa_ci)} may be zero. {_free(fit)}"
    )


def _not_identified(fit: ReductionFit) -> str:
    return (
        f"these data do not identify r*: no rise of the loss with r was seen (κ = {number(fit.kappa)} "
        f"{interval(*fit.kappa_ci)}). {_free(fit)}"
    )


def _decreasing(fit: ReductionFit) -> str:
    largest = as_given(fit.tested["r"].max())
    falls = f"the loss falls as r grows (κ = {number(fit.kappa)} {interval(*fit.kappa_ci)})"
    cheapest = f"the largest tested ratio, {largest}, is the cheapest. {_free(fit)}"
    smaller = fit.without_largest
    if not fit.contradicts_theory and smaller is not None:
        return (
            f"{falls}, but r = {largest} alone says so: without it κ is {number(smaller.kappa)} "
            f"{interval(*smaller.kappa_ci)}. That is too little to contradict the trade-off's theory; {cheapest}"
        )
    return f"{falls}, so the trade-off's theory is contradicted; {cheapest}"


def _few_seeds(fit: ReductionFit) -> str:
    found = f"{plural(fit.seeds, 'seed')}: too few for an interval"
    if fit.status == "single_seed":
        found = STATUS_WORDS[fit.status]
    return f"{found}, so nothing is concluded (κ is near {number(fit.kappa)}). Run {ENOUGH_SEEDS}."


def _no_noise(fit: ReductionFit) -> str:
    return (
        "repeated runs do not differ, so there is no interval and nothing is concluded (κ is near "
        f"{number(fit.kappa)}). Look whether the seed was applied."
    )


def _limit(fit: ReductionFit) -> str:
    if fit.r_star_ci is None or math.isnan(fit.r_star_ci[0]):
        return ""
    return f" (r* ≥ {number(fit.r_star_ci[0])} at {as_given(fit.price_per_param, 3)} {_unit(fit.metric)} per weight)"


def _free(fit: ReductionFit) -> str:
    where = "at this price" if fit.lam is not None else "by loss alone"
    if fit.none_ruled_out:
        return f"No tested ratio can be ruled out {where}."
    return f"Not worse than the best {where}: {_list(fit.argmin_set)}."


def _by_price(fit: ReductionFit) -> str:
    steps = fit.switch_prices
    if steps.empty:
        return f"{NOT_DISPLACED}."
    parts = [f"{row.best_below} up to {as_given(row.price, 2)}" for row in steps.itertuples()]
    return f"{', '.join(parts)}, {steps['best_above'].iloc[-1]} above."


def _list(ratios: list[float]) -> str:
    return ", ".join(as_given(r) for r in ratios)


def _unit(metric: str) -> str:
    """The unit of a metric, in words."""
    return "nats" if metric in ("val_loss", "train_loss") else metric
