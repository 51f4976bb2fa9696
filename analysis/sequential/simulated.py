"""Many studies at once that run until decided, to say what the rule costs and how often it errs.

The rule is that of `analysis.sequential.looks`, with whole seeds and one margin, on arrays: a test compares
the two study by study. S studies, N seeds, K comparisons.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.sequential.boundaries import boundaries_of
from analysis.sequential.noise import level_noises
from analysis.sequential.rule import FIRST_LOOK

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
OPEN, NEGLIGIBLE, DIFFERS, MATTERS = 0, 1, 2, 3


@dataclass(frozen=True)
class Outcomes:
    """What became of each comparison of each study; arrays of shape (S, K)."""

    verdict: NDArray[np.int8]
    """`OPEN`, `NEGLIGIBLE`, `DIFFERS` or `MATTERS`."""
    seeds: NDArray[np.intp]
    """Seeds of the look at which it was settled, or the most."""
    estimate: Floats
    """The mean difference there."""
    se: Floats
    df: Floats
    levels: Floats
    """Per look the tails below which a comparison differed, and was negligible, shape (S, N, 2)."""

    @property
    def runs(self) -> NDArray[np.intp]:
        """Runs per study: each arm's, and the baseline's, which goes on while any comparison is open."""
        return np.asarray(self.seeds.sum(axis=1) + self.seeds.max(axis=1))


def sequential(
    x: Floats, *, margin: float, alpha: float = 0.05, first: int = FIRST_LOOK
) -> Outcomes:
    """Studies with the differences x to the baseline, shape (S, N, K), decided look by look."""
    s, last, k = x.shape
    made = boundaries_of(k, alpha=alpha, first=first, last=last)
    differs_at, small_at = np.array(made["differs"]), np.array(made["small"])
    verdict = np.zeros((s, k), dtype=np.int8)
    seeds = np.full((s, k), last)
    final, spread, freedom = np.full((3, s, k), np.nan)
    levels = np.full((s, last, 2), np.nan)
    going = np.arange(s)
    total = x[:, : first - 1].sum(axis=1)
    products = np.einsum("sni,snj->sij", x[:, : first - 1], x[:, : first - 1])
    for n in range(first, last + 1):
        now = x[going, n - 1]
        total, products = total + now, products + now[:, :, None] * now[:, None, :]
        mean, so_far = total / n, verdict[going]
        is_open = so_far == OPEN
        about = products - n * mean[:, :, None] * mean[:, None, :]
        variance, df, _ = level_noises(about, n, is_open)
        se = np.sqrt(variance / n)
        # Tails are held against the boundaries' tails: the same as t against t, and quicker.
        far = np.asarray(special.stdtr(df, -np.abs(mean) / se), dtype=float)
        near = np.asarray(special.stdtr(df, (np.abs(mean) - margin) / se), dtype=float)
        tails = [
            np.asarray(special.stdtr(n - 1.0, -at[:, n - first]), dtype=float)
            for at in (differs_at, small_at)
        ]
        differs, high = holm(far, is_open, so_far >= DIFFERS, tails[0])
        small, low = holm(near, is_open, so_far == NEGLIGIBLE, tails[1])
        levels[going, n - 1] = np.concatenate([high, low], axis=1)
        so_far[differs] = np.where(np.abs(mean[differs]) > margin, MATTERS, DIFFERS)
        so_far[small] = NEGLIGIBLE
        verdict[going] = so_far
        ended = is_open & ((so_far != OPEN) | (n == last))
        for into, value in ((seeds, n), (final, mean), (spread, se), (freedom, df)):
            into[going] = np.where(ended, value, into[going])
        kept = (so_far == OPEN).any(axis=1)
        going, total, products = going[kept], total[kept], products[kept]
        if not len(going):
            break
    return Outcomes(verdict, seeds, final, spread, freedom, levels)


def fixed(x: Floats, *, margin: float, alpha: float = 0.05) -> NDArray[np.int8]:
    """The verdicts of a fixed design with all these seeds: paired t tests, Holm for each of the two families."""
    n, k = x.shape[1:]
    mean, sd = x.mean(axis=1), x.std(axis=1, ddof=1)
    far = special.stdtr(n - 1.0, -np.abs(mean) / sd * np.sqrt(n))
    near = special.stdtr(n - 1.0, (np.abs(mean) - margin) / sd * np.sqrt(n))
    left = np.arange(1, k + 1)
    nobody = np.zeros(mean.shape, dtype=bool)
    differs, _ = holm(far, ~nobody, nobody, alpha / left / 2)
    small, _ = holm(near, ~nobody, nobody, alpha / left)
    large = np.where(np.abs(mean) > margin, MATTERS, DIFFERS)
    return np.where(small, NEGLIGIBLE, np.where(differs, large, OPEN)).astype(np.int8)


def right(verdict: NDArray[np.int8], effects: Floats, *, margin: float) -> Bools:
    """Which verdicts are true of the effects they were drawn with: a small effect may be either, none may be open."""
    size = np.abs(effects)
    return np.asarray(
        ((verdict >= DIFFERS) & (size > 0)) | ((verdict == NEGLIGIBLE) & (size < margin))
    )


def holm(tail: Floats, is_open: Bools, before: Bools, bound: Floats) -> tuple[Bools, Floats]:
    """The open comparisons below the bound for as many as are left, step by step; and that bound, shape (S, 1).

    Args:
        tail: Probabilities, shape (S, K).
        is_open: Which are still tested.
        before: Which were rejected at earlier looks.
        bound: By comparisons left, `bound[m - 1]` for m.
    """
    found = np.zeros_like(is_open)
    while True:
        left = np.maximum((~before & ~found).sum(axis=1), 1)
        level = bound[left - 1][:, None]
        more = is_open & ~found & (tail < level)
        if not more.any():
            return found, level
        found |= more
