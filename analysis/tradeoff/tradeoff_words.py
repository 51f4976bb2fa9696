"""A reduction-ratio fit in plain words, and as plain values."""

import math
from typing import Any

import numpy as np

from analysis.plain import pair, plain, records
from analysis.tradeoff.kappa import MIN_SEEDS, Status
from analysis.tradeoff.reduction_fit import ReductionFit

DIGITS = 10
"""Of a percentage: 99.9 and 99.999 stay what they are, and 100 * 0.95 is 95."""
STATUS_WORDS: dict[Status, str] = {
    "ok": "the loss rises with r",
    "lower_bound_only": "κ may be 0: only a lower limit of r* is known",
    "not_identified": "no rise of the loss with r was seen, so no r*",
    "decreasing": "the loss falls as r grows, so no r*",
    "too_few_seeds": f"too few seeds for an interval ({MIN_SEEDS} are needed)",
    "single_seed": "one run per ratio: the interval knows nothing of seeds",
}
FLAG_WORDS = {
    "lack_of_fit": "the quadratic does not hold (lack of fit), so its r* is not to be used",
    "lack_of_fit_untestable": "lack of fit cannot be tested: it needs three ratios and repeated runs that differ",
    "extrapolated": "the ratio lies outside the tested ones",
    "average_extrapolated": "the averaged r* lies below the tested ratios, where no run has been",
    "rmax_dependent": "the answer rests on the largest ratio alone: it changes without it",
    "missing_not_random": "the share of finished runs differs by ratio, which biases any estimate",
    "selected_data": "these runs were chosen by a search as it went; confirm them with fresh seeds",
    "rounded_duplicates": "some ratios build one and the same network and were counted as one",
    "assumed_rounding": "C/r is not whole and the table has no hidden widths; rounding half up was assumed",
    "knows_no_seeds": "one run per ratio: the interval knows nothing of seeds",
}


def sentences(fit: ReductionFit) -> list[str]:
    """The verdict in plain words: the ratio, what the tested ratios say, the model, the reservations."""
    lines = [*_given(fit), _ratio(fit), _tested(fit), _model(fit)]
    if not fit.control.empty:
        lines += [_control(row, fit) for row in fit.control.to_dict("records")]
    if "rmax_dependent" in fit.flags and fit.without_largest is not None:
        lines.append(_without_largest(fit, fit.without_largest))
    notes = [FLAG_WORDS[flag] for flag in fit.flags]
    if notes:
        lines.append("Reservations: " + "; ".join(notes) + ".")
    if fit.excluded:
        left = ", ".join(f"{count} {reason}" for reason, count in fit.excluded.items())
        lines.append(f"Left out of the fit: {left}.")
    return lines


def _given(fit: ReductionFit) -> list[str]:
    """The ratio that a budget or an implied price fixes, and its price if the runs show one."""
    if fit.price is None or not fit.price.fixes_ratio or fit.c2_eff is None:
        return []
    r, budget = f"{fit.price.ratio(fit.c2_eff):.4g}", fit.price.mode == "budget"
    head = f"The budget of {fit.price.value:,.10g} weights allows r >= {r} (2 C2/budget; no fit enters). "
    if fit.price_per_param is None:
        none = "It has no shadow price" if budget else f"No price makes r = {r} the optimum"
        return [f"{head if budget else ''}{none}: {fit.metric} was not seen to rise with r."]
    band = "" if fit.price_ci is None else " [{:.3g}, {:.3g}]".format(*fit.price_ci)
    price = f"{fit.price_per_param:.3g} {fit.metric} per weight{band}"
    return [
        f"{head}Its shadow price is {price}." if budget else f"r = {r} is the optimum at {price}."
    ]


