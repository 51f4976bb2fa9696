"""Many comparisons at once: the joint law of their t statistics (Dunnett's, where they share one baseline).

Each statistic is a normal variable over the square root of its estimated variance, and an estimate is a
mixture of chi squares: several comparisons may share a part of their noise, and with it that part's luck. The law
of the smallest p of them all is simulated from fixed draws; a comparison is decided where its own p is smaller than
95 % of those, which is where its simultaneous interval leaves 0 out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import gammaincinv, stdtrit

Floats = NDArray[np.float64]
POWER_OF_DRAWS = 13
MOST_JOINT = 150
"""Above so many comparisons Sidak's bound is used instead of the joint law."""
EQUAL = 1e-9
"""Eigenvalues that differ by less, as a share of the largest one, are the same."""
APART = 0.01
"""An axis as near as this to those before it adds no direction; below 1 / sqrt(MOST_JOINT) all are still found."""


class Part(NamedTuple):
    """A piece of an estimated variance."""

    stream: int
    """Pieces with one number are one estimate, shared."""
    df: int
    share: float


@dataclass(frozen=True, eq=False)
class Mixture:
    """An estimated variance of comparisons with one reference, whose part in it is not known: an average of laws."""

    df: int
    weights: Floats
    """How likely each law is; they sum to 1."""
    multiples: Floats
    """What the estimate has to be multiplied by, law by law; their inverses have the mean 1."""
    common: Floats
    """The reference's part of the variance, law by law: how much the comparisons correlate."""
    stream: int = 0
    """As of a `Part`."""

    @property
    def freedom(self) -> float:
        """Degrees of freedom of the chi square with the same first two moments of the inverse."""
        return 2 / (float(self.weights @ self.multiples**-2.0) * (1 + 2 / self.df) - 1)

    @property
    def correlation(self) -> float:
        """Of the comparisons, over all laws."""
        return float(self.weights @ self.common)

    def largest(self, z: Floats) -> Floats:
        """Draws of the largest |t|.

        Args:
            z: Draws with the `correlation` of all laws, shape (draws, comparisons).
        """
        bounds = np.cumsum(self.weights)
        law = np.searchsorted(bounds, _uniform(self.stream) * bounds[-1])
        mine, every = self.common[law, None], self.correlation
        # The mean of equally correlated draws and what they deviate from it by, each as large as in its own law.
        middle = z.mean(axis=1, keepdims=True)
        m = z.shape[1]
        alike = np.sqrt((mine + (1 - mine) / m) / (every + (1 - every) / m))
        apart = np.sqrt((1 - mine) / max(1 - every, 1e-12))
        t = np.abs(middle * alike + (z - middle) * apart).max(axis=1)
        square = _chi_square(self.stream + 1, self.df) / self.multiples[law]
        return np.asarray(t / np.sqrt(square))


Pieces = tuple[Part, ...] | Mixture
"""What a comparison's variance is made of: pieces whose shares sum to 1, or what it has in common with others."""


@dataclass(frozen=True)
class JointLaw:
    """The law of the smallest p of a family whose effects are all zero."""

    largest: tuple[tuple[float, Floats], ...]
    """By degrees of freedom: draws of the largest |t| of the comparisons that have so many. Empty: the bound of
    independent comparisons is used."""
    comparisons: int

    def chance(self, p: float) -> float:
        """The chance that the smallest p of the family is at most `p`."""
        if not self.largest:
            return float(-np.expm1(self.comparisons * np.log1p(-min(p, 1 - 1e-16))))
        passed = np.zeros(len(self.largest[0][1]), dtype=bool)
        for df, t in self.largest:
            passed |= t >= -stdtrit(df, p / 2)
        return float(passed.mean())

    def adjusted(self, p: Floats) -> Floats:
        """The chance that any of the family's p were so small by luck; NaN stays NaN."""
        if self.comparisons == 1:
            return np.asarray(p)
        # Below a few draws in a thousand Bonferroni's bound is nearly exact and the draws are not.
        bound = np.minimum(p * self.comparisons, 1.0)
        return np.array([
            b if not b >= 0.005 else min(max(self.chance(one), one), b)
            for one, b in zip(p, bound, strict=True)
        ])  # fmt: skip

    def level(self, alpha: float) -> float:
        """The p below which a comparison is decided, so that any false one has the chance `alpha`."""
        if self.comparisons < 2:
            return alpha
        low, high = alpha / self.comparisons, alpha
        for _ in range(25):
            middle = (low + high) / 2
            low, high = (middle, high) if self.chance(middle) < alpha else (low, middle)
        return low


