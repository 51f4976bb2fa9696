"""Contrasts of cell means with seeds as blocks: y = seed + cell + noise, complete or with holes.

Complete tables give the textbook randomised-block analysis. With missing runs the cells are eliminated
first, so the algebra is seeds x seeds whatever the number of cells.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
MOST_NUMBERS = 1_000_000
"""Random numbers that one simulated check may draw."""


@dataclass(frozen=True)
class Blocks:
    """The fitted two-way model."""

    cell: Floats
    """Seed-adjusted mean of each cell, shape (cells,)."""
    sigma2: float
    """Pooled variance of one run within its seed and cell; NaN without degrees of freedom."""
    df: int
    counts: Floats
    """Runs per seed and cell, shape (seeds, cells)."""
    inverse: Floats
    """Pseudo-inverse of the seeds' matrix after the cells are eliminated, shape (seeds, seeds)."""
    blocked: bool

    def estimate(self, weights: Floats) -> Floats:
        """Contrasts, one per row of `weights` (shape contrasts x cells)."""
        return np.asarray(weights @ self.cell)

    def covariance(self, weights: Floats) -> Floats:
        """Covariance of the contrasts in units of sigma2, shape (contrasts, contrasts)."""
        per_cell = self.counts.sum(axis=0)
        direct = (weights / per_cell) @ weights.T
        if not self.blocked or (self.counts == 1).all():
            return np.asarray(direct)
        v = (weights / per_cell) @ self.counts.T
        return np.asarray(direct + v @ self.inverse @ v.T)

    def estimable(self, weights: Floats) -> bool:
        """Whether shared seeds connect the cells of every contrast."""
        if not self.blocked or (self.counts == 1).all():
            return True
        v = (weights / self.counts.sum(axis=0)) @ self.counts.T
        matrix = seed_matrix(self.counts)
        return bool(np.allclose(v @ self.inverse @ matrix, v, atol=1e-8))


def fit_blocks(y: Floats, *, blocked: bool = True) -> Blocks:
    """The two-way model of a seed x cell matrix, NaN where a run is missing.

    `blocked=False` leaves the seeds out: for cells that share none.
    """
    there = ~np.isnan(y)
    counts = there.astype(float)
    filled = np.where(there, y, 0.0)
    per_cell = counts.sum(axis=0)
    mean = filled.sum(axis=0) / per_cell
    inverse: Floats = np.zeros((0, 0))
    seed = np.zeros(len(y))
    rank = 0
    if blocked:
        away = np.where(there, y - mean, 0.0).sum(axis=1)
        inverse, rank = _inverted(counts)
        seed = inverse @ away
        # The level of the seeds is arbitrary; zero on average keeps cell means on the loss's scale.
        seed = seed - seed.mean()
    cell = mean - counts.T @ seed / per_cell
    residual = np.where(there, y - cell - seed[:, None], 0.0)
    df = int(there.sum()) - y.shape[1] - rank
    sigma2 = float(np.sum(residual**2)) / df if df > 0 else float("nan")
    return Blocks(cell, sigma2, df, counts, inverse, blocked)


def _inverted(counts: Floats) -> tuple[Floats, int]:
    """Pseudo-inverse and rank of the seeds' matrix; in closed form where no run is missing."""
    seeds, cells = counts.shape
    if (counts == 1).all():
        return (np.eye(seeds) - 1 / seeds) / cells, seeds - 1
    values, vectors = np.linalg.eigh(seed_matrix(counts))
    keep = values > 1e-9 * max(float(values[-1]), 1e-300)
    kept = vectors[:, keep]
    return np.asarray((kept / values[keep]) @ kept.T), int(keep.sum())


def seed_matrix(counts: Floats) -> Floats:
    """K - N D^-1 N': the normal matrix of the seeds with the cells eliminated."""
    per_cell = counts.sum(axis=0)
    return np.asarray(np.diag(counts.sum(axis=1)) - (counts / per_cell) @ counts.T)


def residual_noise(y: Floats) -> tuple[float, float]:
    """The standard deviation of one run within its seed and cell, and its degrees of freedom; NaN without repeats."""
    shared = int(np.max(np.sum(~np.isnan(y), axis=1))) > 1
    blocks = fit_blocks(y, blocked=shared)
    return float(np.sqrt(blocks.sigma2)), float(blocks.df) if blocks.df > 0 else float("nan")


def affordable_draws(draws: int, size: int) -> int:
    """Fewer draws for large tables, at least 200: a simulated table has `size` numbers."""
    return min(draws, max(200, MOST_NUMBERS // size))


def pairing(y: Floats) -> float:
    """Correlation of runs that share a seed: the intraclass correlation of the two-way table.

    NaN with fewer than two whole seeds. 0 means that sharing seeds buys nothing; negative is possible.
    """
    whole = y[~np.isnan(y).any(axis=1)]
    s, k = whole.shape
    if s < 2 or k < 2:
        return float("nan")
    between = k * float(whole.mean(axis=1).var(ddof=1))
    blocks = fit_blocks(whole)
    total = between + (k - 1) * blocks.sigma2
    return (between - blocks.sigma2) / total if total > 0 else float("nan")


def two_sided(estimate: Floats, se: Floats, df: Floats) -> Floats:
    """The p of the two-sided t test; 1 where both estimate and standard error are zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(estimate == 0, 0.0, np.abs(estimate) / se)
    return np.asarray(2 * stats.t.sf(t, df))
