"""The first screen: what was asked, one sentence that answers, the figure that shows it, what it cost, the verdicts."""

from collections.abc import Callable, Iterator
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from analysis.effects.effects import Effects
from analysis.plain import duration
from analysis.planned.planned import PlannedReport, comparison
from analysis.report.evidence import shown
from analysis.report.evidence.evidence import Evidence
from analysis.report.page.numbers import (
    as_given,
    interval,
    loss,
    number,
    plural,
    signed,
    typeset,
)
from analysis.report.page.page import Drawing, Drawings
from analysis.report.page.tables import Column, Table, filled
from analysis.tables.runs_table import REDUCTION
from analysis.tradeoff.reduction_fit import ReductionFit
from analysis.tradeoff.status_words import ENOUGH_SEEDS, NOT_DISPLACED, STATUS_WORDS
from plain_files.numbers import LOSS, p_words

Question = Literal["width", "ratio", "search", "effects"]
LEADING: dict[Question, tuple[str, ...]] = {
    "width": ("width", "ratio", "seeds"),
    "ratio": ("ratio", "seeds"),
    "search": ("selection", "curves"),
    "effects": ("effects", "seeds", "curves"),
}
"""Figures that show the answer to each, the best one first."""
MOST_NAMED = 2
"""Comparisons that the sentence names."""
MOST_ROWS = 12
"""Comparisons in the table of verdicts."""
MOST_PRICES = 2
"""Changes of the best arm that the sentence names."""


def asked(evidence: Evidence) -> Question:
    """What the study was made to find out, by what it varies and how."""
    info = evidence.table.info
    declared = (info.get("space") or {}).get("factors") or []
    factors = [factor["name"] for factor in declared] or evidence.table.factors
    if info.get("design") == "search" or evidence.winner is not None or evidence.table.selected:
        return "search"
    if evidence.width is not None or any(name.endswith(".width") for name in factors):
        return "width" if REDUCTION in factors else "effects"
    return "ratio" if factors == [REDUCTION] else "effects"


def answer(evidence: Evidence) -> str:
    """One sentence that answers it, or says that there is no answer yet and what brings it."""
    if not len(evidence.runs):
        return "No answer yet: no run that may enter an estimate has ended."
    said = _ANSWERS[asked(evidence)](evidence)
    return typeset(said[:1].upper() + said[1:])


def cost(evidence: Evidence) -> str:
    """What was run for it: runs, arms, seeds, data, time."""
    frame = evidence.table.frame
    entered, planned = len(evidence.runs), len(frame)
    runs = plural(entered, "run") if entered == planned else f"{entered:,} of {planned:,} runs"
    arms, seeds = len(evidence.arms), int(evidence.runs["seed"].nunique())
    parts = [f"{runs} ({plural(arms, 'arm')}, {plural(seeds, 'seed')})"]
    data = sorted(set(frame["data"].dropna()))
    parts += [f"on {', '.join(map(str, data))}"] if data else []
    seconds = frame["seconds"].dropna()
    kinds = sorted({str(device).split(":")[0] for device in frame["device"].dropna()})
    if len(seconds):
        on = f" on {' and '.join(kinds)}" if kinds else ""
        parts.append(f"took {duration(float(seconds.sum()))} of training{on}")
    return " ".join(parts) + "."


def lead(evidence: Evidence, drawings: Drawings) -> Drawing | None:
    """The figure that shows the answer; None where none of them could be drawn."""
    return next((drawings[name] for name in LEADING[asked(evidence)] if name in drawings), None)


