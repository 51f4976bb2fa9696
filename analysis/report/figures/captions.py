"""The words under each figure: what is shown, from how many runs, and what its intervals mean."""

from collections.abc import Callable

import numpy as np

from analysis.report.evidence import shown
from analysis.report.evidence.evidence import MOST_FOR_RIVALS, Evidence
from analysis.report.page.numbers import as_given, interval, number, plural
from analysis.tradeoff.reduction_fit import ReductionFit
from plain_files.numbers import p_words

BASIS_WORDS = {
    "average": "from every curve that is not rejected",
    "monotone": "from the tested ratios alone",
    "theory": "from that of κ",
    "given": "which was given",
}
"""What the interval of r* rests on."""


def _ratio(evidence: Evidence) -> str:
    assert evidence.ratio is not None
    fit = evidence.ratio.fit
    seeds = plural(fit.seeds, "seed") if fit.seeds else "seeds not recorded"
    spread = (
        f"bars: {as_given(100 * fit.confidence)} % t interval of a ratio's mean from the spread within seeds "
        f"({number(fit.sigma)} per run)"
        if np.isfinite(fit.sigma)
        else "no bars: no ratio was repeated"
    )
    return (
        f"{plural(fit.n, 'run')} at {len(fit.tested)} ratios, {seeds}. Grey lines join the runs of a "
        f"seed; {spread}; blue: least squares on r²/2 with one intercept per seed, "
        f"{_band_words(fit)}{_average_words(fit)}."
        + _interval_words(fit)
        + _controls_words(evidence)
    )


def _band_words(fit: ReductionFit) -> str:
    if np.isnan(fit.kappa_ci[0]):
        return "without a band, since κ has no interval"
    return f"its band from the interval of κ ({fit.interval})"


def _average_words(fit: ReductionFit) -> str:
    if fit.models["weight"].isna().all():
        return "; too few runs for an average of other curves"
    return (
        "; red: the average of eight curve families by AICc weight. Where the two part, the theory does not "
        "describe these data"
    )


def _interval_words(fit: ReductionFit) -> str:
    if fit.r_star_ci is None or not np.isfinite(fit.r_star_ci[0]):
        return ""
    return (
        f" Red zone, as far as the axis shows it: the {as_given(100 * fit.confidence)} % interval of r* at the named "
        f"price, {interval(*fit.r_star_ci)}, {BASIS_WORDS[fit.basis or 'given']}; an arrow where it goes on beyond "
        "the axis."
    )


def _controls_words(evidence: Evidence) -> str:
    assert evidence.ratio is not None
    if evidence.ratio.fit.control.empty:
        return ""
    return (
        " Gold: arms without a ratio that differ from the fitted ones in the attention alone, as far from the "
        "best tested ratio as in their paired difference; the band is that difference's 95 % interval."
    )


def _prices(evidence: Evidence) -> str:
    assert evidence.ratio is not None
    fit = evidence.ratio.fit
    changes = (
        "" if fit.switch_prices.empty else "; gold marks the prices at which the best tested arm changes, "
        "arms without attention included"
    )  # fmt: skip
    return (
        f"Left: loss plus price times weights ({number(fit.c2_eff)} = ΣC², so 2ΣC²/r weights), each "
        "price above its own tested minimum; points are tested means, lines the averaged curve, "
        f"ticks its minimum. Right, for every price: r* {_sweep_words(fit)}, and the best tested ratio "
        f"(dashed){changes}. "
        f"{_named_price_words(fit)}"
    )


def _sweep_words(fit: ReductionFit) -> str:
    """Which of r*, its interval and the theory's r* the sweep draws."""
    theory = "; blue: the theory's" if np.isfinite(fit.sweep["theory"]).any() else ""
    if np.isfinite(fit.sweep["r_star"]).any():
        some = np.isfinite(fit.sweep["low"]).any()
        return ("with its interval (red" if some else "without an interval (red") + f"{theory})"
    if np.isfinite(fit.sweep["low"]).any():
        return f"(red: its interval; only a limit is known{theory})"
    return "(not drawn: the runs give none)"


