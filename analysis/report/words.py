"""The verdicts of a report in plain words, and what must be known before they are used."""

import math
from typing import Any

import pandas as pd

from analysis.effects import Effects
from analysis.planned import PlannedReport, comparison
from analysis.reduction_fit import ReductionFit
from analysis.report.evidence import Evidence
from analysis.report.numbers import interval, number, p_value, plural, signed
from analysis.runs_table import REDUCTION
from analysis.tradeoff_words import FLAG_WORDS

MOST_NAMED = 3
"""Comparisons that the headline names per verdict; the others are counted."""


def verdict_lines(evidence: Evidence) -> list[str]:
    """What the ratio is worth, if it varies; what the comparisons say; what all rests on."""
    asked = [_ratio(evidence)] if REDUCTION in evidence.table.frame else []
    lines = [*asked, _effects(evidence), *_interactions(evidence), _basis(evidence)]
    return [f"Exploratory. {line}" for line in lines] if evidence.table.selected else lines


def _interactions(evidence: Evidence) -> list[str]:
    """Which factors change each other's effect, where that was seen."""
    found = evidence.components and evidence.components.interactions
    if not found:
        return []
    seen = found.frame[found.frame["present"]]
    if seen.empty:
        return []
    best = seen.groupby(["first", "second"], sort=False)["p_holm"].min().reset_index()
    pairs = [
        f"{_last(row['first'])} and {_last(row['second'])} (Holm p {_equals(row['p_holm'])})"
        for row in best.to_dict("records")
    ]
    return [
        f"Not to be read one by one: {', '.join(pairs)} change each other's effect. Read the simple effects."
    ]


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _equals(p: float) -> str:
    text = p_value(p)
    return text if text.startswith("<") else f"= {text}"


def notices(evidence: Evidence) -> list[str]:
    """What a reader must know before using any number."""
    said = []
    if evidence.unfinished:
        done = len(evidence.table.frame) - evidence.unfinished
        said.append(
            f"This study has not ended: {done:,} of {len(evidence.table.frame):,} runs have. Every number "
            "here will change, and a verdict read now and again later is two looks at the data."
        )
    failed = evidence.table.frame[evidence.table.frame["state"] == "FAILED"]
    if len(failed):
        # Only the type: these words go to W&B and to the dashboard, and a message can quote a secret.
        types = failed["error"].dropna().astype(str).str.split(":").str[0].value_counts()
        most = f" ({types.iloc[0]:,} with {types.index[0]})" if len(types) else ""
        listed = "it is" if len(failed) == 1 else "they are"
        said.append(
            f"{plural(len(failed), 'run')} failed and entered nothing{most}; {listed} listed below."
        )
    if evidence.table.selected:
        said.append(
            "All runs were chosen by a search as it went. What follows is exploratory: intervals and "
            "p values do not hold for data that were selected by their values."
        )
    frame = evidence.table.frame
    ended = frame[frame["state"].isin(("COMPLETE", "PRUNED", "FAILED"))]
    lost = ended.groupby("label", sort=False)["state"].agg(lambda of: bool((of == "FAILED").all()))
    if lost.any() and not lost.all():
        names = ", ".join(map(str, lost.index[lost][:MOST_NAMED]))
        more = f" and {lost.sum() - MOST_NAMED} more" if lost.sum() > MOST_NAMED else ""
        said.append(f"No result of {names}{more}: every run of it failed.")
    if evidence.ratio:
        said += [_sentence(FLAG_WORDS[flag]) for flag in evidence.ratio.fit.flags]
    return said


def _ratio(evidence: Evidence) -> str:
    if evidence.ratio is None:
        return f"Reduction ratio: no answer, since {_why(evidence, 'ratio')}"
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
        return f"{rise}; which is best depends on what a weight is worth, in {unit(fit.metric)}: {_by_price(fit)}"
    theory = f"r* = {number(fit.r_star)} {interval(*fit.r_star_ci)}"
    average = f"the average of eight curves gives {number(fit.average.r_star)} "
    average += interval(*fit.average.ci)
    price = f"at {number(fit.price_per_param)} {unit(fit.metric)} per weight"
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
    return f" (r* ≥ {number(fit.r_star_ci[0])} at {number(fit.price_per_param)} {unit(fit.metric)} per weight)"


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


