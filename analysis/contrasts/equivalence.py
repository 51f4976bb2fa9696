"""Is an effect small enough not to matter? Two one-sided tests, the verdict, and the seeds still needed."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

Floats = NDArray[np.float64]
REPEATED = "at least 2 seeds that differ"
"""What every test needs."""
Verdict = Literal["matters", "differs", "negligible", "depends", "undecided", "untested"]
"""`matters`: differs from zero, and by more than the margin where there is one; `differs`: from zero, but by less than
the margin; `negligible`: within the margin; `depends`: on another factor, so that no average is decided;
`untested`: nothing repeats that it could be judged by."""
MOST_SEEDS = 1000


def tost(estimate: Floats, se: Floats, df: Floats, *, margin: float | Floats) -> Floats:
    """The p of the equivalence test: the larger of the two one-sided p against -margin and +margin.

    NaN where there is no margin (NaN).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (margin - np.abs(estimate)) / se
    return np.asarray(stats.t.sf(t, df))


def verdicts(
    estimate: Floats, p: Floats, p_equivalence: Floats, *, margin: Floats, alpha: float
) -> list[Verdict]:
    """One verdict per comparison, from adjusted p values.

    An effect can be real and within the margin at once; within the margin it is negligible, since the
    margin is what was declared to be too small to matter.
    """
    return [
        "untested" if np.isnan(a)
        else "negligible" if b < alpha
        else "undecided" if a >= alpha
        else "differs" if abs(size) <= m
        else "matters"
        for size, a, b, m in zip(estimate, p, p_equivalence, margin, strict=True)
    ]  # fmt: skip


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


def seeds_between(
    effect: float,
    se: float,
    *,
    df: float,
    seeds: int,
    alpha: float,
    margin: float | None,
    power: float = 0.8,
) -> tuple[float, float]:
    """Seeds to add, were the effect and its noise other values that the data support: the middle 80 %.

    The true effect is drawn around the estimate and the true noise around its own, each by its sampling law; infinity
    above 1000 seeds.
    """
    if seeds < 2 or not np.isfinite(se) or se <= 0 or not df > 0:
        return float("nan"), float("nan")
    grid = (np.arange(12) + 0.5) / 12
    sd, away = np.meshgrid(np.sqrt(df / special.chdtri(df, grid)), special.ndtri(grid))
    true, run = np.abs(effect + away * sd * se), sd * se * np.sqrt(seeds)
    # Decided by its distance from zero, or by what is left to the margin.
    ratio = np.maximum(true, (margin or 0.0) - true) / run
    # The seeds at which the critical t and the one for the power fit into the effect: a fixed point.
    total = np.full(ratio.shape, float(2 * seeds))
    for _ in range(8):
        later = np.maximum(df * (total - 1) / (seeds - 1), 1.0)
        wanted = special.stdtrit(later, 1 - alpha / 2) + special.stdtrit(later, power)
        total = np.clip((wanted / np.maximum(ratio, 1e-9)) ** 2, seeds + 1, 10 * MOST_SEEDS)
    low, high = np.round(np.quantile(np.ceil(total), [0.1, 0.9])) - seeds
    return float(low), float(high) if high <= MOST_SEEDS else float("inf")


def more_in_words(count: float, unit: str = "seeds") -> str:
    """How many are still needed: `about 3 more seeds`, or `more than 1000 seeds`."""
    if np.isinf(count):
        return f"more than {MOST_SEEDS} {unit}"
    one = unit.replace("seeds", "seed").replace("runs", "run")
    return f"about {count:.0f} more {one if round(count) == 1 else unit}"
