"""What the runs of a study say of a claim: comparisons as they were planned, or a fitted number."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from analysis.claims.answer import Found, together
from analysis.claims.claims import Measured
from analysis.claims.planned_claims import comparison_of
from analysis.contrasts.equivalence import REPEATED, more_in_words, seeds_needed
from analysis.errors import TableError
from analysis.planned.comparisons import content_hash, level_key, parse_comparisons
from analysis.planned.planned import PlannedReport, comparison, report_planned
from analysis.sequential.stopped import Stopped, report_stopped
from analysis.sequential.stored import is_stopped_by_rule
from analysis.tables.runs_table import RunsTable
from analysis.tradeoff.prices.price import Price
from analysis.tradeoff.tradeoff import fit_reduction
from analysis.tradeoff.width.width import fit_width
from plain_files.numbers import as_given, interval, number, signed

SIGN = {"lower": -1.0, "higher": 1.0}


def measured(claim: Measured, table: RunsTable, *, planned: bool, alpha: float = 0.05) -> Found:
    """What the table says of the claim.

    Args:
        claim: The claim.
        table: The runs, with their plan.
        planned: Whether the plan has the claim as it stands; otherwise it is read as if it were the only one.
        alpha: Of a claim that the plan has not.

    Raises:
        TableError: If the table has no such factor, level or ratio.
    """
    if (left := _left(table)) is not None:
        return left
    if claim.fit:
        return _fitted(claim, table)
    _check_levels(claim, table)
    stopped = report_stopped(table) if planned else None
    if stopped is not None:
        return _by_rule(claim, table, stopped)
    mine = table if planned else _with_plan(claim, table, alpha)
    report = report_planned(mine)
    assert report is not None
    if report.pending:
        return Found(verdict="undecided", words="No look was reached", where=report.pending)
    content: Mapping[str, Any] = mine.planned or {}
    rows = _rows(claim, report)
    if not rows:
        return Found(
            verdict="undecided", words="No complete runs have both levels", where="complete runs of both"
        )  # fmt: skip
    return together(
        [(comparison(row), _compared(claim, row, table, float(content["alpha"]))) for row in rows]
    )


def _left(table: RunsTable) -> Found | None:
    """That runs are left, which a verdict waits for; None where there are none, or looks were declared."""
    looks = ((table.planned or {}).get("adding_seeds") or {}).get("plan") == "alpha_spending"
    if is_stopped_by_rule(table):
        return _before_its_end(table)
    left = int(table.frame["state"].isin(("WAITING", "RUNNING")).sum())
    if looks or not left:
        return None
    total = len(table.frame)
    words = f"{total - left} of {total} runs have ended"
    return Found(verdict="undecided", words=words, where=f"the other {left}")


def _with_plan(claim: Measured, table: RunsTable, alpha: float) -> RunsTable:
    content = parse_comparisons(
        {"metric": table.metric, "alpha": alpha, "comparisons": [comparison_of(claim)]}
    )
    return replace(table, planned=content, planned_hash=content_hash(content))


def _before_its_end(table: RunsTable) -> Found | None:
    """That a study has not come to its end by its rule; None where it has."""
    stopped = report_stopped(table)
    if stopped is None or stopped.over:
        return None
    words = f"{stopped.runs} runs have ended"
    return Found(verdict="undecided", words=words, where="the seeds that its rule asks for")


def _by_rule(claim: Measured, table: RunsTable, stopped: Stopped) -> Found:
    """What a study that ran until decided says: each comparison as its rule settled it."""
    parts = []
    for row in stopped.frame.to_dict("records"):
        level = _level_of(claim, table, str(row["arm"]))
        if level is None:
            continue
        real = not math.isnan(row["low"]) and row["low"] * row["high"] > 0
        adapted = {
            "factor": claim.factor, "level": level, "against": claim.levels[0], "verdict": row["verdict"],
            "estimate": row["adjusted"], "low": row["low"], "high": row["high"], "seeds": row["look"],
            "p_holm": 0.0 if real else 1.0, "se": row["se"], "df": row["df"],
        }  # fmt: skip
        parts.append((comparison(adapted), _compared(claim, adapted, table, float(row["alpha"]))))
    return together(parts)


def _level_of(claim: Measured, table: RunsTable, arm: str) -> Any:
    """The claim's level that an arm has, where it differs from the baseline in that factor alone; None otherwise."""
    mine = table.frame[table.frame["arm"] == arm].iloc[0]
    changed = {
        name: mine[name] for name in table.factors
        if not pd.isna(mine[name]) and level_key(mine[name]) != level_key(table.baseline.get(name))
    }  # fmt: skip
    (name, level), *more = changed.items() if changed else [("", None)]
    fits = claim.factor in (name, name.rpartition(".")[2]) and not more
    return next((x for x in claim.levels[1:] if fits and level_key(x) == level_key(level)), None)