def verdict_table(evidence: Evidence) -> Table | None:
    """What was asked and concluded, a row each; None where nothing can be judged."""
    rows = [*_asked_rows(evidence), *_comparison_rows(evidence)]
    if not rows:
        return None
    more = _compared(evidence) - MOST_ROWS
    rest = f" {more:,} more comparisons stand below." if more > 0 else ""
    chosen = "Exploratory: a search chose these runs by their values. " * evidence.table.selected
    frame = pd.DataFrame(rows, columns=_COLUMNS)
    return Table(
        name="verdicts",
        title="Verdicts",
        caption=f"{chosen}Intervals of comparisons hold for all of them at once, others one by one (95 %).{rest}",
        frame=frame,
        columns=(
            Column(title="Question", name="label"),
            Column(title="Verdict", name="verdict"),  # beside what it answers, on a phone too
            Column(title="Estimate", name="shown"),
            Column(title="95 % interval", name="low", high="high", form="number"),
            *filled(frame, Column(title="p", name="p", form="p")),
        ),
        mark=tuple(frame["mark"]),
    )


_COLUMNS = ("label", "shown", "estimate", "low", "high", "p", "verdict", "mark")


def _asked_rows(evidence: Evidence) -> Iterator[tuple[Any, ...]]:
    question = asked(evidence)
    if question == "width" and evidence.width is not None and evidence.width.status == "ok":
        fit = evidence.width
        name = "Growth of r* with the channels: slope of log r* on log C"
        low, high = fit.slope_ci
        said = (
            "not in conflict with the theory" if fit.p_theory >= 0.05 else "not as the theory says"
        )
        yield (name, number(fit.slope), fit.slope, low, high, fit.p_theory, f"{said} (2/3)", "")
    elif question == "width":
        yield ("Growth of r* with the channels", "", *[np.nan] * 4, "not known", "")
    if question in ("width", "ratio") and evidence.ratio is not None:
        yield _ratio_row(evidence.ratio.fit, evidence)
    if question == "search" and (row := _winner(evidence)) is not None and row["role"] == "cell":
        yield (
            f"{row['label']}, the best on fresh seeds", signed(row["estimate"]), row["estimate"], row["sim_low"],
            row["sim_high"], row["p_adjusted"], row["verdict"], row["verdict"],
        )  # fmt: skip


def _ratio_row(fit: ReductionFit, evidence: Evidence) -> tuple[Any, ...]:
    at = "" if evidence.price is None else f" at {as_given(evidence.price, 3)} per weight"
    where = _where_fitted(evidence)
    low, high = (np.nan, np.nan) if fit.r_star_ci is None else fit.r_star_ci
    size = np.nan if fit.r_star is None else fit.r_star
    name = f"Best reduction ratio r*{at}{where}"
    p = fit.lack_of_fit.p if fit.status in ("quadratic_rejected", "curves_rejected") else np.nan
    return (name, number(size), size, low, high, p, STATUS_WORDS[fit.status], "")


def _where_fitted(evidence: Evidence) -> str:
    """Which runs a fit rests on, where it does not rest on all that have a ratio."""
    assert evidence.ratio is not None
    have = int(evidence.runs[REDUCTION].notna().sum()) if REDUCTION in evidence.runs else 0
    used = len(evidence.ratio.runs)
    return (
        f" (the baseline's other settings alone: {used:,} of {have:,} runs)" if used < have else ""
    )


def _comparison_rows(evidence: Evidence) -> Iterator[tuple[Any, ...]]:
    if evidence.components is not None and evidence.components.planned is not None:
        for row in _records(evidence.components.planned.frame):
            yield (
                f"{comparison(row)} (planned)", signed(row["estimate"]), row["estimate"], row["low"],
                row["high"], row["p_adjusted"], row["verdict"], row["verdict"],
            )  # fmt: skip
        return
    if evidence.effects is None:
        return
    for row in _records(evidence.effects.strongest(MOST_ROWS)):
        yield (
            row["label"], signed(row["estimate"]), row["estimate"], row["sim_low"], row["sim_high"],
            row["p_adjusted"], row["verdict"], row["verdict"],
        )  # fmt: skip


def _compared(evidence: Evidence) -> int:
    if (
        evidence.effects is None
        or evidence.components is None
        or evidence.components.planned is not None
    ):
        return 0
    return len(evidence.effects.family)


def _records(frame: pd.DataFrame) -> list[dict[Any, Any]]:
    return frame.to_dict("records")