def _named_price_words(fit: ReductionFit) -> str:
    price = fit.price_per_param
    if price is None:
        return "No price is assumed: read yours off the axis."
    on_axis = fit.sweep["price"].min() <= price <= fit.sweep["price"].max()
    place = "dotted on the right" if on_axis else "beyond the right panel's axis"
    named = as_given(price)
    return f"The named price, {named} per weight, is one of those on the left, and {place}."


def _pareto(evidence: Evidence) -> str:
    assert evidence.front is not None
    standing = evidence.front.arms["standing"].value_counts()
    return (
        f"{plural(len(evidence.front.arms), 'arm')}: {standing.get('front', 0)} on the front, "
        f"{standing.get('unclear', 0)} not clearly dominated, {standing.get('dominated', 0)} dominated. "
        "Bars: marginal 95 % t intervals over seeds. An arm counts as dominated only if a cheaper one "
        "beats it by a paired one-sided test over shared seeds (5 %, Bonferroni); that is exploratory."
        + (
            " Gold: the front's convex hull; its slopes are the prices at which the choice changes."
            if len(evidence.front.switches)
            else ""
        )
    )


def _over_time(evidence: Evidence) -> str:
    assert evidence.components is not None
    frame = evidence.components.by_epoch
    here, of = len(shown.over_time(evidence)), frame["label"].nunique()
    worse = "Above" if evidence.table.direction == "minimize" else "Below"
    cut = f" In colour the {here} of {of} that are largest at the end." if here < of else ""
    return (
        f"Difference of each arm to the baseline at {plural(frame['epoch'].nunique(), 'epoch')}, marginal 95 % "
        f"intervals: what the comparison would have been if the runs had ended there. {worse} 0 is worse. Only the "
        f"last epoch decides.{cut}"
    )


def _effects(evidence: Evidence) -> str:
    found = evidence.effects
    assert found is not None
    which = "counts" if len(found.margins) == 1 else "that was planned with it counts"
    zone = (
        f"grey zone: the margin ±{as_given(found.margin)} within which a difference {which} as negligible"
        if found.margin is not None
        else "no margin was declared, so no difference can be called negligible"
    )
    worse = "right" if evidence.table.direction == "minimize" else "left"
    here, of = len(shown.effects(evidence)), len(found.family)
    cut = (
        ""
        if here == of
        else f" The {here} of {of:,} with the strongest evidence; all are in effects.csv."
    )
    decides = (
        "p is adjusted for all of them and decides with the capped lines"
        if found.stopped is None
        else "a rule settled each comparison when the statistic that its verdict names passed its boundary: beside it "
        "the two as a share, at that look"
    )
    return (
        f"Difference to the baseline, {found.baseline}, in mean {shown.metric_name(evidence)} over "
        f"{plural(found.seeds, 'seed')} as blocks; {worse} is worse. Thin bars: marginal 95 % "
        "intervals; thick: marginal 90 % (the equivalence test's); capped lines: simultaneous 95 % for "
        f"the whole family; {zone}; {decides}; n counts the "
        f"seeds of a comparison. An average that depends on other factors has no verdict.{cut}"
    )


def _interactions(evidence: Evidence) -> str:
    return (
        f"Cell means over {plural(len(evidence.runs), 'run')}, averaged over all other factors; dark is low "
        f"{shown.metric_name(evidence)}. Bars: "
        "marginal 95 % t intervals over seeds with each seed's own level taken out. Parallel lines: "
        "no interaction."
    )


def _seeds(evidence: Evidence) -> str:
    here, of = len(shown.arms(evidence)), len(evidence.arms)
    cut = "" if here == of else f" The baseline and the best of {of:,} arms; all are in arms.csv."
    return (
        f"{plural(len(evidence.runs), 'run')} in {plural(of, 'arm')}; each point is a run, the bar the "
        "arm's mean, a box the quartiles where there are eight runs or more. A line joins the runs of a seed: "
        f"where lines run side by side, comparing within seeds takes their spread out.{cut}"
    )