def _ratio(fit: ReductionFit) -> str:
    tested = f"{fit.tested['r'].min():g} to {fit.tested['r'].max():g}"
    match fit.status:
        case "decreasing":
            return (
                f"The {fit.metric} falls with r over the tested {tested}: the largest is cheapest and "
                "best at any price, and the trade-off model is contradicted."
            )
        case "not_identified":
            low = _lower_limit(fit)
            return f"No rise of {fit.metric} with r was seen (kappa {_kappa(fit)}): r* is not identified{low}."
        case "too_few_seeds":
            return (
                f"Too few seeds for an interval ({_replicates(fit)} per ratio, 3 needed); the point estimate "
                f"is kappa = {fit.kappa:.3g}{_point(fit)}."
            )
        case "lower_bound_only":
            low = _lower_limit(fit)
            text = low.lstrip(" ,;") if low else "any price gives a lower bound only"
            return f"Only a lower bound of r* is supported: {text} (kappa {_kappa(fit)})."
    return _identified(fit)


def _identified(fit: ReductionFit) -> str:
    basis = f"{fit.interval}, {fit.n} runs" + (f", {fit.seeds} seeds" if fit.seeds else "")
    if fit.price is None:
        span = _sweep_span(fit)
        return (
            f"kappa = {_kappa(fit)} ({basis}). No price was named, so there is no single r*{span}."
        )
    if fit.price.fixes_ratio:
        return f"kappa = {_kappa(fit)} ({basis})."
    if fit.r_star_ci is None:
        return f"r* = {fit.r_star:.3g} without an interval (kappa {_kappa(fit)}; {basis})."
    low, high = fit.r_star_ci
    return f"r* = {fit.r_star:.3g} [{low:.3g}, {high:.3g}] at {_percent(fit)} (kappa {_kappa(fit)}; {basis})."


def _sweep_span(fit: ReductionFit) -> str:
    if fit.switch_prices.empty or fit.c2_eff is None:
        return ""
    steps = "; ".join(
        f"{row['best_below']} up to {row['price']:.2g}"
        for row in fit.switch_prices.to_dict("records")
    )
    last = fit.switch_prices["best_above"].iloc[-1]
    return f"; best tested by price in {fit.metric} per weight: {steps}; {last} above"


def _tested(fit: ReductionFit) -> str:
    names = ", ".join(f"{r:g}" for r in fit.argmin_set)
    where = "at this price" if fit.lam is not None else f"by {fit.metric} alone"
    best = float(fit.tested["r"].to_numpy()[fit.tested["J"].to_numpy().argmin()])
    rest = len(fit.tested) - len(fit.argmin_set)
    if fit.interval == "classical":
        return f"Best tested ratio {where}: {best:g}; with one run per ratio none can be ruled out."
    return (
        f"Best tested ratio {where}: {best:g}. Not worse than it at {_percent(fit)}: {names}"
        f"{' (none can be ruled out)' if rest == 0 else ''}."
    )


def _model(fit: ReductionFit) -> str:
    first = fit.models.iloc[0]
    average = ""
    if math.isfinite(fit.average.r_star):
        low, high = fit.average.ci
        band = "" if math.isnan(low) else f" [{low:.3g}, {_or_more(high)}]"
        average = f"; averaged over all families r* = {fit.average.r_star:.3g}{band}"
    lof = fit.lack_of_fit
    if not np.isfinite(fit.models["aicc"]).all():
        return f"{fit.n} runs cannot tell the eight curve families apart (no AICc); they are not averaged."
    if not lof.testable:
        return f"Heaviest curve family: {first['family']} (weight {first['weight']:.2f}){average}."
    weakest = min(lof.power, key=lof.power.__getitem__)
    verdict = "rejected" if lof.p < 0.05 else "not rejected"
    return (
        f"The quadratic is {verdict} (lack of fit p = {lof.p:.2g}; power {lof.power['linear']:.0%} against a "
        f"straight line, {lof.power[weakest]:.0%} against {weakest}); heaviest family: {first['family']} "
        f"({first['weight']:.2f}){average}."
    )