def _effects(evidence: Evidence) -> str:
    if evidence.effects is None:
        return f"no answer yet: {evidence.why('effects')}"
    assert evidence.components is not None
    if evidence.components.planned is not None:
        return _planned(evidence.components.planned)
    return _changes(evidence.effects, shown.metric_name(evidence))


def _planned(found: PlannedReport) -> str:
    if found.pending:
        return f"no verdict yet: {found.pending}."
    rows = _records(found.frame)
    if not rows:
        return "no verdict: none of the planned comparisons has complete runs."
    first = "; ".join(
        f"{comparison(row)}: {row['verdict']}, {_size(row, 'low', 'high')}"
        for row in rows[:MOST_NAMED]
    )
    return f"{first}{_and_more(len(rows))}."


def _changes(found: Effects, metric: str) -> str:
    family = found.family.sort_values("estimate", key=abs, ascending=False)
    real = family[family["verdict"] == "matters"]
    count = plural(len(family), "change")
    others = family[~family.index.isin(real.index)]["verdict"].value_counts()
    words = {
        "undecided": "undecided",
        "differs": "different by less than the margin",
        "negligible": "negligible" + ", by a margin given after the runs" * bool(found.exploratory),
        "depends": "dependent on other settings",
        "untested": _untested(family),
    }
    rest = ", ".join(f"{n:,} {words[str(verdict)]}" for verdict, n in others.items())
    if real.empty:
        return f"none of the {count} to the baseline was found to matter: {rest}."
    named = "; ".join(_changed(row, metric) for row in _records(real.head(MOST_NAMED)))
    verb = "matters" if len(real) == 1 else "matter"
    tail = f". The others: {rest}." if rest else "."
    return f"{len(real):,} of {count} to the baseline {verb}: {named}{_and_more(len(real))}{tail}"


def _untested(family: pd.DataFrame) -> str:
    """Why the comparisons without a verdict have none, where that is said in two words."""
    pairs = family.loc[family["verdict"] == "untested", "n_pairs"]
    return "without a verdict" + (" for want of seeds" if (pairs < 2).all() else "")


def _changed(row: dict[Any, Any], metric: str) -> str:
    way = "raises" if row["estimate"] > 0 else "lowers"
    band = interval(row["sim_low"], row["sim_high"])
    told = ", exploratory" if row["exploratory"] else ""
    size = number(abs(row["estimate"]))
    return f"{row['label']} {way} the {metric} by {size} (difference {band}{told})"


def _size(row: dict[Any, Any], low: str, high: str) -> str:
    return f"{signed(row['estimate'])} {interval(row[low], row[high])}".rstrip()


def _and_more(count: int) -> str:
    return f" and {count - MOST_NAMED:,} more" if count > MOST_NAMED else ""


def _ratio(evidence: Evidence) -> str:
    if evidence.ratio is None:
        return f"no answer yet: {evidence.why('ratio')}"
    fit = evidence.ratio.fit
    metric = shown.metric_name(evidence)
    if fit.status in ("too_few_seeds", "single_seed"):
        few = "there are too few seeds for an interval"
        if fit.status == "single_seed":
            few = STATUS_WORDS[fit.status]
        return f"no conclusion yet: {few}; run {ENOUGH_SEEDS}."
    if fit.status == "no_noise":
        return "no conclusion: repeated runs do not differ at all, so nothing tells their error."
    if fit.status == "decreasing":
        largest = as_given(fit.tested["r"].max())
        found = " and the best." if fit.largest_is_best else f"; {_left(fit)}."
        by = f", which {largest} alone shows" if fit.rests_on_largest else ""
        return f"the {metric} falls as the ratio grows{by}: the largest tested, {largest}, is the cheapest{found}"
    if fit.status == "not_identified":
        return f"no rise of the {metric} with the reduction ratio was seen; {_left(fit)}."
    if fit.status == "lower_bound_only":
        return f"whether the {metric} rises with the reduction ratio is not certain; {_left(fit)}."
    if fit.r_star is not None and fit.r_star_ci is not None:
        at = (
            f"at {as_given(evidence.price, 3)} per weight"
            if evidence.price is not None
            else "at the named price"
        )
        best = f"{number(fit.r_star)} {interval(*fit.r_star_ci)}"
        return f"the best reduction ratio {at} is {best}; {_left(fit)}."
    return (
        f"the {metric} rises with the reduction ratio, so the best one depends on what a weight is worth: "
        f"{_steps(fit)}."
    )