def _curves(evidence: Evidence) -> str:
    names = shown.curves_named(evidence)
    drawn = shown.curves(evidence)["run"].nunique()
    of = evidence.epochs["run"].nunique()
    cut = "" if drawn == of else f" {drawn:,} of {of:,} runs are drawn."
    pruned = int((evidence.table.frame["state"] == "PRUNED").sum())
    dots = f" Dotted: {plural(pruned, 'pruned run')}." if pruned else ""
    rest = len(evidence.arms) - len(names)
    others = f"; grey: those of {plural(rest, 'other arm')}" if rest > 0 else ""
    thick = f"Thick: the median over seeds of {plural(len(names), 'arm')}; thin: every run{others}."
    return (
        f"{thick if names else 'Every run; no arm has a complete one.'}{dots} The "
        f"vertical line is the epoch whose value enters every estimate, the last planned one.{cut}"
    )


def _parallel(evidence: Evidence) -> str:
    return (
        f"{plural(len(evidence.runs), 'complete run')}, one line each, dark is low "
        f"{shown.metric_name(evidence)}; the best are on top and the colour scale leaves the worst tenth "
        "out. A picture to form ideas with: it tests nothing."
    )


def _diagnostics(evidence: Evidence) -> str:
    assert evidence.ratio is not None
    fit = evidence.ratio.fit
    if fit.lack_of_fit.testable:
        power = ", ".join(f"{p:.2f} ({name})" for name, p in fit.lack_of_fit.power.items())
        tested = f"The lack-of-fit test ({p_words(fit.lack_of_fit.p)}) would have rejected the "
        tested += f"theory with chance {power} if that curve had been the truth."
    else:
        tested = "Lack of fit cannot be tested: it needs three ratios and repeated runs."
    return (
        f"{plural(fit.n, 'run')}. Residuals by seed, leverage of each ratio's mean on the fit, κ with "
        f"its interval when one ratio is left out, and the AICc weights of eight curves"
        f"{_no_weights(fit)}. {_bootstrap(evidence)}{tested}"
    )


def _no_weights(fit: ReductionFit) -> str:
    return " (none: too few runs)" if fit.models["weight"].isna().all() else ""


def _bootstrap(evidence: Evidence) -> str:
    assert evidence.ratio is not None
    draws = len(evidence.ratio.draws)
    if not draws:
        return ""
    return (
        f"Below: the r* that the eight curves give together, in {draws:,} data sets drawn around them, "
        "each around one of them by its weight; dashed: in the runs themselves; shaded: its 95 % interval, "
        "the r* of every curve that the data do not reject. "
    )


def _importance(evidence: Evidence) -> str:
    assert evidence.importance is not None
    found = evidence.importance
    return (
        f"{plural(found.runs, 'complete run')}. Bars with intervals: share of the variance between runs "
        "within seeds (type II, less what noise gives), 95 % by inversion of the noncentral F; dotted: the "
        "share above which the F test tells a factor from chance (5 % over all factors, Holm). It says how "
        f"much the tested levels spread the loss, not what causes it. {_rivals(evidence)}"
    )


def _rivals(evidence: Evidence) -> str:
    assert evidence.importance is not None
    if evidence.importance.frame["question"].nunique() > 1:
        return (
            "fANOVA and PED-ANOVA answer other questions, know no seeds, and sum to 1 even where nothing "
            "matters; their dotted line is what a factor reaches in 1 of 20 tables whose losses are dealt out "
            "at random: a bar that does not pass it says nothing."
        )
    if len(evidence.runs) > MOST_FOR_RIVALS:
        return (
            f"fANOVA and PED-ANOVA are left out of reports of more than {MOST_FOR_RIVALS:,} runs; "
            f"`ablate plot {evidence.table.study} importance` adds them."
        )
    return ""


def _width(evidence: Evidence) -> str:
    assert evidence.width is not None
    fit = evidence.width
    at = (
        "the best ratio r* by the theory at the named price"
        if evidence.price is not None
        else "the best ratio r* by the theory as a multiple of the first width's, which is the same at any price"
    )
    known = np.isfinite(fit.widths[["r_star", "high"]].to_numpy(dtype=float)).all(axis=1).any()
    guides = " Guides through the centre." if known else ""
    return (
        f"{plural(len(fit.widths), 'width')} with the same ratios "
        f"({', '.join(as_given(r) for r in fit.ratios)}). {at[0].upper()}{at[1:]}; bars: 95 % intervals, an arrow "
        f"where one is open.{guides}"
    )