def _without_largest(fit: ReductionFit, smaller: ReductionFit) -> str:
    top = float(fit.tested["r"].max())
    head = f"Without r = {top:g} kappa is {_kappa(smaller)} ({smaller.status})"
    if fit.status not in ("ok", "single_seed"):
        return f"{head}."
    below = fit.tested[fit.tested["r"] < top]
    rest = float(np.average(below["loss"], weights=below["n"]))
    step = float(fit.tested["loss"].to_numpy()[-1]) - rest
    return (
        f"{head}: what the data support is that {fit.metric} is {step:+.3g} at r = {top:g} "
        "against the smaller ratios, not a value of r*."
    )


def _control(row: dict[Any, Any], fit: ReductionFit) -> str:
    band = "" if math.isnan(row["low"]) else f" [{row['low']:+.3g}, {row['high']:+.3g}]"
    return f"{row['label']}: {fit.metric} {row['difference']:+.3g}{band} against the best tested ratio."


def _lower_limit(fit: ReductionFit) -> str:
    if fit.r_star_ci is not None and math.isfinite(fit.r_star_ci[0]):
        return f"; r* >= {fit.r_star_ci[0]:.3g} ({_percent(fit)})"
    return ""


def _point(fit: ReductionFit) -> str:
    if fit.r_star is None or math.isinf(fit.r_star) or (fit.price and fit.price.fixes_ratio):
        return ""
    return f", r* = {fit.r_star:.3g}"


def _replicates(fit: ReductionFit) -> str:
    return f"{fit.seeds or round(fit.n / len(fit.tested))}"


def _kappa(fit: ReductionFit) -> str:
    low, high = fit.kappa_ci
    return f"{fit.kappa:.3g}" + ("" if math.isnan(low) else f" [{low:.3g}, {high:.3g}]")


def _percent(fit: ReductionFit) -> str:
    return f"{100 * fit.confidence:.{DIGITS}g}%"


def _or_more(high: float) -> str:
    return f"{high:.3g}" if math.isfinite(high) else "or more"


def as_json(fit: ReductionFit) -> dict[str, Any]:
    """Plain values; infinity and undefined numbers are null."""
    smaller = fit.without_largest
    return {
        "metric": fit.metric,
        "confidence": fit.confidence,
        "interval": fit.interval,
        "n": fit.n,
        "seeds": fit.seeds,
        "L0": plain(fit.L0),
        "kappa": plain(fit.kappa),
        "kappa_ci": pair(fit.kappa_ci),
        "se": plain(fit.se),
        "df": plain(fit.df),
        "r_star": plain(fit.r_star),
        "r_star_ci": pair(fit.r_star_ci),
        "status": fit.status,
        "flags": list(fit.flags),
        "lam": plain(fit.lam),
        "c2_eff": plain(fit.c2_eff),
        "price": _price(fit),
        "lack_of_fit": {
            "F": plain(fit.lack_of_fit.F),
            "p": plain(fit.lack_of_fit.p),
            "df": list(fit.lack_of_fit.df),
            "power": {name: plain(value) for name, value in fit.lack_of_fit.power.items()},
        },
        "models": records(fit.models),
        "average": {"r_star": plain(fit.average.r_star), "ci": pair(fit.average.ci)},
        "argmin_set": fit.argmin_set,
        "leverage": {f"{r:g}": h for r, h in fit.leverage.items()},
        "tested": records(fit.tested),
        "sweep": records(fit.sweep),
        "switch_prices": records(fit.switch_prices),
        "control": records(fit.control),
        "icc": plain(fit.icc),
        "sigma": plain(fit.sigma),
        "without_largest": None if smaller is None else {
            "kappa": plain(smaller.kappa),
            "kappa_ci": pair(smaller.kappa_ci),
            "r_star": plain(smaller.r_star),
            "r_star_ci": pair(smaller.r_star_ci),
            "status": smaller.status,
        },
        "excluded": fit.excluded,
        "sentences": sentences(fit),
    }  # fmt: skip


def _price(fit: ReductionFit) -> dict[str, Any] | None:
    if fit.price is None:
        return None
    return {
        "mode": fit.price.mode,
        "value": fit.price.value,
        "unit": f"{fit.metric} per weight",
        "per_param": plain(fit.price_per_param),
        "per_param_ci": pair(fit.price_ci),
    }
