"""One look of a study that runs until decided: what is tested, what is settled, and all looks again from the values.

Each open comparison has its mean difference to the baseline over the seeds that have both, with the noise of the open
arms together and the baseline's, or its own where it stands out or is alone (`analysis.sequential.noise`). Its
tail probability is turned into the t of its own differences, for which the boundaries are exact. Then Holm,
step by step: the boundary is that for as many comparisons as are left.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.sequential.noise import Errors, paired_errors
from plain_files.stopping_rules import rule_of_look

Floats = NDArray[np.float64]
Values = Mapping[str, Sequence[float | None]]
"""Arm -> its metric seed by seed, in the study's order of seeds; None where the run gave none."""
Decisions = dict[str, dict[str, Any]]
PLACES = 6
"""A statistic is rounded before it is held against its boundary, so that rounding errors decide nothing."""
FIGURES = 9
"""Of the numbers in a record."""


@dataclass(frozen=True)
class Look:
    """What one look said."""

    seeds: int
    decisions: Decisions
    """Arm -> what the look says of it, of the comparisons that were open."""
    settled: Decisions
    """Arm -> its decision, of all that are settled after this look."""


def decide(rule: Mapping[str, Any], values: Values, settled: Mapping[str, Any]) -> Decisions:
    """What a look says of each comparison that is open.

    Args:
        rule: As it was declared.
        values: Of the baseline and of the open arms, equally many seeds of each.
        settled: Arm -> its decision at an earlier look, which stays.

    Returns:
        By arm: `settled, verdict, says, pairs, lost, estimate, se, df, t, bound, room, bound_small`. `t` is the mean in
        standard errors and `room` its distance to the margin, both as a t of the pairs' own differences;
        `lost` the seeds of which only the baseline has a result, and only the arm.
    """
    entries = [entry for entry in rule["comparisons"] if entry["arm"] not in settled]
    base = _numbers(values[rule["baseline"]])
    arms = np.column_stack([_numbers(values[entry["arm"]]) for entry in entries])
    apart = arms - base[:, None]
    made = paired_errors(apart)
    margin = np.array([float(entry["margin"]) for entry in entries])
    pairs = made.pairs
    t, room = (
        own_scale(made, pairs, np.abs(made.estimate)),
        own_scale(made, pairs, margin - np.abs(made.estimate)),
    )
    verdicts = [decision["verdict"] for decision in settled.values()]
    count = len(rule["comparisons"])
    table, first = rule["boundaries"], int(rule["first_look"])
    differs, bound = _holm(
        t, pairs, table["differs"], first=first,
        left=count - sum(verdict in ("matters", "differs") for verdict in verdicts),
    )  # fmt: skip
    small, bound_small = _holm(
        room, pairs, table["small"], first=first, left=count - verdicts.count("negligible")
    )
    gone, base_gone = np.isnan(arms), np.isnan(base)[:, None]
    one_sided = (gone & ~base_gone).sum(axis=0), (~gone & base_gone).sum(axis=0)
    found: Decisions = {}
    for i, entry in enumerate(entries):
        size = abs(float(made.estimate[i]))
        verdict = (
            "negligible" if small[i]
            else "undecided" if not differs[i]
            else "matters" if size > margin[i]
            else "differs"
        )  # fmt: skip
        lost = [int(here[i]) for here in one_sided]
        found[entry["arm"]] = {
            "settled": verdict in rule["ends"],
            "verdict": verdict,
            "says": _says(entry["label"], verdict, len(base), lost),
            "pairs": int(pairs[i]),
            "lost": lost,
            "estimate": _short(made.estimate[i]),
            "se": _short(made.se[i]),
            "df": _short(made.df[i]),
            "t": _short(t[i]),
            "bound": bound[i],
            "room": _short(room[i]),
            "bound_small": bound_small[i],
        }
    return found


def replay(
    rule: Mapping[str, Any], values: Values, changes: Sequence[Mapping[str, Any]] = ()
) -> Iterator[Look]:
    """Every look that the values allow, one after another, until all is settled or a seed is not in yet.

    Args:
        rule: As it is now.
        values: Of the baseline and of all arms.
        changes: How it was changed (`plain_files.stopping_rules`): each look goes by the rule of its time.
    """
    settled: Decisions = {}
    for n in range(int(rule["first_look"]), int(rule["max_seeds"]) + 1):
        at_its_time = rule_of_look(rule, changes, seeds=n)
        open_ = [e["arm"] for e in rule["comparisons"] if e["arm"] not in settled]
        needed = [rule["baseline"], *open_]
        if not open_ or any(len(values.get(arm, ())) < n for arm in needed):
            return
        decisions = decide(at_its_time, {arm: values[arm][:n] for arm in needed}, settled)
        settled |= {arm: one for arm, one in decisions.items() if one["settled"]}
        yield Look(n, decisions, dict(settled))


def own_scale(made: Errors, pairs: NDArray[np.intp], distance: Floats) -> Floats:
    """A distance in standard errors, as the t of so many pairs' own differences that has the same tail."""
    with np.errstate(divide="ignore", invalid="ignore"):
        t = distance / made.se
        same = -special.stdtrit(pairs - 1.0, special.stdtr(made.df, -t))
    own = made.df == pairs - 1.0
    return np.asarray(np.where(own, t, same))


def as_own(t: float, pairs: int, df: float) -> float:
    """The way back: the standard errors, with df degrees of freedom, that a t of own differences stands for."""
    if df == pairs - 1:
        return t
    return float(-special.stdtrit(df, float(special.stdtr(pairs - 1.0, -t))))


def _holm(
    statistic: Floats, pairs: NDArray[np.intp], table: Sequence[Sequence[float]], *, first: int, left: int
) -> tuple[NDArray[np.bool_], list[float | None]]:  # fmt: skip
    """Which are rejected, step by step, and the boundary that each was held against last."""
    found = np.zeros(len(statistic), dtype=bool)
    rounded = np.round(np.where(np.isnan(statistic), -np.inf, statistic), PLACES)
    at = pairs - first
    while True:
        row = table[max(left - int(found.sum()), 1) - 1]
        bound = [row[k] if 0 <= k < len(row) else None for k in at]
        high = np.array([np.inf if b is None else b for b in bound])
        more = ~found & (rounded > high)
        if not more.any():
            return found, bound
        found |= more


def _says(label: str, verdict: str, seeds: int, lost: Sequence[int]) -> str:
    words = {"differs": "differs from the baseline, by less than the margin,"}
    text = f"{label}: {words.get(verdict, verdict)} after {seeds} seeds"
    sides = [
        f"{count} where only {side} gave no result"
        for count, side in zip(lost, ("it", "the baseline"), strict=True)
        if count
    ]
    if sides:
        text += f" (without {' and '.join(sides)}: if runs fail for what they would have shown, this is wrong)"
    return text


def _numbers(values: Sequence[float | None]) -> Floats:
    # None becomes NaN.
    return np.array(values, dtype=float)


def _short(value: Any) -> float | None:
    return float(f"{float(value):.{FIGURES}g}") if np.isfinite(value) else None
