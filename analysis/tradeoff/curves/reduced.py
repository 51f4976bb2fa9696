"""The losses of a grid of ratios with the seeds taken out: all that the curve families need.

With one intercept per seed, any curve f over the m tested ratios has the residual sum of squares

    RSS(f) = rss + (mu - f)' M (mu - f)

where mu are the free means, M = D - N' K^-1 N (N: seed x ratio counts, D and K its margins) and rss is
what is left when every ratio is free. So thousands of fits cost no more than m-by-m algebra.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.contrasts.cr2 import Codes

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Reduced:
    """Sufficient statistics of losses on a grid of ratios."""

    r: Floats
    """The m distinct ratios, ascending."""
    mean: Floats
    """Seed-adjusted mean loss at each ratio, shape (m,)."""
    root: Floats
    """L with L'L = M, shape (rank, m)."""
    rss: float
    """Residual sum of squares with every ratio free."""
    df: int
    """Its degrees of freedom: runs - seeds - (m - 1)."""
    n: int
    groups: int
    blocked: bool
    """Whether the groups are seeds; if not there is one intercept for all."""
    sizes: NDArray[np.int_]
    """Runs at each ratio."""
    residuals: Floats
    """Of each run, with every ratio and every group free."""

    @property
    def z(self) -> Floats:
        """L mu, shape (rank,)."""
        return np.asarray(self.root @ self.mean)

    @property
    def sigma2(self) -> float:
        """Pure-error variance of one run, NaN without replicates."""
        return self.rss / self.df if self.df > 0 else float("nan")


def reduce_grid(r: Floats, loss: Floats, groups: Codes, *, blocked: bool) -> Reduced:
    """The sufficient statistics of `loss` at ratios `r` with one intercept per group."""
    levels, cell = np.unique(r, return_inverse=True)
    counts = np.zeros((groups.max() + 1, len(levels)))
    np.add.at(counts, (groups, cell), 1.0)
    per_group, per_level = counts.sum(1), counts.sum(0)
    m_matrix = np.diag(per_level) - counts.T @ (counts / per_group[:, None])
    group_mean = np.bincount(groups, loss) / per_group
    b = np.bincount(cell, loss - group_mean[groups])
    values, vectors = np.linalg.eigh(m_matrix)
    keep = values > 1e-9 * values.max()
    root = np.sqrt(values[keep])[:, None] * vectors[:, keep].T
    shape = vectors[:, keep] @ ((vectors[:, keep].T @ b) / values[keep])
    intercepts = np.bincount(groups, loss - shape[cell]) / per_group
    residual = loss - shape[cell] - intercepts[groups]
    rank = int(keep.sum())
    return Reduced(
        r=levels,
        mean=shape + intercepts.mean(),
        root=root,
        rss=float(residual @ residual),
        df=len(loss) - len(per_group) - rank,
        n=len(loss),
        groups=len(per_group),
        blocked=blocked,
        sizes=per_level.astype(np.int_),
        residuals=residual,
    )