def _effects(evidence: Evidence) -> str:
    if evidence.effects is None and evidence.winner is not None:
        return f"Search and fresh seeds: {' '.join(evidence.winner.sentences())}"
    if evidence.effects is None:
        return f"Comparisons: no answer, since {_why(evidence, 'effects')}"
    found = evidence.effects
    assert evidence.components is not None
    if evidence.components.planned is not None:
        return _planned(evidence.components.planned)
    rows = found.family.sort_values("estimate", key=abs, ascending=False)
    parts = rows.groupby(_standing(rows), sort=False)
    names = _standings(found)
    said = [
        f"{len(part)} {names[standing]}: {_few(part, found)}"
        for standing, part in sorted(parts, key=lambda pair: list(names).index(pair[0]))
    ]
    count = plural(len(rows), "comparison")
    return f"{count} with the baseline, {found.baseline}: {'. '.join(said)}."


def _planned(found: PlannedReport) -> str:
    rows = []
    for row in found.frame.to_dict("records"):
        size = f"{signed(row['estimate'])} {interval(row['low'], row['high'])}".rstrip()
        rows.append(f"{comparison(row)} {row['verdict']} ({size})")
    departed = (
        f" {plural(len(found.deviations), 'departure')} from the plan." if found.deviations else ""
    )
    if found.pending:
        return f"Planned comparisons: no verdict yet: {found.pending}.{departed}"
    if not rows:
        return f"Planned comparisons: none of them has complete runs.{departed}"
    return (
        f"{plural(len(rows), 'planned comparison')} ({found.basis}): {'; '.join(rows)}.{departed}"
    )


def _standing(rows: pd.DataFrame) -> "pd.Series[str]":
    """Verdicts, with the undecided told apart by what their interval says."""
    unseen = (rows["ci95_low"] <= 0) & (rows["ci95_high"] >= 0)
    undecided = rows["verdict"] == "undecided"
    standing = rows["verdict"].mask(undecided & unseen, "unseen")
    return standing.mask(undecided & rows["ci95_low"].isna(), "unjudged")


def _standings(found: Effects) -> dict[str, str]:
    known = [margin for margin in found.margins if not math.isnan(margin)]
    within = f" (within ±{' or ±'.join(map(number, known))})" if known else ""
    late = ", by a margin given after the runs" if found.exploratory else ""
    return {
        "matters": "found to matter",
        "negligible": f"negligible{within}{late}",
        "unseen": "with no difference seen",
        "undecided": "undecided once Holm's correction is made",
        "unjudged": "not judged, since one seed gives no interval",
    }


def _few(rows: pd.DataFrame, found: Effects) -> str:
    more = len(rows) - MOST_NAMED
    parts = [_row(row, found) for _, row in rows.head(MOST_NAMED).iterrows()]
    return "; ".join([*parts, *([f"and {more:,} more"] if more > 0 else [])])


def _row(row: "pd.Series[Any]", found: Effects) -> str:
    ends = interval(row["ci95_low"], row["ci95_high"])
    said = f"{row['label']} {signed(row['estimate'])} {ends}".rstrip()
    needed, unseen = row["seeds_needed"], row["ci95_low"] <= 0 <= row["ci95_high"]
    # Without a margin no number of seeds decides that there is nothing; so none is asked for.
    decidable = not math.isnan(row["margin"]) or not unseen
    if row["verdict"] == "undecided" and decidable and math.isfinite(needed) and needed > 0:
        return f"{said}, needs about {needed:.0f} more {found.replicates}"
    return said


def _basis(evidence: Evidence) -> str:
    frame = evidence.table.frame
    if not len(frame):
        return "Basis: the plan is empty; no run was planned."
    seeds = plural(int(evidence.runs["seed"].nunique()), "seed")
    arms = plural(len(evidence.arms), "arm")
    data = ", ".join(sorted(set(frame["data"].dropna()))) or "data not named"
    out = len(frame) - len(evidence.runs)
    lost = f"; {out:,} left out" if out else ""
    return (
        f"Basis: {len(evidence.runs):,} of {len(frame):,} planned runs ({arms}, {seeds}, {data}){lost}. "
        "Intervals are marginal 95 % unless said otherwise; verdicts use Holm-adjusted tests."
    )


def _why(evidence: Evidence, part: str) -> str:
    return evidence.gaps.get(part) or evidence.gaps["estimates"]


def _list(ratios: list[float]) -> str:
    return ", ".join(f"{r:g}" for r in ratios)


def _sentence(text: str) -> str:
    return _capital(text) + "."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def unit(metric: str) -> str:
    """The unit of a metric, in words."""
    return "nats" if metric in ("val_loss", "train_loss") else metric