def _check_levels(claim: Measured, table: RunsTable) -> None:
    names = [f for f in table.factors if claim.factor in (f, f.rpartition(".")[2])]
    if not names:
        raise TableError(
            f"`factor` must be one that varies in {table.study}, {', '.join(table.factors) or 'which has none'}, "
            f"but got {claim.factor!r}."
        )
    there = set(table.frame[names[0]].dropna().map(level_key)) | {
        level_key(table.baseline.get(names[0]))
    }
    for level in claim.levels:
        if level_key(level) not in there:
            known = ", ".join(map(str, sorted(there, key=str)))
            raise TableError(
                f"`{names[0]}` must be one of its levels in {table.study}, {known}, but got {level!r}."
            )


def _rows(claim: Measured, report: PlannedReport) -> list[dict[Any, Any]]:
    """The rows of the claim's levels against its first."""
    if report.frame.empty:
        return []
    reference, *others = map(level_key, claim.levels)
    return [
        row
        for row in report.frame.to_dict("records")
        if claim.factor in (row["factor"], row["factor"].rpartition(".")[2])
        and level_key(row["against"]) == reference
        and level_key(row["level"]) in others
        and _same(row["margin"], claim.margin)
    ]


def _same(found: float | None, asked: float | None) -> bool:
    missing = found is None or math.isnan(found)
    return missing if asked is None else not missing and found == asked


def _compared(claim: Measured, row: Mapping[Any, Any], table: RunsTable, alpha: float) -> Found:
    size, verdict = float(row["estimate"]), row["verdict"]
    low, high = (None if math.isnan(row[end]) else float(row[end]) for end in ("low", "high"))
    band = "" if low is None else f" {interval(low, high)}"
    unit = f" {table.unit}" if table.unit else ""
    within = f", within ±{as_given(claim.margin)}" if verdict == "negligible" else ""
    kept: dict[str, Any] = {
        "words": f"{table.metric} {signed(size)}{unit}{band}{within} over {row['seeds']} seeds",
        "number": size,
        "low": low,
        "high": high,
        "n": int(row["seeds"]),
        "unit": table.unit,
    }
    if verdict == "untested":
        return Found(verdict="undecided", where=REPEATED, **kept)
    if verdict == "undecided":
        return Found(verdict="undecided", where=_more(claim, row, alpha), **kept)
    if claim.direction == "same":
        return _as_same(claim, verdict, row, alpha, kept)
    right = size * SIGN.get(claim.direction, math.copysign(1.0, size)) > 0
    real = verdict != "negligible" or float(row["p_adjusted"]) < alpha
    if not (right and real):
        return Found(verdict="contradicted", **kept)
    if verdict == "matters":
        return Found(verdict="supported", **kept)
    small = f"less than the margin of {as_given(claim.margin)} is called a difference"
    return Found(verdict="loose", where=small, **kept)


def _as_same(
    claim: Measured, verdict: str, row: Mapping[Any, Any], alpha: float, kept: dict[str, Any]
) -> Found:
    if verdict == "negligible":
        return Found(verdict="supported", **kept)
    if verdict == "matters":
        return Found(verdict="contradicted", **kept)
    return Found(verdict="undecided", where=_more(claim, row, alpha), **kept)


