"""What a comparison is worth that was stopped for what it showed: an interval that holds, an estimate without the pull.

Intervals are repeated ones (Jennison and Turnbull 1989): estimate and boundary times its standard error hold
at all looks at once, so also at the one where it stopped. The mean at the first look was chosen by nothing and
has no bias; its expectation, given the data at the last look and that no look before had stopped (Rao and
Blackwell, as Emerson and Fleming 1990), has none either, and uses all of them. Given mean and standard
deviation, normal differences are uniform on a sphere, from which they are drawn.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from analysis.sequential.looks import as_own

Floats = NDArray[np.float64]
DRAWS = 4000
ENOUGH = 40
"""Draws that must have gone on to the last look; where fewer have, nothing is said."""


@dataclass(frozen=True)
class Passed:
    """A look that did not stop a comparison: a mean of its pairs beyond `high` or below `low` would have."""

    pairs: int
    high: float
    low: float


def repeated_interval(
    estimate: float, se: float, df: float, *, pairs: int, bound: float
) -> tuple[float, float]:
    """The interval that holds at every look: `bound` is the boundary at so many pairs, for half of what it may err."""
    half = as_own(bound, pairs, df) * se
    return estimate - half, estimate + half


def adjusted(differences: Floats, passed: Sequence[Passed]) -> float:
    """The mean difference without the pull of having stopped; NaN where hardly any draw goes on to the last look.

    Args:
        differences: Of all pairs at the last look, none missing.
        passed: The looks before it, ascending.
    """
    mean = float(differences.mean())
    before = [look for look in passed if 1 < look.pairs < len(differences)]
    if not before or not float(differences.std()) > 0:
        return mean
    paths = mean + float(differences.std()) * _directions(len(differences))
    so_far = paths.cumsum(axis=1) / np.arange(1, len(differences) + 1)
    goes_on = np.ones(len(paths), dtype=bool)
    for look in before:
        there = np.abs(so_far[:, look.pairs - 1])
        # A boundary that is not there (NaN) stops nothing.
        goes_on &= ~((there > look.high) | (there < look.low))
    if goes_on.sum() < ENOUGH:
        return float("nan")
    return float(so_far[goes_on, before[0].pairs - 1].mean())


@lru_cache(maxsize=8)
def _directions(count: int) -> Floats:
    """Random directions of mean 0 and standard deviation 1: a fixed stream, shape (draws, count)."""
    z = np.random.default_rng(20261127).standard_normal((DRAWS, count))
    z = z - z.mean(axis=1, keepdims=True)
    return np.asarray(z / z.std(axis=1, keepdims=True))
