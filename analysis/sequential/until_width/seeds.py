"""How many whole seeds make the interval of kappa narrow enough: of a study that has begun, and of one that is planned.

noise   standard deviation of one seed's slope, as a share of kappa
share   what the lower limit of kappa may be below it, as a share of it: 1 - (1 + width)^-3
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
MOST_SEEDS = 1000
"""Of an answer to how many would do."""
STUDIES = 4000
MOST_FIXED = 3
"""A fixed design is looked for up to so many times the most seeds."""


@dataclass(frozen=True)
class Narrowing:
    """What a study by the rule takes, over simulated ones."""

    max_seeds: int
    reached: float
    """Share that is narrow enough by then."""
    seeds: float
    """Mean; those that are never narrow have the most."""
    low: float
    """Between these lie 80 %."""
    high: float
    fixed_seeds: float
    """Of a fixed design, of one look and not widened, that is narrow enough as often; NaN where none was found."""


def seeds_for_width(
    rule: Mapping[str, Any], found: Mapping[str, Any], *, noisier: float = 1.0
) -> tuple[float, float, float]:
    """Whole seeds at which the interval is narrow enough, if kappa and its noise are as estimated, and the middle 80 %.

    Infinity where kappa would have to be larger; NaN where the slopes of the seeds do not differ.

    Args:
        rule: As declared: `target_width, wider, first_look`.
        found: What a look says: `seeds, kappa, high`.
        noisier: The standard deviation of a seed's slope, in those that were seen: less than 1 with larger ratios.
    """
    n, kappa, reach = int(found["seeds"]), found["kappa"], found["high"] - found["kappa"]
    if not reach > 0:
        return float("nan"), float("nan"), float("nan")
    sd = reach * np.sqrt(n) / float(rule["wider"]) / float(special.stdtrit(n - 1, 0.975))
    grid = (np.arange(12) + 0.5) / 12
    other, away = np.meshgrid(np.sqrt((n - 1) / special.chdtri(n - 1, grid)), special.ndtri(grid))
    drawn = _wanted(kappa + away * other * sd / np.sqrt(n), noisier * other * sd, rule)
    # An order statistic, since between a number and infinity lies nothing.
    low, high = np.quantile(drawn, [0.1, 0.9], method="nearest")
    return float(_wanted(np.array(kappa), np.array(noisier * sd), rule)), float(low), float(high)


def narrowings(
    noise: float, *, target_width: float, wider: float, first: int, max_seeds: int,
    df: float | None = None, error: float = 0.0, studies: int = STUDIES, seed: int = 0,
) -> Narrowing:  # fmt: skip
    """What studies by the rule take.

    Args:
        noise: Standard deviation of one seed's slope, as a share of kappa.
        target_width: How far the upper limit of r* may lie above it, as a share.
        wider: By how much the rule widens its interval.
        first: Seeds at the first look.
        max_seeds: Seeds after which it ends.
        df: Degrees of freedom of `noise` and `error` where they are estimates: the true ones are drawn by their law.
        error: Standard error of kappa where it is an estimate, as a share of it.
        studies: That are simulated; the share reached has a Monte-Carlo error of 0.8 points at most with 4000.
        seed: Of the simulation.
    """
    stream = np.random.default_rng(seed)
    drawn = 1.0 if df is None else np.sqrt(df / stream.chisquare(df, (studies, 1)))
    kappa = 1 + error * drawn * stream.standard_normal((studies, 1))
    slopes = kappa + noise * drawn * stream.standard_normal((studies, MOST_FIXED * max_seeds))
    mean, half = t_intervals(slopes)
    enough = wider * half <= share_of(target_width) * mean
    at, reached = first_narrow(enough[:, :max_seeds], first=first)
    low, high = np.quantile(at, [0.1, 0.9], method="nearest")
    often = (half <= share_of(target_width) * mean).mean(axis=0)
    fixed = np.flatnonzero((often >= reached.mean()) & (np.arange(len(often)) >= 2))
    return Narrowing(
        max_seeds, float(reached.mean()), float(at.mean()), float(low), float(high),
        float(fixed[0] + 1) if len(fixed) and reached.any() else float("nan"),
    )  # fmt: skip


def share_of(target_width: float) -> float:
    """How far the lower limit of kappa may lie below it, as a share of it."""
    return float(1 - (1 + target_width) ** -3)


def t_intervals(slopes: Floats) -> tuple[Floats, Floats]:
    """The mean and the half of its 95 % interval after each seed, shape (studies, seeds)."""
    n = np.arange(1, slopes.shape[1] + 1)
    mean = slopes.cumsum(axis=1) / n
    square = np.maximum((slopes**2).cumsum(axis=1) - n * mean**2, 0.0)
    df = np.maximum(n - 1.0, 1.0)
    half = special.stdtrit(df, 0.975) * np.sqrt(square / df / n)
    half[:, 0] = np.inf
    return mean, np.asarray(half)


def first_narrow(enough: Bools, *, first: int) -> tuple[NDArray[np.intp], Bools]:
    """Seeds at the first look that is narrow enough, the most where none is, and whether one is."""
    there = enough & (np.arange(1, enough.shape[1] + 1) >= first)
    reached = np.asarray(there.any(axis=1))
    at = np.where(reached, there.argmax(axis=1) + 1, enough.shape[1])
    return at, reached


def with_another(ratios: Floats, more: float) -> float:
    """The standard deviation of a seed's slope with one more ratio, in that without it, if runs are as noisy there."""
    with_it, without = np.append(ratios, more) ** 2, np.asarray(ratios) ** 2
    return float(np.sqrt(without.var() * without.size / with_it.var() / with_it.size))


def in_words(seeds: tuple[float, float, float]) -> str:
    """How many would do, without a full stop."""
    expected, low, high = seeds
    if np.isnan(expected):
        return "the slopes of its seeds do not differ, so that nothing tells how many would do"
    if not np.isfinite(expected):
        return f"more than {MOST_SEEDS} whole seeds would be needed"
    ends = f"between {low:.0f} and {high:.0f}" if np.isfinite(high) else f"{low:.0f} or more"
    return f"about {expected:.0f} whole seeds would do ({ends} with 80 %)"


def _wanted(kappa: Floats, sd: Floats, rule: Mapping[str, Any]) -> Floats:
    """Seeds at which the widened interval leaves out no more than the width allows."""
    reach = share_of(float(rule["target_width"])) * kappa
    with np.errstate(divide="ignore"):
        ratio = np.where(reach > 0, float(rule["wider"]) * sd / np.maximum(reach, 1e-300), np.inf)
    first = float(rule["first_look"])
    seeds = np.full(ratio.shape, first)
    for _ in range(8):
        seeds = np.maximum((special.stdtrit(seeds - 1, 0.975) * ratio) ** 2, first)
    return np.asarray(np.where(seeds > MOST_SEEDS, np.inf, np.ceil(seeds)))
