"""The noise of comparisons that are open together, on arrays: of one study, or of thousands at once.

A comparison's variance in one seed is v0 + v, the baseline's noise and its arm's. The baseline's side comes from the
difference of the baseline and the mean of the open arms in each seed, v from the residuals of the open arms' two-way
table, and their sum has Satterthwaite's degrees of freedom; an arm that looks noisier than the rest rests on its own
differences. `analysis.contrasts.level_noise` is sharper for one look, by a mixture of laws. A boundary needs
degrees of freedom, and the errors of this rule at every look are those that `benchmarks/sequential_errors.py` prints:
it changes only with them. S studies, K comparisons.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.contrasts.estimation import ROUNDING

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
NOISY = 0.08
"""An arm whose test of being noisier than the rest has a p below this rests on its own differences."""
APART = 0.001
"""Below this p, over the number of arms, a noisy arm is also left out of the others' noise."""
CAUTION = 2.0
"""The baseline looks quiet by luck where it does in few seeds, and all q comparisons err with it: its part in the
degrees of freedom is taken to be 1 + CAUTION (1 - 1/(q - 1)) / (seeds - 1) times what was estimated."""
FEWEST = 3
"""With fewer whole seeds every comparison rests on its own differences."""


@dataclass(frozen=True)
class Errors:
    """Mean differences with their errors, an entry per comparison."""

    estimate: Floats
    se: Floats
    """NaN where nothing repeats, or the repetitions do not differ."""
    df: Floats
    pairs: NDArray[np.intp]


def paired_errors(apart: Floats) -> Errors:
    """The comparisons of one study.

    Args:
        apart: Each arm less the baseline, shape (seeds, K), NaN where a run is missing.
    """
    there = ~np.isnan(apart)
    pairs = there.sum(axis=0)
    filled = np.where(there, apart, 0.0)
    mean = filled.sum(axis=0) / np.maximum(pairs, 1)
    square = (np.where(there, apart - mean, 0.0) ** 2).sum(axis=0)
    variance, df = square / np.maximum(pairs - 1, 1), pairs - 1.0
    whole = apart[there.all(axis=1)]
    if len(whole) >= FEWEST:
        away = whole - whole.mean(axis=0)
        everyone = np.ones((1, apart.shape[1]), dtype=bool)
        shared, freedom, alone = level_noises((away.T @ away)[None], len(whole), everyone)
        # One that stands out rests on all the pairs it has, whole seeds or not.
        variance = np.where(alone[0], np.maximum(variance, shared[0]), shared[0])
        df = np.where(alone[0], df, freedom[0])
    se = np.sqrt(variance / np.maximum(pairs, 1))
    small = ROUNDING * float(np.max(np.abs(filled), initial=0.0))
    known = (pairs > 1) & (se > small)
    return Errors(mean, np.where(known, se, np.nan), np.where(known, df, np.nan), pairs)


def level_noises(about: Floats, n: int, is_open: Bools) -> tuple[Floats, Floats, Bools]:
    """Variance of each open comparison in one seed, its degrees of freedom, and whether it rests on itself alone.

    Args:
        about: Sums of products about the means, shape (S, K, K).
        n: Seeds.
        is_open: Which comparisons have all these seeds, shape (S, K).
    """
    own = np.einsum("skk->sk", about) / (n - 1)
    q = is_open.sum(axis=1)
    noisy, pool = _stand_out(about, n, is_open)
    size = pool.sum(axis=1)
    many = (size > 1) & (q > 1) & (n >= FEWEST)
    level = np.maximum(size, 1)
    row = np.einsum("sij,sj->si", about, pool.astype(float)) / level[:, None]
    whole = np.sum(row * pool, axis=1) / level
    inside = np.sum((np.einsum("skk->sk", about) - 2 * row + whole[:, None]) * pool, axis=1)
    rest = np.maximum((n - 1) * (size - 1), 1)
    side, other = whole / (n - 1), inside / rest * (1 - 1 / level)
    shared = (side + other)[:, None]
    weighed = side * (1 + CAUTION * (1 - 1 / np.maximum(q - 1, 1)) / (n - 1))
    share = weighed / np.maximum(weighed + other, 1e-300)
    df = 1 / (share**2 / (n - 1) + (1 - share) ** 2 / rest)
    alone = noisy | ~many[:, None]
    wide = np.where(noisy & many[:, None], np.maximum(own, shared), own)
    variance = np.where(alone, wide, shared)
    return np.maximum(variance, 1e-300), np.where(alone, n - 1.0, df[:, None]), alone


def _stand_out(about: Floats, n: int, is_open: Bools) -> tuple[Bools, Bools]:
    """Which open levels look noisier than the rest, and those whose noise is pooled."""
    s, k = is_open.shape
    table = np.zeros((s, k + 1, k + 1))
    table[:, 1:, 1:] = about
    left = np.concatenate([np.ones((s, 1), dtype=bool), is_open], axis=1)
    noisy, going = np.zeros((s, k + 1), dtype=bool), np.ones(s, dtype=bool)
    levels = is_open.sum(axis=1)
    while (going := going & (left.sum(axis=1) > 2)).any():
        count = np.maximum(left.sum(axis=1), 3)[:, None]
        row = np.einsum("sij,sj->si", table, left.astype(float)) / count
        whole = np.sum(row * left, axis=1, keepdims=True) / count
        per_level = np.maximum(np.einsum("skk->sk", table) - 2 * row + whole, 0.0) * left
        mine = per_level * count / (count - 1)
        others = (per_level.sum(axis=1, keepdims=True) - mine) / ((n - 1) * (count - 2))
        with np.errstate(divide="ignore", invalid="ignore"):
            p = special.fdtrc(n - 1, (n - 1) * (count - 2), mine / (n - 1) / others)
        p = np.where(left & ~np.isnan(p), p, 1.0)
        worst = p.argmin(axis=1)
        stay = p.min(axis=1) * levels >= APART
        noisy |= (going & stay)[:, None] & left & (p < NOISY)
        out = np.flatnonzero(going & ~stay)
        noisy[out, worst[out]], left[out, worst[out]] = True, False
        going &= ~stay
    left[:, 0] = False
    return noisy[:, 1:] & is_open, left[:, 1:]
