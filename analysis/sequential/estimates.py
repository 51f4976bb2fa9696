"""What a comparison is worth that was stopped for what it showed: an interval that holds, an estimate without the pull.

Intervals are repeated ones (Jennison and Turnbull 1989): estimate and boundary times its standard error hold
at all looks at once, so also at the one where it stopped. The mean at the first look was chosen by nothing and
has no bias; its expectation, given the data at the last look and that no look before had stopped (Rao and
Blackwell, as Emerson and Fleming 1990), has none either, and uses all of them. Whatever the noise, differences of seeds
that are alike could as well have come in any other order: the mean over the orders in which no look before the last
would have stopped is that expectation. Standard errors at the looks are taken as they were.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from analysis.sequential.looks import as_own

Floats = NDArray[np.float64]
DRAWS = 2000
"""Orders that are tried: the one that was seen, and others from a fixed stream."""


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
    """The mean difference without the pull of having stopped.

    Args:
        differences: Of all pairs at the last look, in the order of the seeds, none missing.
        passed: The looks before it, ascending.
    """
    before = [look for look in passed if 1 < look.pairs < len(differences)]
    if not before or not float(differences.std()) > 0:
        return float(differences.mean())
    in_order = differences[_orders(len(differences))]
    so_far = in_order.cumsum(axis=1) / np.arange(1, len(differences) + 1)
    goes_on = np.ones(len(in_order), dtype=bool)
    for look in before:
        there = np.abs(so_far[:, look.pairs - 1])
        # A boundary that is not there (NaN) stops nothing.
        goes_on &= ~((there > look.high) | (there < look.low))
    # The order that was seen went on; a boundary's last digit must not say otherwise.
    goes_on[0] = True
    return float(so_far[goes_on, before[0].pairs - 1].mean())


@lru_cache(maxsize=8)
def _orders(count: int) -> NDArray[np.intp]:
    """Orders of so many pairs, shape (draws, count); the first is the one that was seen."""
    found = np.random.default_rng(20261127).random((DRAWS, count)).argsort(axis=1)
    found[0] = np.arange(count)
    return np.asarray(found)
