"""What the tested ratios themselves say, without a curve: the best one, its rivals, and the regrets."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from analysis.contrasts.cr2 import Codes
from analysis.tradeoff.kappa import ROUNDING

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Tested:
    """The tested ratios at one price."""

    r: Floats
    loss: Floats
    J: Floats
    """Mean loss and its cost."""
    p: Floats
    """One-sided, against the best; Bonferroni over the others."""
    not_worse: NDArray[np.bool_]
    regret_upper: Floats
    """The most that choosing it may lose: a simultaneous upper limit."""

    @property
    def best(self) -> float:
        """The tested ratio with the smallest mean J; the larger one on a tie."""
        return float(self.r[self.J.min() + 1e-15 >= self.J].max())

    @property
    def argmin_set(self) -> list[float]:
        """The tested ratios that are not worse than the best at the set's confidence."""
        return [float(r) for r in self.r[self.not_worse]]

    @property
    def frame(self) -> pd.DataFrame:
        """Per ratio: `r, loss, J, regret` (mean J less the best mean J), `p, not_worse, regret_upper`."""
        return pd.DataFrame(
            {
                "r": self.r,
                "loss": self.loss,
                "J": self.J,
                "regret": self.J - self.J.min(),
                "p": self.p,
                "not_worse": self.not_worse,
                "regret_upper": self.regret_upper,
            }
        )


@dataclass(frozen=True)
class Pairs:
    """Every ratio's loss against every other's, before any price."""

    r: Floats
    loss: Floats
    """Seed-adjusted mean loss per ratio, shape (m,)."""
    difference: Floats
    """Loss of the row's ratio less the column's, shape (m, m); paired by seed where seeds are shared."""
    se: Floats
    df: Floats

    def at(self, *, lam_c2: float, confidence: float) -> Tested:
        """The comparison on J = loss + lam C2 / r.

        One-sided t tests against the best with Bonferroni over the others. Without replicates nothing
        can be ruled out.
        """
        cost = lam_c2 / self.r
        mean = self.loss + cost
        best = int(len(mean) - 1 - np.argmin(mean[::-1]))
        difference = self.difference + cost[:, None] - cost[None, :]
        others = max(len(mean) - 1, 1)
        t = _ratio(difference[:, best], self.se[:, best])
        p = np.minimum(stats.t.sf(t, self.df[:, best]) * others, 1.0)
        p[best] = 1.0
        upper = difference + stats.t.ppf(1 - (1 - confidence) / others, self.df) * self.se
        np.fill_diagonal(upper, 0.0)
        return Tested(
            r=self.r,
            loss=self.loss,
            J=mean,
            p=p,
            not_worse=~(p < 1 - confidence),
            regret_upper=np.maximum(upper.max(axis=1), 0.0),
        )


def pair_ratios(r: Floats, loss: Floats, groups: Codes, *, mean: Floats, paired: bool) -> Pairs:
    """All pairwise differences: paired by seed, or Welch's where runs share no seed.

    `mean` is the (seed-adjusted) mean loss of each distinct ratio, ascending.
    """
    levels, cell = np.unique(r, return_inverse=True)
    table = _by_group(loss, cell, groups, len(levels)) if paired else None
    difference, se, df = _differences(loss, cell, table, len(levels))
    # Differences without any spread are not certain: they were not measured twice.
    se = np.where(se > ROUNDING * np.abs(loss).max(), se, np.nan)
    return Pairs(levels, mean, difference, se, df)


def _by_group(loss: Floats, cell: NDArray[np.intp], groups: Codes, levels: int) -> Floats:
    """Mean loss per seed and ratio; NaN where a seed lacks the ratio."""
    total, count = np.zeros((2, int(groups.max()) + 1, levels))
    np.add.at(total, (groups, cell), loss)
    np.add.at(count, (groups, cell), 1.0)
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)


def _differences(
    loss: Floats, cell: NDArray[np.intp], table: Floats | None, levels: int
) -> tuple[Floats, Floats, Floats]:
    """Mean difference, standard error and degrees of freedom of each ratio (row) less each (column)."""
    mean, se, df = np.full((3, levels, levels), np.nan)
    parts = [loss[cell == level] for level in range(levels)]
    for a in range(levels):
        for b in range(levels):
            if table is not None:
                d = (table[:, a] - table[:, b])[~np.isnan(table[:, a] + table[:, b])]
                values = _one_sample(d)
            else:
                values = _welch(parts[a], parts[b])
            mean[a, b], se[a, b], df[a, b] = values
    return mean, se, df


def _one_sample(d: Floats) -> tuple[float, float, float]:
    if len(d) < 2:
        return (float(d.mean()) if len(d) else float("nan")), float("nan"), float("nan")
    return float(d.mean()), float(d.std(ddof=1) / np.sqrt(len(d))), len(d) - 1.0


def _welch(a: Floats, b: Floats) -> tuple[float, float, float]:
    gap = float(a.mean() - b.mean())
    if min(len(a), len(b)) < 2:
        return gap, float("nan"), float("nan")
    va, vb = a.var(ddof=1) / len(a), b.var(ddof=1) / len(b)
    if va + vb == 0:
        return gap, 0.0, len(a) + len(b) - 2.0
    df = (va + vb) ** 2 / (va**2 / (len(a) - 1) + vb**2 / (len(b) - 1))
    return gap, float(np.sqrt(va + vb)), float(df)


def _ratio(difference: Floats, se: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(difference == 0, 0.0, difference / se))
