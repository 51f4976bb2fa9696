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


def adjusted(differences: Floats, passed: Sequence[Passed]) -> float:
    """The mean difference of the first comparison without the pull of having stopped.

    Args:
        differences: Of all pairs at its last look, shape (pairs, comparisons), none missing, the seeds in any order
            that does not go by their results: its own, and beside it those whose noise was pooled with it until then.
        passed: The looks before it, ascending.
    """
    count, mean = len(differences), float(differences[:, 0].mean())
    before = [look for look in passed if 1 < look.pairs < count]
    if not before or not float(differences[:, 0].std()) > 0:
        return mean
    order, away = _orders(count), differences - differences.mean(axis=0)
    k, done = differences.shape[1], 0
    total, products, first = np.zeros((DRAWS, k)), np.zeros((DRAWS, k, k)), np.zeros(DRAWS)
    for look in before:
        more = away[order[:, done : look.pairs]]
        total, products = total + more.sum(axis=1), products + more.swapaxes(1, 2) @ more
        done = look.pairs
        if look is before[0]:
            first = total[:, 0] / done + mean
        goes_on = _goes_on(total, products, mean, look)
        # The order that was seen went on; a boundary's last digit must not say otherwise.
        goes_on[0] = True
        order, total = order[goes_on], total[goes_on]
        products, first = products[goes_on], first[goes_on]
    return float(first.mean())


def _goes_on(total: Floats, products: Floats, mean: float, look: Passed) -> NDArray[np.bool_]:
    """In which orders the look does not stop the first comparison; sums are about the means of all pairs."""
    n = look.pairs
    about = products - total[:, :, None] * total[:, None, :] / n
    variance, df, _ = level_noises(about, n, np.ones(total.shape, dtype=bool))
    se, size = np.sqrt(variance[:, 0] / n), np.abs(total[:, 0] / n + mean)
    far = special.stdtr(df[:, 0], -size / se)
    near = special.stdtr(df[:, 0], (size - look.margin) / se)
    return np.asarray(~((far < look.differs) | (near < look.small)))


@lru_cache(maxsize=8)
def _orders(count: int) -> NDArray[np.intp]:
    """Orders of so many pairs, shape (draws, count); the first is the one that was seen."""
    found = np.random.default_rng(20261127).random((DRAWS, count)).argsort(axis=1)
    found[0] = np.arange(count)
    return np.asarray(found)
