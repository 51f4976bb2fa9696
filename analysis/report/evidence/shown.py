"""Which part of the evidence each figure shows; a figure of everything could not be read."""

import numpy as np
import pandas as pd

from analysis.plots.curves import MOST_NAMED
from analysis.plots.price import MOST_PRICES
from analysis.report.evidence.arms import cell_means, crossed
from analysis.report.evidence.evidence import Evidence, named
from analysis.report.evidence.gates import Gates
from analysis.report.page.numbers import interval, number, p_value
from analysis.sequential.stopped import Stopped
from analysis.tradeoff.reduction_fit import ReductionFit
from analysis.tradeoff.tradeoff_words import STATUS_WORDS

MOST_PAIRS = 3
MOST_ARMS = 40
MOST_EFFECTS = 40
MOST_CURVES = 400
MOST_LOOKS = 12
MOST_CLASSES = 10
"""More colours than these cannot be told apart."""
MOST_NAMED_CLASSES = 6
"""Of more classes, those with a colour of their own."""


def arms(evidence: Evidence) -> list[str]:
    """Labels of the arms in the figure of seeds: all in the order of the plan, or the best ones."""
    labels = list(dict.fromkeys(evidence.arms["label"]))
    if len(labels) <= MOST_ARMS:
        return labels
    return named(evidence.arms, [evidence.baseline], MOST_ARMS)


def curves_named(evidence: Evidence) -> list[str]:
    """Labels of the arms with a colour of their own: the baseline, controls, then the best."""
    bare = evidence.arms[evidence.arms["attention_params"] == 0]["label"]
    return named(evidence.arms, [evidence.baseline, *list(bare)[:1]], MOST_NAMED)


def curves(evidence: Evidence) -> pd.DataFrame:
    """The epochs of the named arms, and of as many other runs as can be told apart."""
    mine = evidence.epochs["label"].isin(curves_named(evidence))
    others = list(dict.fromkeys(evidence.epochs.loc[~mine, "run"]))
    step = max(1, -(-len(others) // MOST_CURVES))
    return evidence.epochs[mine | evidence.epochs["run"].isin(others[::step])]


def gate_classes(gates: Gates) -> list[str]:
    """Classes with a colour of their own, those with the lowest gates first: all, or those that differ most."""
    shares = gates.bins.pivot_table(
        index=["stage", "low"], columns="group", values="share", sort=False
    )
    classes = shares.drop(columns="all")
    if classes.shape[1] <= MOST_CLASSES:
        return [str(name) for name in classes]
    away = classes.sub(shares["all"], axis=0).abs().sum()
    farthest = classes[away.nlargest(MOST_NAMED_CLASSES).index]
    means = farthest.mul(farthest.index.get_level_values("low"), axis=0).sum()
    return [str(name) for name in means.sort_values(kind="stable").index]


def prices(evidence: Evidence) -> list[float]:
    """Prices per weight: the one that was named, and one inside each stretch of the tested best."""
    assert evidence.ratio is not None
    fit = evidence.ratio.fit
    sweep = fit.sweep
    ends = np.flatnonzero(np.diff(sweep["best_tested"]) != 0) + 1
    middles = [part[len(part) // 2] for part in np.split(sweep["price"].to_numpy(float), ends)]
    given = [fit.price_per_param] if fit.price_per_param else []
    return sorted([*given, *middles[: MOST_PRICES - len(given)]])


def pairs(evidence: Evidence) -> list[tuple[str, str]]:
    """Pairs of crossed factors, at most `MOST_PAIRS`; the one with more levels along the bottom."""
    found = crossed(evidence.runs, evidence.table.factors)[:MOST_PAIRS]
    levels = evidence.runs[evidence.table.factors].nunique()
    return [(a, b) if levels[a] <= levels[b] else (b, a) for a, b in found]


def cells(evidence: Evidence) -> list[pd.DataFrame]:
    """The cell means of each pair."""
    metric = evidence.table.metric
    return [
        cell_means(evidence.runs, rows=rows, columns=columns, metric=metric)
        for rows, columns in pairs(evidence)
    ]


def axes(evidence: Evidence) -> list[str]:
    """Factors that vary among the complete runs."""
    there = [f for f in evidence.table.factors if f in evidence.runs]
    return [f for f in there if len(evidence.runs[f].drop_duplicates()) > 1]


def effects(evidence: Evidence) -> pd.DataFrame:
    """The decided comparisons as the forest draws them: all, or those with the smallest p."""
    if evidence.effects is None:
        return pd.DataFrame()
    family = evidence.effects.family
    if len(family) > MOST_EFFECTS:
        family = family.loc[family["p"].nsmallest(MOST_EFFECTS).index.sort_values()]
    over = [f" (over {n} backgrounds)" if n > 1 else "" for n in family["backgrounds"]]
    return family.assign(name=[a + b for a, b in zip(family["label"], over, strict=True)])


def fit_in_numbers(fit: ReductionFit) -> str:
    """The fit's numbers in short lines, for the head of its figure."""
    rejected = fit.status in ("quadratic_rejected", "curves_rejected")
    lines = [] if rejected else [f"κ = {number(fit.kappa)} {interval(*fit.kappa_ci)}"]
    if fit.r_star is not None and fit.r_star_ci is not None:
        lines.append(f"r* = {number(fit.r_star)} {interval(*fit.r_star_ci)}")
    heaviest = fit.models.iloc[0]
    model = []
    if fit.lack_of_fit.testable:
        model.append(f"lack of fit p = {p_value(fit.lack_of_fit.p)}")
    if not np.isnan(heaviest["weight"]):
        model.append(f"heaviest curve: {heaviest['family']} ({heaviest['weight']:.2f})")
    return "\n".join([*lines, STATUS_WORDS[fit.status], *([" · ".join(model)] if model else [])])


def stopped(evidence: Evidence) -> Stopped | None:
    """What a rule settled, of a study that ran until it was decided."""
    return evidence.effects.stopped if evidence.effects else None


def looks_drawn(found: Stopped) -> pd.DataFrame:
    """The comparisons whose looks are drawn: all, or the first of very many."""
    return found.frame.head(MOST_LOOKS)
