"""The adjusted estimates of a study's comparisons, from its looks."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.sequential.estimates import Passed, adjusted
from analysis.sequential.looks import Look, Values
from plain_files.stopping_rules import rule_of_look

Floats = NDArray[np.float64]


def adjusted_estimates(
    now: Mapping[str, Any],
    changes: Sequence[Mapping[str, Any]],
    values: Values,
    looks: Sequence[Look],
) -> dict[str, float]:
    """Arm -> its adjusted estimate; those that ended at one look with all their pairs together."""
    found: dict[str, float] = {}
    for number, look in enumerate(looks):
        ended = [arm for arm, one in look.decisions.items() if one["settled"] or look is looks[-1]]
        whole = [arm for arm in ended if look.decisions[arm]["pairs"] == look.seeds]
        for arms in filter(None, (whole, *([arm] for arm in ended if arm not in whole))):
            # Their noise was pooled with that of all that were open with them.
            beside = [arm for arm in look.decisions if arm not in arms]
            apart = _apart(values, now["baseline"], [*arms, *beside], look.seeds)
            passed = [
                [
                    _passed(one.decisions[arm], margin_of(rule_of_look(now, changes, seeds=one.seeds), arm))
                    for one in looks[:number]
                ]
                for arm in arms
            ]  # fmt: skip
            estimates = adjusted(apart, passed) if len(apart) else np.full(len(arms), np.nan)
            found |= zip(arms, map(float, estimates), strict=True)
    return found


def _apart(values: Values, baseline: str, arms: Sequence[str], seeds: int) -> Floats:
    """The arms less the baseline in the seeds that the first has, shape (pairs, arms); without others that lack any."""
    base, *beside = (np.array(values[arm][:seeds], dtype=float) for arm in (baseline, *arms))
    apart = np.column_stack([one - base for one in beside])
    apart = apart[~np.isnan(apart[:, 0])]
    return np.asarray(apart[:, ~np.isnan(apart).any(axis=0)])


def _passed(decision: Mapping[str, Any], margin: float) -> Passed:
    """What would have stopped a comparison at a look that it passed."""
    freedom = decision["pairs"] - 1.0
    differs, small = (
        np.nan if decision[name] is None else float(special.stdtr(freedom, -decision[name]))
        for name in ("bound", "bound_small")
    )
    return Passed(decision["pairs"], differs, small, margin)


def margin_of(rule: Mapping[str, Any], arm: str) -> float:
    """The margin of an arm's comparison by a rule."""
    return next(float(one["margin"]) for one in rule["comparisons"] if one["arm"] == arm)