def joint_law(df: Floats, correlation: Floats, parts: Sequence[Pieces]) -> JointLaw:
    """The law of comparisons with these degrees of freedom, correlations and pieces of variance.

    Args:
        df: Of each comparison's own t test.
        correlation: Of the estimates, shape (comparisons, comparisons).
        parts: Of each comparison: the pieces of its variance, whose shares sum to 1.
    """
    m = len(df)
    if m < 2 or m > MOST_JOINT:
        return JointLaw((), m)
    root = _root(correlation)
    z = _normal(m) @ root.T
    same: dict[Pieces, list[int]] = {}
    for row, pieces in enumerate(parts):
        same.setdefault(pieces, []).append(row)
    largest: dict[float, Floats] = {}
    for pieces, rows in same.items():
        t = _largest(z[:, rows], pieces)
        freedom = float(df[rows[0]])
        largest[freedom] = np.maximum(largest[freedom], t) if freedom in largest else t
    return JointLaw(tuple(largest.items()), m)


def _root(correlation: Floats) -> Floats:
    """A root of a matrix of correlations, by its eigenvectors.

    Of equal eigenvalues rounding chooses the vectors, and the draws would be others on another machine. So they are
    made from the axes instead, in their order, which also settles the sign of a vector by itself.
    """
    values, vectors = np.linalg.eigh(correlation)
    parts = np.split(vectors, np.flatnonzero(np.diff(values) > EQUAL * values[-1]) + 1, axis=1)
    root = np.hstack([_by_axes(part) for part in parts]) * np.sqrt(np.maximum(values, 0.0))
    return np.asarray(root / np.linalg.norm(root, axis=1, keepdims=True))


def _by_axes(vectors: Floats) -> Floats:
    """Another orthonormal basis of what the columns span: the axes' projections, one after the other."""
    basis = np.zeros((0, len(vectors)))
    for axis in vectors @ vectors.T:
        rest = axis - (basis @ axis) @ basis
        size = np.linalg.norm(rest)
        if size > APART:
            basis = np.vstack([basis, rest / size])
        if len(basis) == vectors.shape[1]:
            break
    return basis.T


def _largest(z: Floats, pieces: Pieces) -> Floats:
    """Draws of the largest |t| of the comparisons with one and the same estimate of their variance."""
    if isinstance(pieces, Mixture):
        return pieces.largest(z)
    square = sum(part.share * _chi_square(part.stream, part.df) for part in pieces)
    return np.asarray(np.abs(z).max(axis=1) / np.sqrt(square))


@lru_cache(maxsize=8)
def _normal(m: int) -> Floats:
    uniform = stats.qmc.Sobol(m, seed=0).random_base2(POWER_OF_DRAWS)
    return np.asarray(stats.norm.ppf(np.clip(uniform, 1e-9, 1 - 1e-9)))


@lru_cache(maxsize=512)
def _chi_square(stream: int, df: int) -> Floats:
    """Chi squares over their degrees of freedom, every stream in an order of its own."""
    return np.asarray(2 * gammaincinv(df / 2, _uniform(stream)) / df)


@lru_cache(maxsize=512)
def _uniform(stream: int) -> Floats:
    draws = 2**POWER_OF_DRAWS
    order = np.random.default_rng(1 + stream).permutation(draws)
    return np.asarray((order + 0.5) / draws)
