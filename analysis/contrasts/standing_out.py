"""Which levels look noisier than the rest, of levels that are all compared with one reference; of many tables at once.

S tables, K levels beside the reference, n seeds. One rule for verdicts of one look (`level_noise`) and for looks after
every seed (`analysis.sequential.noise`).
"""

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
NOISY = 0.08
"""A level whose test of being noisier than the rest has a p below this rests on its own differences."""
APART = 0.001
"""Below this p, over the number of levels, a noisy level is also left out of the others' noise."""


def standing_out(about: Floats, n: int, is_open: Bools) -> tuple[Bools, Bools]:
    """Which levels look noisier than the rest, and those whose noise is pooled.

    Args:
        about: Sums of products of the levels less the reference about their means, shape (S, K, K).
        n: Seeds.
        is_open: Which levels are compared, shape (S, K).
    """
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
