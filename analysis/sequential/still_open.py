"""What it would take to settle a comparison that a study left open: seeds of another study by the same rule.

A study with N seeds at most sees an effect in standard errors, so that effects, margin and noise enter as their ratios
times sqrt(N) alone: the study that settles a comparison with 80 % is one of `HORIZON` seeds, stretched. Its
boundaries are exact for `HORIZON` seeds and a little too high for more.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.plain import duration
from analysis.sequential.boundaries import boundaries_of

Floats = NDArray[np.float64]
HORIZON = 24
POWER = 0.8
STUDIES = 2000
RATIOS = (0.0, 0.2, 0.35, 0.5, 0.65, 0.8, 1.0, 1.25, 1.6, 2.0, 3.0, 4.5)
"""Effects, in margins, at which studies are simulated; between them a line, beyond them the margin plays no part."""


def seeds_to_settle(
    effect: float, se: float, df: float, *, pairs: int, margin: float, alpha: float, left: int, first: int
) -> tuple[float, float, float, float]:  # fmt: skip
    """Seeds at which another study would settle it on average, between which they lie with 80 %, and its `max_seeds`.

    The last are the most seeds to allow for, so that it is settled with 80 % if effect and noise are as
    estimated. The range is that of the true effect and the true noise, each drawn by its sampling law. All are NaN
    where nothing tells the noise.

    Args:
        effect: As estimated, in the metric's unit.
        se: Its standard error.
        df: Of that error.
        pairs: Seeds that it rests on.
        margin: The largest effect that does not matter.
        alpha: Family-wise error.
        left: Comparisons that are open, which the other study would hold.
        first: Seeds at the first look.
    """
    if not (np.isfinite(effect) and se > 0 and df > 0):
        return float("nan"), float("nan"), float("nan"), float("nan")
    most, mean = _stretch(alpha, left, first)
    sd = se * np.sqrt(pairs)
    likely, allowed = _seeds(abs(effect), sd, margin, mean), _seeds(abs(effect), sd, margin, most)
    grid = (np.arange(12) + 0.5) / 12
    other, away = np.meshgrid(np.sqrt(df / special.chdtri(df, grid)), special.ndtri(grid))
    drawn = _seeds(np.abs(effect + away * other * se), other * sd, margin, mean)
    low, high = np.quantile(drawn, [0.1, 0.9])
    return tuple(float(np.maximum(np.ceil(n), first)) for n in (likely, low, high, allowed))  # type: ignore[return-value]


def together(rows: Sequence[Mapping[Any, Any]], seconds: Mapping[str, float], baseline: str) -> str:
    """Runs and time of another study of all these comparisons, in words; empty where neither can be said.

    Args:
        rows: Of open comparisons: `arm, seeds_expected, seeds_most`.
        seconds: Arm -> seconds of one run.
        baseline: The arm that runs with all of them.
    """
    arms = [str(row["arm"]) for row in rows]
    if not rows or not all(np.isfinite(row["seeds_most"]) for row in rows):
        return ""
    expected = [row["seeds_expected"] for row in rows]
    most = max(row["seeds_most"] for row in rows)
    runs, at_most = sum(expected) + max(expected), most * (len(rows) + 1)
    text = f"Together that is about {runs:.0f} runs, and {at_most:.0f} at most with --max-seeds {most:.0f}"
    if not all(np.isfinite(seconds.get(arm, np.nan)) for arm in (baseline, *arms)):
        return f"{text}."
    each = [seconds[arm] for arm in arms]
    time = sum(n * s for n, s in zip(expected, each, strict=True))
    time += max(expected) * seconds[baseline]
    longest = most * (sum(each) + seconds[baseline])
    return f"{text}: {duration(time)} of training, {duration(longest)} at most."


def _seeds(effect: Floats | float, sd: Floats | float, margin: float, seeds: Floats) -> Floats:
    """Seeds for an effect, from those for a noise as large as the margin at `RATIOS`."""
    ratio = np.asarray(effect) / margin
    last = RATIOS[-1]
    near = np.interp(np.minimum(ratio, last), RATIOS, np.sqrt(seeds))
    return np.asarray((near * np.minimum(1.0, last / np.maximum(ratio, last)) * sd / margin) ** 2)


@lru_cache(maxsize=16)
def _stretch(alpha: float, left: int, first: int) -> tuple[Floats, Floats]:
    """The most seeds, and the mean ones, where noise and margin are 1: an entry per effect in `RATIOS`."""
    first = min(first, HORIZON)
    made = boundaries_of(left, alpha=alpha, first=first, last=HORIZON)
    differs, small = np.array(made["differs"][-1]), np.array(made["small"][-1])
    z = np.random.default_rng(20261127).standard_normal((STUDIES, HORIZON))
    n = np.arange(1, HORIZON + 1)
    mean = z.cumsum(axis=1) / n
    square = np.maximum((z**2).cumsum(axis=1) - n * mean**2, 1e-300)
    looks = slice(first - 1, HORIZON)
    mean, n = mean[:, looks], n[looks]
    se = np.sqrt(square[:, looks] / (n - 1) / n)
    found = [_settled_at(mean, se, n, ratio, differs, small) for ratio in RATIOS]
    most, average = np.array(found).T
    return most, average


def _settled_at(
    mean: Floats, se: Floats, n: NDArray[np.intp], ratio: float, differs: Floats, small: Floats
) -> tuple[float, float]:
    """The stretched study's most seeds and mean ones; halving the interval of the stretch."""
    low, high = 0.05, 20.0
    for _ in range(14):
        margin = np.sqrt(low * high)
        size = np.abs(mean + ratio * margin)
        ends = (size > differs * se) | (margin - size > small * se)
        low, high = (low, margin) if ends.any(axis=1).mean() >= POWER else (margin, high)
    size = np.abs(mean + ratio * high)
    ends = (size > differs * se) | (high - size > small * se)
    at = np.where(ends.any(axis=1), n[ends.argmax(axis=1)], n[-1])
    # A margin of `high` standard deviations in HORIZON seeds is one of 1 in so many times as many.
    return HORIZON * high**2, float(at.mean()) * high**2
