"""The noise of levels that are all compared with one reference: S x L, a row per seed, column 0 the reference.

With v_0 the noise of the reference and v that of the q other levels, a comparison has the variance v_0 + v in each
seed. The reference is in all of them, so how noisy it is decides them all. Two independent statistics tell it: with d
the reference less the mean of the other levels in each seed, Var(d) = v_0 + v/q with S - 1 degrees of freedom; and
the other levels' v from the residuals of their two-way table, with (S - 1)(q - 1). Were the ratio rho = v_0 / v known,
both would be one estimate with (S - 1) q. It is not, so the law of a comparison is the average of those over the
ratios that the data leave likely, log rho being taken as evenly spread before (the Behrens-Fisher problem by
Jeffreys' 1940 route) but for a little weight on rho = 1. Which weight still keeps 5 % was simulated over all ratios:
`docs/statistics-checked.md` has the errors, the power, and a bound that no rule of this kind can pass. A level that
looks noisier than the rest (`standing_out`) rests on its own differences, if those are wider.

`analysis.sequential.noise` is the rule of looks after every seed, whose errors were simulated for it alone.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.contrasts.joint import Mixture
from analysis.contrasts.standing_out import standing_out

Floats = NDArray[np.float64]
EQUAL = 0.05
"""How sure one is beforehand that the reference is as noisy as its levels: false verdicts of 5 % leave room for it."""
RATIOS = 2.0 ** np.arange(-9, 24, 0.25)
"""Of the variances of the reference and of a level. Where the reference is quieter still nothing changes."""
LOUDEST = 2.0**16
"""More than so many times louder than its levels, the reference is all the noise there is."""
PRIOR = np.where(RATIOS == 1, EQUAL, 0.0) + (1 - EQUAL) / len(RATIOS)
COMMON = RATIOS / (1 + RATIOS)


@dataclass(frozen=True)
class LevelNoise:
    """What the levels' noise makes of their comparisons with the reference, per level but the reference."""

    variance: Floats
    """Of a level less the reference, in one seed."""
    own: NDArray[np.bool_]
    """Whether the comparison rests on its own differences alone."""
    shared: Mixture | None
    """The law of the shared estimate of the variance, as a multiple of it; None where all comparisons are their own."""
    loud: float
    """How noisy the reference looks: Var(d) over v; NaN where all comparisons are their own."""
    correlation: Floats
    """Of the comparisons with each other, shape (levels, levels)."""

    def df(self, seeds: int) -> Floats:
        """Degrees of freedom of each comparison."""
        together = self.shared.freedom if self.shared else seeds - 1.0
        return np.where(self.own, seeds - 1.0, together)


def level_noise(apart: Floats) -> LevelNoise:
    """The noise of at least two levels on at least two whole seeds.

    Args:
        apart: Each level less the reference in each seed, shape (seeds, levels without the reference).
    """
    seeds, q = apart.shape
    table = np.column_stack([np.zeros(seeds), apart])
    table = table - table.mean(axis=0)
    own = apart.var(axis=0, ddof=1)
    away = table[:, 1:]
    found = standing_out((away.T @ away)[None], seeds, np.ones((1, q), dtype=bool))
    noisy, pool = found[0][0], np.flatnonzero(found[1][0]) + 1
    if len(pool) < 2:
        return LevelNoise(
            own, np.ones(q, dtype=bool), None, np.nan, _correlated(own, 0.5 * own.min())
        )
    rest = table[:, pool]
    rest = rest - rest.mean(axis=1, keepdims=True)
    v = float(np.sum(rest**2)) / ((seeds - 1) * (len(pool) - 1))
    side = float((table[:, 0] - table[:, pool].mean(axis=1)).var(ddof=1))
    variance, law = _over_ratios(side, v, seeds=seeds, levels=len(pool))
    every = np.where(noisy, np.maximum(own, variance), variance)
    loud = side / v if v > 0 else np.inf
    return LevelNoise(every, noisy, law, loud, _correlated(every, law.correlation * variance))


def _over_ratios(side: float, v: float, *, seeds: int, levels: int) -> tuple[float, Mixture]:
    """The variance of a comparison in one seed, and the law of its estimate."""
    v = max(v, side / LOUDEST)
    df_side, df_rest = seeds - 1, (seeds - 1) * (levels - 1)
    df = df_side + df_rest
    part = RATIOS + 1 / levels
    together = (df_side * side / part + df_rest * v) / df
    if not together[0] > 0:
        one = np.ones(1)
        return 0.0, Mixture(df, one, one, 0.5 * one)
    # How likely the ratio of `side` and `v` is under each ratio of the variances: an F density.
    likely = -0.5 * (df_side * np.log(part) + df * np.log(together))
    weight = PRIOR * np.exp(likely - likely.max())
    weight /= weight.sum()
    scale = (1 + RATIOS) * together
    variance = 1 / float(weight @ (1 / scale))
    return variance, Mixture(df, weight, scale / variance, COMMON)


def _correlated(variance: Floats, reference: float) -> Floats:
    """Of comparisons that share a reference of this variance."""
    sd = np.sqrt(np.maximum(variance, 1e-300))
    found = np.minimum(reference / np.outer(sd, sd), 1.0)
    np.fill_diagonal(found, 1.0)
    return np.asarray(found)
