"""A reduction-ratio fit in plain words."""

import math
from typing import Any

from analysis.tradeoff.answer import ALPHA
from analysis.tradeoff.kappa import MIN_SEEDS
from analysis.tradeoff.reduction_fit import ReductionFit
from plain_files.numbers import as_given, in_table, interval, number, p_words, signed

DIGITS = 10
"""Of a percentage: 99.9 and 99.999 stay what they are, and 100 * 0.95 is 95."""
FLAG_WORDS = {
    "lack_of_fit": "the theory's quadratic does not hold (lack of fit), so neither kappa nor its r* is to be used",
    "lack_of_fit_untestable": "lack of fit cannot be tested: it needs three ratios and repeated runs that differ",
    "extrapolated": "the ratio lies outside the tested ones, where no run has been",
    "rmax_dependent": "the smaller ratios contradict kappa: it is that of the largest ratio alone",
    "missing_not_random": "the share of finished runs differs by ratio, which biases any estimate",
    "selected_data": "these runs were chosen by a search as it went; confirm them with fresh seeds",
    "seeds_added": "seeds were added after the start by no declared rule; if they were added for what was seen, "
    "intervals miss more often than they say",
    "rounded_duplicates": "some ratios build one and the same network and were counted as one",
    "assumed_rounding": "C/r is not whole and the table has no hidden widths; rounding half up was assumed",
    "knows_no_seeds": "one run per ratio: the interval knows nothing of seeds",
    "skewed_noise": "the noise is skewed, so the intervals of few seeds miss more often than they say, on one side; "
    "try the loss's logarithm",
}


def sentences(fit: ReductionFit) -> list[str]:
    """The verdict in plain words: the ratio, what the tested ratios say, the model, the reservations."""
    lines = [*_given(fit), *_ratio(fit), _tested(fit), *_model(fit)]
    if not fit.control.empty:
        lines += [_control(row, fit) for row in fit.control.to_dict("records")]
    lines += _without_largest(fit)
    notes = [FLAG_WORDS[flag] for flag in fit.flags if not _said(flag, fit)]
    if notes:
        lines.append("Reservations: " + "; ".join(notes) + ".")
    if fit.excluded:
        left = ", ".join(f"{count} {reason}" for reason, count in fit.excluded.items())
        lines.append(f"Left out of the fit: {left}.")
    return lines


def _said(flag: str, fit: ReductionFit) -> bool:
    """Whether the first sentences say what the flag says."""
    return flag == "lack_of_fit" and fit.status in ("quadratic_rejected", "curves_rejected")


def _given(fit: ReductionFit) -> list[str]:
    """The ratio that a budget or an implied price fixes, and its price if the runs show one."""
    if fit.price is None or not fit.price.fixes_ratio or fit.c2_eff is None:
        return []
    r, budget = in_table(fit.price.ratio(fit.c2_eff)), fit.price.mode == "budget"
    head = f"The budget of {fit.price.value:,.10g} weights allows r >= {r} (2 C2/budget; no fit enters). "
    if fit.price_per_param is None:
        none = "It has no shadow price" if budget else f"No price makes r = {r} the optimum"
        return [f"{head if budget else ''}{none}: {fit.metric} was not seen to rise with r."]
    band = "" if fit.price_ci is None else f" {interval(*fit.price_ci)}"
    theory = " by the theory" if fit.status in ("quadratic_rejected", "curves_rejected") else ""
    price = f"{as_given(fit.price_per_param, 3)} {fit.metric} per weight{band}{theory}"
    return [
        f"{head}Its shadow price is {price}." if budget else f"r = {r} is the optimum at {price}."
    ]


def _ratio(fit: ReductionFit) -> list[str]:
    tested = f"{as_given(fit.tested['r'].min())} to {as_given(fit.tested['r'].max())}"
    match fit.status:
        case "decreasing":
            best = " and the best at any price" if fit.largest_is_best else ""
            theory = "is contradicted" if fit.contradicts_theory else "is not contradicted"
            return [
                f"The {fit.metric} falls with r over the tested {tested} (kappa {_kappa(fit)}): the largest is "
                f"the cheapest{best}, and the trade-off model {theory}."
            ]
        case "not_identified":
            return [
                f"No rise of {fit.metric} with r was seen (kappa {_kappa(fit)}): r* is not identified."
            ]
        case "too_few_seeds":
            return [
                f"Too few seeds for an interval ({_replicates(fit)} per ratio, {MIN_SEEDS} needed); the point "
                f"estimate is kappa = {number(fit.kappa)}{_point(fit)}."
            ]
        case "no_noise":
            return [
                "Repeated runs do not differ (was the seed applied?), so there is no interval; the point estimate is "
                f"kappa = {number(fit.kappa)}{_point(fit)}."
            ]
        case "lower_bound_only":
            return [_lower_bound(fit)]
    return _identified(fit)


