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
    return level_noises(apart[None])[0]


def level_noises(apart: Floats) -> list[LevelNoise]:
    """`level_noise` of many tables of one size at once, shape (tables, seeds, levels without the reference)."""
    tables, seeds, q = apart.shape
    away = apart - apart.mean(axis=1, keepdims=True)
    own = apart.var(axis=1, ddof=1)
    products = away.transpose(0, 2, 1) @ away
    noisy, pool = standing_out(products, seeds, np.ones((tables, q), dtype=bool))
    levels = pool.sum(axis=1)
    side, v = _apart_and_within(away, pool)
    variance, laws = _over_ratios(side, v, seeds=seeds, levels=levels)
    found = []
    for i, law in enumerate(laws):
        if levels[i] < 2:
            alone, alike = np.ones(q, dtype=bool), _correlated(own[i], 0.5 * own[i].min())
            found.append(LevelNoise(own[i], alone, None, np.nan, alike))
            continue
        every = np.where(noisy[i], np.maximum(own[i], variance[i]), variance[i])
        alike = _correlated(every, law.correlation * variance[i])
        loud = float(side[i] / v[i]) if v[i] > 0 else np.inf
        found.append(LevelNoise(every, noisy[i], law, loud, alike))
    return found


def _apart_and_within(away: Floats, pool: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Per table: the variance of the reference less its pooled levels' mean, and of those levels' residuals."""
    levels = pool.sum(axis=1)
    middle = np.where(pool[:, None], away, 0.0).sum(axis=2) / np.maximum(levels, 1)[:, None]
    rest = np.where(pool[:, None], away - middle[:, :, None], 0.0)
    df = (away.shape[1] - 1) * np.maximum(levels - 1, 1)
    return middle.var(axis=1, ddof=1), np.sum(rest**2, axis=(1, 2)) / df


def _over_ratios(
    side: Floats, v: Floats, *, seeds: int, levels: NDArray[np.int_]
) -> tuple[Floats, list[Mixture]]:
    """Per table: the variance of a comparison in one seed, and the law of its estimate."""
    v = np.maximum(v, side / LOUDEST)
    levels = np.maximum(levels, 1)
    df_side, df = seeds - 1, (seeds - 1) * levels
    part = RATIOS + 1 / levels[:, None]
    together = (df_side * side[:, None] / part + ((df - df_side) * v)[:, None]) / df[:, None]
    silent = ~(together[:, 0] > 0)
    together[silent] = 1.0
    # How likely the ratio of `side` and `v` is under each ratio of the variances: an F density.
    likely = -0.5 * (df_side * np.log(part) + df[:, None] * np.log(together))
    weight = PRIOR * np.exp(likely - likely.max(axis=1, keepdims=True))
    weight /= weight.sum(axis=1, keepdims=True)
    scale = (1 + RATIOS) * together
    variance = np.where(silent, 0.0, 1 / np.sum(weight / scale, axis=1))
    one = np.ones(1)
    laws = [
        Mixture(int(n), one, one, 0.5 * one)
        if quiet
        else Mixture(int(n), share, wide / size, COMMON)
        for n, quiet, share, wide, size in zip(df, silent, weight, scale, variance, strict=True)
    ]
    return variance, laws


def _correlated(variance: Floats, reference: float) -> Floats:
    """Of comparisons that share a reference of this variance."""
    sd = np.sqrt(np.maximum(variance, 1e-300))
    found = np.minimum(reference / np.outer(sd, sd), 1.0)
    np.fill_diagonal(found, 1.0)
    return np.asarray(found)