def _left(fit: ReductionFit) -> str:
    """Which tested ratios remain."""
    if fit.none_ruled_out:
        return f"none of the {len(fit.tested)} tested ratios can be ruled out"
    return (
        f"not worse than the best of those tested: {', '.join(as_given(r) for r in fit.argmin_set)}"
    )


def _steps(fit: ReductionFit) -> str:
    steps = fit.switch_prices
    if steps.empty:
        return NOT_DISPLACED
    parts = [
        f"{row['best_below']} up to {as_given(row['price'], 2)} per weight"
        for row in _records(steps.head(MOST_PRICES))
    ]
    if len(steps) > MOST_PRICES:
        parts.append("and so on")
    return f"{', '.join(parts)}, {steps['best_above'].iloc[-1]} where weights are dear"


def _width(evidence: Evidence) -> str:
    if evidence.width is None:
        return f"no answer yet: {evidence.why('width')}"
    fit = evidence.width
    if fit.status != "ok":
        return f"how the best ratio grows with the channels is not known: {fit.sentences()[0]}"
    low, high = fit.slope_ci
    theory = "in line with" if fit.p_theory >= 0.05 else "other than"
    return (
        f"the best ratio grows as the channels to the power {number(fit.slope)} {interval(low, high)}, {theory} the "
        f"theory's 2/3 ({p_words(fit.p_theory)})."
    )


def _search(evidence: Evidence) -> str:
    table = evidence.table
    if evidence.winner is None:
        best = evidence.arms.sort_values("mean", ascending=table.direction == "minimize").iloc[0]
        return (
            f"no conclusion yet, since a search only proposes. It proposes {best['label']} "
            f"({shown.metric_name(evidence)} {loss(best['mean'])}, {plural(int(best['n']), 'seed')}); "
            f"`ablate confirm {table.study}` runs the best arms again with fresh seeds, which conclude."
        )
    found = evidence.winner
    best = found.frame[found.frame["label"] == found.winner].iloc[0]
    said = (
        f"of {plural(len(found.frame), 'arm')} that the search proposed, {found.winner} is best on fresh seeds: "
        f"{loss(best['mean'])} {interval(best['low'], best['high'], LOSS)}"
    )
    return f"{said}{_against_baseline(evidence, str(best['arm']))}."


def _against_baseline(evidence: Evidence, arm: str) -> str:
    if arm == evidence.table.baseline_arm:
        return "; it is the baseline"
    row = _winner(evidence)
    if row is None:
        return ""
    band = interval(row["sim_low"], row["sim_high"])
    return f"; against the baseline it is {signed(row['estimate'])} {band}, {_is(str(row['verdict']))}".rstrip()


def _winner(evidence: Evidence) -> dict[Any, Any] | None:
    """The comparison of a confirmed search's best arm with the baseline, if there is one."""
    if evidence.winner is None or evidence.effects is None:
        return None
    found, effects = evidence.winner, evidence.effects.frame
    arm = str(found.frame.loc[found.frame["label"] == found.winner, "arm"].iloc[0])
    rows = _records(effects[effects["arm"] == arm])
    return rows[0] if rows else None


def _is(verdict: str) -> str:
    return {"matters": "which matters", "differs": "a difference within the margin"}.get(
        verdict, verdict
    )


_ANSWERS: dict[Question, Callable[[Evidence], str]] = {
    "width": _width,
    "ratio": _ratio,
    "search": _search,
    "effects": _effects,
}
assert set(_ANSWERS) == set(get_args(Question))
