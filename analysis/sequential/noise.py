"""The noise of comparisons that are open together, on arrays: of one study, or of thousands at once.

A comparison's variance in one seed is v0 + v, the baseline's noise and its arm's. The baseline's side comes from the
difference of the baseline and the mean of the open arms in each seed, v from the residuals of the open arms' two-way
table, and their sum has Satterthwaite's degrees of freedom; an arm that looks noisier than the rest
(`analysis.contrasts.standing_out`) rests on its own differences. S studies, K comparisons.

Not the mixture of laws of `analysis.contrasts.level_noise`: it is sharper for one look, but after every seed it erred
no less where it was tried (`benchmarks/sequential_noise.py`), and the table of errors in docs/until.md is of this rule.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.contrasts.estimation import ROUNDING
from analysis.contrasts.standing_out import standing_out

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
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
    noisy, pool = standing_out(about, n, is_open)
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