def _lower_bound(fit: ReductionFit) -> str:
    if fit.r_star_ci is None or math.isnan(fit.r_star_ci[0]):
        doubt = f"A rise of {fit.metric} with r is not certain (kappa {_kappa(fit)})"
        return f"{doubt}: any price gives a lower bound only."
    low = fit.r_star_ci[0]
    if low > 1:
        return f"Only a lower bound of r* is supported: r* >= {number(low)} at {_percent(fit)} (kappa {_kappa(fit)})."
    return (
        f"A rise of {fit.metric} with r is not certain (kappa {_kappa(fit)}), and at this price any ratio from 1 up "
        f"may be the best ({_percent(fit)})."
    )


def _identified(fit: ReductionFit) -> list[str]:
    if fit.price is not None and not fit.price.fixes_ratio:
        answer = {"average": _by_average, "monotone": _by_tested, "theory": _by_theory}
        return answer[str(fit.basis)](fit)
    theory = f"kappa = {_kappa(fit)} ({_basis(fit)})."
    if fit.status in ("quadratic_rejected", "curves_rejected"):
        theory = f"{_rejected(fit)}: {_preferred(fit)}, and kappa is not to be used."
    if fit.price is not None:
        return [theory]
    return [theory, f"No price was named, so there is no single r*{_by_price(fit)}."]


def _by_average(fit: ReductionFit) -> list[str]:
    assert fit.r_star_ci is not None
    low, high = fit.r_star_ci
    at, curves = f"at {_percent(fit)}", f"by the average of eight curves ({_runs(fit)})"
    top = float(fit.tested["r"].max())
    if math.isfinite(high) or fit.r_star is None:
        found = f"r* = {number(fit.r_star)} {interval(low, high)} {at}, {curves}."
    elif low <= 1:
        found = f"r* is left open: any ratio from 1 up may be the best {at}, {curves}."
    elif fit.r_star >= top * (1 - 1e-9):
        found = f"r* >= {number(low)} {at}: the largest tested ratio or one beyond it, {curves}."
    else:
        found = f"r* = {number(fit.r_star)} [{number(low)}, or more] {at}, {curves}."
    if fit.status == "quadratic_rejected":
        return [
            found,
            f"{_rejected(fit)}, so its r* = {_theory(fit)} does not hold: {_preferred(fit)}.",
        ]
    doubt = "which these runs cannot test"
    if fit.lack_of_fit.testable:
        doubt = "which lack of fit does not reject"
    return [
        found,
        f"If the loss rises as kappa r^2/2, {doubt}, r* = {_theory(fit)} (kappa {_kappa(fit)}, {fit.interval}).",
    ]


def _by_tested(fit: ReductionFit) -> list[str]:
    assert fit.r_star_ci is not None
    low, high = fit.r_star_ci
    between = (
        f"between {number(low)} and {number(high)}"
        if math.isfinite(high)
        else f"at {number(low)} or above"
    )
    return [
        f"The best ratio lies {between} at {_percent(fit)}, if {fit.metric} nowhere falls as r grows; no curve is "
        f"needed for that ({_runs(fit)}).",
        f"{_rejected(fit)}, so its r* = {_theory(fit)} does not hold: {_preferred(fit)}.",
    ]


def _by_theory(fit: ReductionFit) -> list[str]:
    """Where the curves cannot be averaged, the answer stands under the condition that it has."""
    band = "without an interval"
    if fit.theory_ci is not None:
        band = f"[{number(fit.theory_ci[0])}, {_or_more(fit.theory_ci[1])}] at {_percent(fit)}"
    r_star = fit.theory_r_star or math.nan
    return [
        f"If the loss rises as kappa r^2/2, r* = {number(r_star)} {band} (kappa {_kappa(fit)}; {_basis(fit)})."
    ]


def _theory(fit: ReductionFit) -> str:
    r_star = fit.theory_r_star or math.nan
    if math.isinf(r_star):
        return "none (kappa is not above 0)"
    low, high = fit.theory_ci or (math.nan, math.nan)
    tested = fit.tested["r"]
    out = "" if tested.min() <= r_star <= tested.max() else ", outside the tested ratios"
    return f"{number(r_star)} [{number(low)}, {_or_more(high)}]{out}"


def _rejected(fit: ReductionFit) -> str:
    return f"The theory's kappa r^2/2 is rejected (lack of fit {p_words(fit.lack_of_fit.p)})"


def _preferred(fit: ReductionFit) -> str:
    first = fit.models.iloc[0]
    if fit.status == "curves_rejected":
        return f"no curve follows the means ({p_words(fit.curves_p)} for the best)"
    return f"the data prefer {first['family']} (weight {first['weight']:.2f})"


