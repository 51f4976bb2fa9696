"""The noise of levels that are all compared with one reference: S x L, a row per seed, column 0 the reference.

With v_k the noise of level k, a comparison has the variance v_0 + v_k in each seed. The reference is in all
of them, so its noise is never pooled with that of the levels: with d the reference less the mean of the other q
levels in each seed, Var(d) = v_0 + v/q, and the other levels' v comes from the residuals of their two-way table.
v_0 + v = Var(d) + v (1 - 1/q) is then the sum of two independent estimates. A level that looks noisier than the rest
rests on its own differences, if those are wider. What pooling the reference as well would buy, it would buy with
errors above 5 %: `docs/statistics.md` has the bound.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import fdtrc

Floats = NDArray[np.float64]
NOISY = 0.08
"""A level whose test of being noisier than the rest has a p below this rests on its own differences."""
APART = 0.001
"""Below this p, over the number of levels, a noisy level is also left out of the others' noise."""
CAUTION = 2.0
"""The reference looks quiet by luck where it does in few seeds, and all q comparisons err with it: its part in the
degrees of freedom is taken to be 1 + CAUTION (1 - 1/(q - 1)) / (seeds - 1) times what was estimated."""


@dataclass(frozen=True)
class LevelNoise:
    """What the levels' noise makes of their comparisons with the reference, per level but the reference."""

    variance: Floats
    """Of a level less the reference, in one seed."""
    own: NDArray[np.bool_]
    """Whether the comparison rests on its own differences alone."""
    share: float
    """How much of a comparison's variance is estimated from the reference's side, with seeds - 1 degrees of freedom."""
    df_rest: int
    """Degrees of freedom of the other levels' noise; 0 where all comparisons are their own."""
    correlation: Floats
    """Of the comparisons with each other, shape (levels, levels)."""

    def df(self, seeds: int) -> Floats:
        """Satterthwaite's degrees of freedom of each comparison."""
        spread = self.share**2 / (seeds - 1)
        spread += (1 - self.share) ** 2 / self.df_rest if self.df_rest else 0.0
        return np.where(self.own, seeds - 1.0, 1 / spread)


def level_noise(apart: Floats) -> LevelNoise:
    """The noise of at least two levels on at least two whole seeds.

    Args:
        apart: Each level less the reference in each seed, shape (seeds, levels without the reference).
    """
    seeds, q = apart.shape
    table = np.column_stack([np.zeros(seeds), apart])
    table = table - table.mean(axis=0)
    own = apart.var(axis=0, ddof=1)
    noisy, pool = _stand_out(table)
    rest = table[:, pool]
    rest = rest - rest.mean(axis=1, keepdims=True)
    df_rest = (seeds - 1) * (len(pool) - 1)
    if df_rest == 0:
        return LevelNoise(own, np.ones(q, dtype=bool), 1.0, 0, _correlated(own, 0.5 * own.min()))
    v = float(np.sum(rest**2)) / df_rest
    side = float((table[:, 0] - table[:, pool].mean(axis=1)).var(ddof=1))
    other = v * (1 - 1 / len(pool))
    variance = np.where(noisy, np.maximum(own, side + other), side + other)
    weighed = side * (1 + CAUTION * (1 - 1 / (q - 1)) / (seeds - 1))
    share = weighed / (weighed + other) if side > 0 else 0.0
    return LevelNoise(
        variance, noisy, share, df_rest, _correlated(variance, max(side - v / len(pool), 0.0))
    )


def _stand_out(table: Floats) -> tuple[NDArray[np.bool_], list[int]]:
    """Which levels look noisier than the rest, and those whose noise is pooled; the reference is in neither."""
    seeds, levels = table.shape
    left = list(range(levels))
    noisy = np.zeros(levels, dtype=bool)
    while len(left) > 2:
        rest = table[:, left] - table[:, left].mean(axis=1, keepdims=True)
        n, per_level = len(left), np.sum(rest**2, axis=0)
        mine = per_level * n / (n - 1)
        df_others = (seeds - 1) * (n - 2)
        others = (per_level.sum() - mine) / df_others
        with np.errstate(divide="ignore", invalid="ignore"):
            p = fdtrc(seeds - 1, df_others, mine / (seeds - 1) / others)
        p = np.where(np.isnan(p), 1.0, p)
        worst = int(np.argmin(p))
        if p[worst] * (levels - 1) >= APART:
            noisy[[left[i] for i in np.flatnonzero(p < NOISY)]] = True
            break
        noisy[left.pop(worst)] = True
    return noisy[1:], [k for k in left if k != 0]


def _correlated(variance: Floats, reference: float) -> Floats:
    """Of comparisons that share a reference of this variance."""
    sd = np.sqrt(np.maximum(variance, 1e-300))
    found = np.minimum(reference / np.outer(sd, sd), 1.0)
    np.fill_diagonal(found, 1.0)
    return np.asarray(found)