def _more(claim: Measured, row: Mapping[Any, Any], alpha: float) -> str:
    """How many seeds would decide, if the difference is as estimated."""
    count = seeds_needed(
        float(row["estimate"]), float(row["se"]), df=float(row["df"]), seeds=int(row["seeds"]),
        alpha=alpha, margin=claim.margin,
    )  # fmt: skip
    if math.isnan(count):
        return "more seeds"
    if math.isinf(count):
        return f"{more_in_words(count)} at this size"
    return f"{more_in_words(count)}, declared before they are run"


def _fitted(claim: Measured, table: RunsTable) -> Found:
    name, value, (low, high), n, note = _FITS[str(claim.fit)](claim, table)
    kept: dict[str, Any] = {
        "words": f"{name} {number(value)} {interval(low, high)} over {n} seeds{note}",
        "number": None if math.isnan(value) else value,
        "low": None if math.isnan(low) else low,
        "high": None if math.isnan(high) else high,
        "n": n,
        "unit": table.unit if claim.fit == "mean" else "",
    }
    if math.isnan(low) or math.isnan(high):
        kept["words"] = f"{name} has no interval{note}"
        return Found(
            verdict="undecided", where="at least 2 seeds, and runs that identify it", **kept
        )
    below, above = high < claim.than, low > claim.than
    margin = claim.margin or 0.0
    inside = low > claim.than - margin and high < claim.than + margin
    outside = low > claim.than + margin or high < claim.than - margin
    holds = {"lower": below, "higher": above, "differs": below or above, "same": inside}
    fails = {"lower": above, "higher": below, "differs": margin > 0 and inside, "same": outside}
    if holds[claim.direction]:
        return Found(verdict="supported", **kept)
    if fails[claim.direction]:
        return Found(verdict="contradicted", **kept)
    return Found(verdict="undecided", where="more seeds: the interval holds both", **kept)


_Fitted = tuple[str, float, tuple[float, float], int, str]


def _kappa(_: Measured, table: RunsTable) -> _Fitted:
    fit = fit_reduction(table)
    return "kappa", fit.kappa, fit.kappa_ci, fit.seeds, f" (status {fit.status})"


def _r_star(claim: Measured, table: RunsTable) -> _Fitted:
    fit = fit_reduction(table, price=Price.per_param(float(claim.price or 0), metric=table.metric))
    nothing = (math.nan, math.nan)
    value = math.nan if fit.r_star is None else fit.r_star
    return "r*", value, fit.r_star_ci or nothing, fit.seeds, f" (status {fit.status})"


def _width_slope(_: Measured, table: RunsTable) -> _Fitted:
    fit = fit_width([table])
    seeds = int(fit.widths["seeds"].min())
    return "slope of log r* on log C", fit.slope, fit.slope_ci, seeds, f" (status {fit.status})"


def _mean(claim: Measured, table: RunsTable) -> _Fitted:
    """The mean of an arm over its seeds, with Student's interval."""
    rows = table.complete()
    for name, level in claim.at:
        column = table.column(name)
        given = rows[column].where(rows[column].notna(), table.baseline.get(column))
        rows = rows[given.map(level_key) == level_key(level)]
    if rows.empty:
        raise TableError(
            f"`at` must be levels of an arm of {table.study}, but got {dict(claim.at)}."
        )
    values = rows.groupby("seed")[table.metric].mean().to_numpy(float)
    n = len(values)
    half = (
        float(stats.t.ppf(0.975, n - 1) * np.std(values, ddof=1) / math.sqrt(n))
        if n > 1
        else math.nan
    )
    mean = float(values.mean())
    where = ", ".join(f"{name.rpartition('.')[2]}={level}" for name, level in claim.at)
    return f"mean {table.metric} at {where}", mean, (mean - half, mean + half), n, ""


_FITS = {"kappa": _kappa, "r_star": _r_star, "width_slope": _width_slope, "mean": _mean}