def _gates(evidence: Evidence) -> str:
    assert evidence.gates is not None
    found = evidence.gates
    named, of = len(shown.gate_classes(found)), found.bins["group"].nunique() - 1
    cut = "" if named == of else f", in colour the {named} of {of} that differ most from all"
    below = {
        "variance": "how much of a gate's variance lies between classes (0: it does not know the class)",
        "saturation": "the share that is nearly closed or open",
        "gradients": "the norm of the loss's gradient that reaches the gate",
    }
    return (
        f"Gates of {found.label} over the validation images, {plural(found.runs, 'run')}, last epoch. "
        f"Above: their distribution by stage, grey for all classes, a line per class{cut}; gold marks the ends "
        f"of the range (5 %). Below, by block: {'; '.join(below[part] for part in shown.gate_parts(found))}."
    )


def _channels(evidence: Evidence) -> str:
    assert evidence.channels is not None
    found = evidence.channels
    other = [name for name in found.blocks if name != found.block]
    more = f" Other blocks: {', '.join(other)}." if other else ""
    measured = found.single["usefulness"].notna().any()
    below = (
        " Below: the rise of the loss when that channel alone is dropped (its gate set to 0), with two standard errors "
        "where there is room. Clear is what lies over two of them from 0; the colour says whether the loss's gradient "
        "at the gate would open what is useful and close what harms."
    )
    return (
        f"Mean gate of each class and channel in block {found.block}, of one run ({found.label}, "
        f"seed {as_given(found.seed)}): channels of two seeds have nothing in common.{below if measured else ''}{more}"
    )


def _drops(evidence: Evidence) -> str:
    assert evidence.channels is not None
    drawn, of = shown.drops(evidence)["label"].nunique(), evidence.channels.drops["label"].nunique()
    cut = f" {drawn} of {of} arms; the table has all." if drawn < of else ""
    return (
        "Accuracy on validation examples when a share of the channels of every block is dropped at once: those whose "
        "gates are the most open of their block (filled), and the least open (white). Means over seeds with 95 % "
        f"intervals.{cut}"
    )


def _selection(evidence: Evidence) -> str:
    assert evidence.winner is not None
    arms = evidence.winner.frame
    return (
        f"{plural(len(arms), 'arm')} that a search of {plural(evidence.winner.searched_runs, 'run')} "
        "proposed, run again with fresh seeds. Bars: 95 % intervals over the fresh seeds, for all arms at "
        f"once. The search's best arm is {number(evidence.winner.optimism)} worse than it looked: the best "
        "of many noisy values is partly luck, so only the fresh seeds conclude."
    )


def _looks(evidence: Evidence) -> str:
    found = shown.stopped(evidence)
    assert found is not None
    drawn, count = len(shown.looks_drawn(found)), len(found.frame)
    cut = f" The first {drawn} of {count} comparisons." if drawn < count else ""
    return (
        "At each look two statistics of each comparison, as shares of their boundaries: the distance of its "
        "mean from zero "
        "(blue) and the room that is left to the margin (gold). The first to pass 1 settled it, and it got no "
        "further seeds. "
        "Boundaries are those for as many comparisons as were open, so they fall when another is settled; "
        "triangles: further out." + cut
    )


CAPTIONS: dict[str, Callable[[Evidence], str]] = {
    "ratio": _ratio,
    "prices": _prices,
    "pareto": _pareto,
    "width": _width,
    "effects": _effects,
    "looks": _looks,
    "interactions": _interactions,
    "gates": _gates,
    "channels": _channels,
    "drops": _drops,
    "seeds": _seeds,
    "curves": _curves,
    "over_time": _over_time,
    "parallel": _parallel,
    "importance": _importance,
    "diagnostics": _diagnostics,
    "selection": _selection,
}
