"""What running until decided costs, by simulated studies, beside the fixed design that decides as many rightly."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from analysis.errors import TableError
from analysis.sequential.rule import FIRST_LOOK
from analysis.sequential.simulated import OPEN, fixed, right, sequential

Floats = NDArray[np.float64]
STUDIES = 1000
MOST_FIXED = 3
"""A fixed design is looked for up to so many times the most seeds."""


@dataclass(frozen=True)
class Expected:
    """Means over simulated studies."""

    effects: tuple[float, ...]
    max_seeds: int
    seeds: float
    """Seeds of the baseline, which goes on to the end."""
    runs: float
    runs_worst: int
    """All arms with the most seeds."""
    decided: float
    """Share of the comparisons that are settled, and rightly."""
    undecided: float
    """Share that is open at the end."""
    fixed_seeds: float
    """Of a fixed design that decides as many rightly; NaN where none was found."""

    @property
    def fixed_runs(self) -> float:
        """Its runs, the baseline's among them."""
        return self.fixed_seeds * (len(self.effects) + 1)

    @property
    def share(self) -> float:
        """Runs as a share of the fixed design's."""
        return self.runs / self.fixed_runs


def expected(
    effects: Sequence[float],
    *,
    margin: float,
    sd: float,
    max_seeds: int,
    alpha: float = 0.05,
    first: int = FIRST_LOOK,
    studies: int = STUDIES,
    seed: int = 0,
) -> Expected:
    """What a study with these true effects costs until it is decided.

    Args:
        effects: Of each arm against the baseline, in the metric's unit.
        margin: The largest effect that does not matter.
        sd: Standard deviation of a paired difference.
        max_seeds: Seeds after which it ends.
        alpha: Family-wise error.
        first: Seeds at the first look.
        studies: Simulated studies; the shares have a Monte-Carlo error of at most 1.6 points with 1000.
        seed: Of the simulation.

    Raises:
        TableError: If `sd` or `margin` is not positive.
    """
    if not (margin > 0 and sd > 0):
        raise TableError(f"`margin > 0` and `sd > 0` must hold, but got {margin!r} and {sd!r}.")
    scaled = tuple(round(float(effect) / sd, 6) for effect in effects)
    return _expected(
        tuple(map(float, effects)), scaled, round(margin / sd, 6), max_seeds, alpha, first, studies, seed
    )  # fmt: skip


@lru_cache(maxsize=32)
def _expected(
    effects: tuple[float, ...], scaled: tuple[float, ...], margin: float, max_seeds: int, alpha: float,
    first: int, studies: int, seed: int,
) -> Expected:  # fmt: skip
    true = np.array(scaled)
    x = paired(studies, MOST_FIXED * max_seeds, len(true), seed=seed) + true
    ran = sequential(x[:, :max_seeds], margin=margin, alpha=alpha, first=first)
    share = float(right(ran.verdict, true, margin=margin).mean())
    return Expected(
        effects=effects,
        max_seeds=max_seeds,
        seeds=float(ran.seeds.max(axis=1).mean()),
        runs=float(ran.runs.mean()),
        runs_worst=max_seeds * (len(true) + 1),
        decided=share,
        undecided=float((ran.verdict == OPEN).mean()),
        fixed_seeds=equal_fixed(x, true, share, margin=margin, alpha=alpha, first=first),
    )


def paired(studies: int, seeds: int, comparisons: int, *, seed: int) -> Floats:
    """Normal differences of standard deviation 1 that share their baseline, shape (studies, seeds, comparisons)."""
    z = np.random.default_rng(seed).standard_normal((studies, seeds, comparisons + 1))
    return np.asarray((z[:, :, 1:] - z[:, :, :1]) / np.sqrt(2))


def equal_fixed(
    x: Floats, true: Floats, share: float, *, margin: float, alpha: float, first: int
) -> float:
    """The seeds of a fixed design that decides as large a share rightly, between whole numbers by a line."""
    before = 0.0
    for n in range(first, x.shape[1] + 1):
        now = float(right(fixed(x[:, :n], margin=margin, alpha=alpha), true, margin=margin).mean())
        if now >= share:
            return n - (now - share) / (now - before) if now > before and n > first else float(n)
        before = max(before, now)
    return float("nan")
