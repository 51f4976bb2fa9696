"""What a comparison is worth that was stopped for what it showed: an interval that holds, an estimate without the pull.

Intervals are repeated ones (Jennison and Turnbull 1989): estimate and boundary times its standard error hold
at all looks at once, so also at the one where it stopped. The mean at the first look was chosen by nothing and
has no bias; its expectation, given the data at the last look and that no look before had stopped (Rao and
Blackwell, as Emerson and Fleming 1990), has none either, and uses all of them. Whatever the noise, seeds
that are alike could as well have come in any other order: the mean over the orders in which no look before the last
would have stopped is that expectation. Each look is made anew in each order, with the standard error that it would have
had there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.sequential.looks import as_own
from analysis.sequential.noise import level_noises

Floats = NDArray[np.float64]
DRAWS = 1000
"""Orders that are tried: the one that was seen, and others from a fixed stream."""


@dataclass(frozen=True)
class Passed:
    """A look that did not stop a comparison: a tail below one of these levels would have."""

    pairs: int
    differs: float
    """Of the mean difference against 0; NaN where there was no boundary, which stops nothing."""
    small: float
    """Of its distance to the margin."""
    margin: float


def repeated_interval(
    estimate: float, se: float, df: float, *, pairs: int, bound: float
) -> tuple[float, float]:
    """The interval that holds at every look: `bound` is the boundary at so many pairs, for half of what it may err."""
    half = as_own(bound, pairs, df) * se
    return estimate - half, estimate + half


def adjusted(differences: Floats, passed: Sequence[Sequence[Passed]]) -> Floats:
    """Mean differences without the pull of having stopped, of comparisons that ended at one look.

    Args:
        differences: Of all pairs at that look, shape (pairs, comparisons), none missing, the seeds in any order that
            does not go by their results: of these comparisons, and after them of others whose noise was pooled
            with theirs until then.
        passed: Of each of these comparisons the looks before, ascending, at the same numbers of pairs.
    """
    count, asked = len(differences), len(passed)
    mean = differences.mean(axis=0)
    before = [at for at in zip(*passed, strict=True) if 1 < at[0].pairs < count]
    if not before:
        return np.asarray(mean[:asked])
    order, away = _orders(count), differences - mean
    k, done = differences.shape[1], 0
    total, products = np.zeros((DRAWS, k)), np.zeros((DRAWS, k, k))
    first, goes_on = np.zeros((DRAWS, asked)), np.ones((DRAWS, asked), dtype=bool)
    for at in before:
        more = away[order[:, done : at[0].pairs]]
        total, products = total + more.sum(axis=1), products + more.swapaxes(1, 2) @ more
        done = at[0].pairs
        if at is before[0]:
            first = total[:, :asked] / done + mean[:asked]
        goes_on &= _goes_on(total, products, mean, at)
        # The order that was seen went on; a boundary's last digit must not say otherwise.
        goes_on[0] = True
        left = goes_on.any(axis=1)
        order, total, products = order[left], total[left], products[left]
        first, goes_on = first[left], goes_on[left]
    expected = np.where(goes_on, first, 0.0).sum(axis=0) / goes_on.sum(axis=0)
    moves = differences[:, :asked].std(axis=0) > 0
    return np.asarray(np.where(moves, expected, mean[:asked]))


def _goes_on(
    total: Floats, products: Floats, mean: Floats, at: Sequence[Passed]
) -> NDArray[np.bool_]:
    """In which orders a look does not stop each of the first comparisons; sums are about the means of all pairs."""
    n, asked = at[0].pairs, len(at)
    about = products - total[:, :, None] * total[:, None, :] / n
    variance, df, _ = level_noises(about, n, np.ones(total.shape, dtype=bool))
    se, df = np.sqrt(variance[:, :asked] / n), df[:, :asked]
    size = np.abs(total[:, :asked] / n + mean[:asked])
    far = special.stdtr(df, -size / se)
    near = special.stdtr(df, (size - [look.margin for look in at]) / se)
    stops = (far < [look.differs for look in at]) | (near < [look.small for look in at])
    return np.asarray(~stops)


@lru_cache(maxsize=8)
def _orders(count: int) -> NDArray[np.intp]:
    """Orders of so many pairs, shape (draws, count); the first is the one that was seen."""
    found = np.random.default_rng(20261127).random((DRAWS, count)).argsort(axis=1)
    found[0] = np.arange(count)
    return np.asarray(found)
