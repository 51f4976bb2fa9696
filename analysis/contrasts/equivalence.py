"""Is an effect small enough not to matter? Two one-sided tests, the verdict, and the seeds still needed."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
Verdict = Literal["matters", "negligible", "undecided"]
MOST_SEEDS = 1000


def tost(estimate: Floats, se: Floats, df: Floats, *, margin: float | Floats) -> Floats:
    """The p of the equivalence test: the larger of the two one-sided p against -margin and +margin.

    NaN where there is no margin (NaN).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (margin - np.abs(estimate)) / se
    return np.asarray(stats.t.sf(t, df))


def verdicts(p: Floats, p_equivalence: Floats, *, alpha: float) -> list[Verdict]:
    """One verdict per comparison, from adjusted p values.

    An effect can be real and within the margin at once; within the margin it is negligible, since the
    margin is what was declared to be too small to matter.
    """
    return [
        "negligible" if b < alpha else "matters" if a < alpha else "undecided"
        for a, b in zip(p, p_equivalence, strict=True)
    ]


def power_to_decide(
    effect: float, se: Floats, df: Floats, *, alpha: float, margin: float | None
) -> Floats:
    """Chance of a verdict (difference, or equivalence within `margin`) if the effect is `effect`."""
    critical = stats.t.ppf(1 - alpha / 2, df)
    differs = stats.nct.sf(critical, df, abs(effect) / se)
    differs = np.where(np.isnan(differs), 1.0, differs)
    if margin is None or abs(effect) >= margin:
        return np.asarray(differs)
    one_sided = stats.t.ppf(1 - alpha, df)
    upper = stats.t.cdf((margin - effect) / se - one_sided, df)
    lower = stats.t.cdf((margin + effect) / se - one_sided, df)
    return np.maximum(differs, np.maximum(upper + lower - 1, 0.0))


def seeds_needed(
    effect: float,
    se: float,
    *,
    df: float,
    seeds: int,
    alpha: float,
    margin: float | None,
    power: float = 0.8,
) -> float:
    """Seeds to add for a verdict with probability `power`, if the effect is as estimated.

    Infinity above 1000 seeds. The estimate is itself uncertain: this is a guide, not a promise.
    """
    if seeds < 2 or not np.isfinite(se) or se <= 0:
        return float("nan")

    def enough(total: Floats) -> NDArray[np.bool_]:
        later_se = se * np.sqrt(seeds / total)
        later_df = df * (total - 1) / (seeds - 1)
        return power_to_decide(effect, later_se, later_df, alpha=alpha, margin=margin) >= power

    # Power grows with the seeds: a coarse search, then every number between its last two steps.
    steps = np.unique(np.geomspace(seeds + 1, max(MOST_SEEDS, seeds + 1), 40).round())
    found = enough(steps)
    if not found.any():
        return float("inf")
    first = int(np.argmax(found))
    between = np.arange(steps[max(first - 1, 0)], steps[first] + 1)
    return float(between[np.argmax(enough(between))] - seeds)
