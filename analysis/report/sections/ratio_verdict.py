"""The verdict on the reduction ratio in plain words, one for each status of the fit."""

import math

from analysis.report.evidence.evidence import Evidence
from analysis.report.page.numbers import interval, number, p_value, plural
from analysis.tradeoff.reduction_fit import ReductionFit


def ratio_verdict(evidence: Evidence) -> str:
    """What the reduction ratio is worth, or why the runs do not say."""
    if evidence.ratio is None:
        return f"Reduction ratio: no answer, since {evidence.why('ratio')}"
    fit = evidence.ratio.fit
    lines = {
        "ok": _identified,
        "lower_bound_only": _lower_bound,
        "not_identified": _not_identified,
        "decreasing": _decreasing,
        "too_few_seeds": _few_seeds,
        "single_seed": _few_seeds,
    }
    return f"Reduction ratio: {lines[fit.status](fit)}"


def _identified(fit: ReductionFit) -> str:
    rise = f"the loss rises with r (κ = {number(fit.kappa)} {interval(*fit.kappa_ci)})"
    if fit.r_star is None or fit.r_star_ci is None:
        return f"{rise}; which is best depends on what a weight is worth, in {_unit(fit.metric)}: {_by_price(fit)}"
    theory = f"r* = {number(fit.r_star)} {interval(*fit.r_star_ci)}"
    average = f"the average of eight curves gives {number(fit.average.r_star)} "
    average += interval(*fit.average.ci)
    price = f"at {number(fit.price_per_param)} {_unit(fit.metric)} per weight"
    tested = f"tested ratios not worse than the best: {_list(fit.argmin_set)}."
    if "lack_of_fit" in fit.flags:
        return (
            f"{price} {average}; the theory's {theory} is not to be used, since its curve is rejected "
            f"(lack of fit p = {p_value(fit.lack_of_fit.p)}); {tested}"
        )
    return f"{theory} {price} by the theory, {average}; {tested}"


def _lower_bound(fit: ReductionFit) -> str:
    return (
        f"these data do not identify r*; they give a lower limit only{_limit(fit)}. κ = "
        f"{number(fit.kappa)} {interval(*fit.kappa_ci)} may be zero. {_free(fit)}"
    )


def _not_identified(fit: ReductionFit) -> str:
    return (
        f"these data do not identify r*: no rise of the loss with r was seen (κ = {number(fit.kappa)} "
        f"{interval(*fit.kappa_ci)}){_limit(fit)}. {_free(fit)}"
    )


def _decreasing(fit: ReductionFit) -> str:
    largest = f"{fit.tested['r'].max():g}"
    return (
        f"the loss falls as r grows (κ = {number(fit.kappa)} {interval(*fit.kappa_ci)}), so the cheapest "
        f"tested ratio, {largest}, is best at every price, and the trade-off's theory is contradicted."
    )


def _few_seeds(fit: ReductionFit) -> str:
    found = "one seed" if fit.status == "single_seed" else plural(fit.seeds, "seed")
    return (
        f"{found}: too few for an interval, so nothing is concluded (κ is near {number(fit.kappa)}). "
        "Run at least 3 seeds, better 5."
    )


def _limit(fit: ReductionFit) -> str:
    if fit.r_star_ci is None or math.isnan(fit.r_star_ci[0]):
        return ""
    return f" (r* ≥ {number(fit.r_star_ci[0])} at {number(fit.price_per_param)} {_unit(fit.metric)} per weight)"


def _free(fit: ReductionFit) -> str:
    where = "at this price" if fit.lam is not None else "by loss alone"
    if len(fit.argmin_set) == len(fit.tested):
        return f"No tested ratio can be ruled out {where}."
    return f"Not worse than the best {where}: {_list(fit.argmin_set)}."


def _by_price(fit: ReductionFit) -> str:
    steps = fit.switch_prices
    if steps.empty:
        return "no tested ratio is displaced by another at any price."
    parts = [f"{row.best_below} up to {number(row.price, 2)}" for row in steps.itertuples()]
    return f"{', '.join(parts)}, {steps['best_above'].iloc[-1]} above."


def _list(ratios: list[float]) -> str:
    return ", ".join(f"{r:g}" for r in ratios)


def _unit(metric: str) -> str:
    """The unit of a metric, in words."""
    return "nats" if metric in ("val_loss", "train_loss") else metric