def _by_price(fit: ReductionFit) -> str:
    if fit.switch_prices.empty or fit.c2_eff is None:
        return ""
    steps = "; ".join(
        f"{row['best_below']} up to {as_given(row['price'], 2)}"
        for row in fit.switch_prices.to_dict("records")
    )
    last = fit.switch_prices["best_above"].iloc[-1]
    return f"; best tested by price in {fit.metric} per weight: {steps}; {last} above"


def _tested(fit: ReductionFit) -> str:
    names = ", ".join(as_given(r) for r in fit.argmin_set)
    where = "at this price" if fit.lam is not None else f"by {fit.metric} alone"
    best = as_given(float(fit.tested["r"].to_numpy()[fit.tested["J"].to_numpy().argmin()]))
    if fit.interval == "classical":
        return (
            "With one run per ratio none of the tested can be ruled out; "
            f"the smallest {_what(fit)} is at r = {best}."
        )
    if fit.none_ruled_out:
        return (
            f"No tested ratio can be ruled out {where}; the smallest {_what(fit)} is at r = {best}."
        )
    return f"Best tested ratio {where}: {best}. Not worse than it at {_percent(fit)}: {names}."


def _what(fit: ReductionFit) -> str:
    return f"mean {fit.metric}" + (" with its cost" if fit.lam is not None else "")


def _model(fit: ReductionFit) -> list[str]:
    """What is known of the curve, as far as the first sentences have not said it."""
    first, lof = fit.models.iloc[0], fit.lack_of_fit
    if math.isnan(first["weight"]):
        return [
            f"{fit.n} runs cannot tell the eight curve families apart (no AICc); they are not averaged."
        ]
    if fit.status in ("quadratic_rejected", "curves_rejected"):
        return []
    heaviest = f"eaviest curve family: {first['family']} (weight {first['weight']:.2f})"
    if not lof.testable or fit.status not in ("ok", "too_few_seeds"):
        return [f"H{heaviest}."]
    weakest = min(lof.power, key=lof.power.__getitem__)
    verdict = "rejects" if lof.p < ALPHA else "does not reject"
    return [
        f"Lack of fit {verdict} the quadratic ({p_words(lof.p)}; power {lof.power['linear']:.0%} against a "
        f"straight line, {lof.power[weakest]:.0%} against {weakest}); h{heaviest}."
    ]


def _without_largest(fit: ReductionFit) -> list[str]:
    """What is left of kappa without the largest ratio, where kappa is used and it makes a difference."""
    smaller = fit.without_largest
    if fit.status not in ("ok", "single_seed", "decreasing") or smaller is None:
        return []
    top, same = float(fit.tested["r"].max()), smaller.status == fit.status
    if "rmax_dependent" in fit.flags:
        return [
            f"Without r = {as_given(top)} kappa is {_kappa(smaller)}, which does not hold {number(fit.kappa)}."
        ]
    if same or math.isnan(smaller.kappa_ci[0]):
        return []
    seen = "fall" if fit.status == "decreasing" else "rise"
    return [
        f"Without r = {as_given(top)} kappa is {_kappa(smaller)}: the smaller ratios neither show the {seen} nor "
        "contradict it."
    ]


def _control(row: dict[Any, Any], fit: ReductionFit) -> str:
    band = "" if math.isnan(row["low"]) else f" {interval(row['low'], row['high'])}"
    return f"{row['label']}: {fit.metric} {signed(row['difference'])}{band} against the best tested ratio."


def _point(fit: ReductionFit) -> str:
    r_star = fit.theory_r_star
    if r_star is None or math.isinf(r_star) or (fit.price and fit.price.fixes_ratio):
        return ""
    return f", r* = {number(r_star)} if the loss rises as kappa r^2/2"


def _basis(fit: ReductionFit) -> str:
    return f"{fit.interval}, {_runs(fit)}"


def _runs(fit: ReductionFit) -> str:
    return f"{fit.n} runs" + (f", {fit.seeds} seed{'s' * (fit.seeds != 1)}" if fit.seeds else "")


def _replicates(fit: ReductionFit) -> str:
    return f"{fit.seeds or round(fit.n / len(fit.tested))}"


def _kappa(fit: ReductionFit) -> str:
    low, high = fit.kappa_ci
    return f"{number(fit.kappa)}" + ("" if math.isnan(low) else f" {interval(low, high)}")


def _percent(fit: ReductionFit) -> str:
    return f"{100 * fit.confidence:.{DIGITS}g}%"


def _or_more(high: float) -> str:
    return f"{number(high)}" if math.isfinite(high) else "or more"
