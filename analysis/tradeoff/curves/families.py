"""Eight curves for the loss against the ratio, their AICc weights, and the average of them.

    flat      a                     quad_r0   a + b r + c r^2 (its minimum anywhere)
    quad0     a + b r^2             logquad   a + b ln r + c ln^2 r
    linear    a + b r               power     a + b r^p, p in 0.25 .. 4
    log       a + b ln r            hill2     a + b (r/h)^2 / (1 + (r/h)^2), saturates at the no-attention loss

Fitted within seeds (one intercept per seed). A power or a Hill curve is linear once p or h is fixed, so
each is fitted on a grid of them; the best is the family's fit.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.tradeoff.curves.reduced import Reduced

Floats = NDArray[np.float64]
FAMILIES = ("flat", "quad0", "linear", "log", "quad_r0", "logquad", "power", "hill2")
SHAPES = {
    "flat": 0,
    "quad0": 1,
    "linear": 1,
    "log": 1,
    "quad_r0": 2,
    "logquad": 2,
    "power": 2,
    "hill2": 2,
}
"""Free parameters of the curve beside its level."""
POWERS = np.arange(0.25, 4.001, 0.125)
FORMULAS = {
    "flat": "a",
    "quad0": "a + b r²",
    "linear": "a + b r",
    "log": "a + b ln r",
    "quad_r0": "a + b r + c r²",
    "logquad": "a + b ln r + c ln² r",
    "power": "a + b r^p",
    "hill2": "a + b (r/h)²/(1+(r/h)²)",
}
HILL_POINTS = 43
POINTS_PER_OCTAVE = 80


@dataclass(frozen=True)
class Candidates:
    """Every curve that is fitted: one row for each family and fixed p or h."""

    family: NDArray[np.intp]
    """Index into FAMILIES, shape (candidates,)."""
    first: Floats
    """First basis function, shape (candidates, ratios); zero for the flat curve."""
    second: Floats
    """Second basis function; zero where the family has one."""


@dataclass(frozen=True)
class Fits:
    """The eight fits to each of B data sets."""

    chosen: NDArray[np.intp]
    """Candidate of each family, shape (B, 8)."""
    b: Floats
    c: Floats
    """Coefficients of the two basis functions, shape (B, 8)."""
    aicc: Floats
    """Shape (B, 8); infinity where there are too few runs for it."""
    weight: Floats
    """Akaike weights, shape (B, 8)."""

    def coefficients(self, candidates: int) -> tuple[Floats, Floats]:
        """The averaged curve's coefficient on each candidate's basis functions, (B, candidates) each."""
        rows = np.arange(len(self.b))[:, None]
        first, second = np.zeros((2, len(self.b), candidates))
        first[rows, self.chosen] = self.weight * self.b
        second[rows, self.chosen] = self.weight * self.c
        return first, second


def ratio_grid(r: Floats) -> Floats:
    """The ratios at which curves are minimised: 80 per octave from 1 to the largest tested one.

    Not beyond it: the families part ways there, and each would be minimised where no run has been.
    """
    octaves = np.log2(float(r[-1]))
    return 2.0 ** np.linspace(0.0, octaves, max(round(POINTS_PER_OCTAVE * octaves), 1) + 1)


def candidates_at(r: Floats, *, r_max: float, finer: int = 1) -> Candidates:
    """All candidates' basis functions at the ratios `r`.

    Args:
        r: Ratios.
        r_max: The largest ratio tested.
        finer: So many steps of p and h in place of each one.
    """
    log = np.log(r)
    powers = np.linspace(POWERS[0], POWERS[-1], finer * (len(POWERS) - 1) + 1)
    hills = np.geomspace(2.0, max(256.0, 4 * r_max), finer * (HILL_POINTS - 1) + 1)
    zero = np.zeros((1, len(r)))
    first = [zero, r[None] ** 2, r[None], log[None], r[None], log[None],
             r ** powers[:, None], 1 / (1 + (hills[:, None] / r) ** 2)]  # fmt: skip
    second = [zero, zero, zero, zero, r[None] ** 2, log[None] ** 2,
              np.zeros((len(powers), len(r))), np.zeros((len(hills), len(r)))]  # fmt: skip
    family = np.repeat(np.arange(8), [len(block) for block in first])
    return Candidates(family, np.concatenate(first), np.concatenate(second))


def fit_families(grid: Reduced, z: Floats, rss: Floats) -> Fits:
    """All families fitted to B data sets on one grid.

    Args:
        grid: The tested ratios and their weights.
        z: L mu of each data set, shape (B, rank).
        rss: Its residual sum of squares with every ratio free, shape (B,).
    """
    basis = candidates_at(grid.r, r_max=float(grid.r[-1]))
    q1, q2, n1, n2, overlap = orthogonal(grid, basis)
    u1, u2 = z @ q1.T, z @ q2.T
    gain = u1**2 + u2**2
    chosen = np.empty((len(z), len(FAMILIES)), dtype=np.intp)
    for index in range(len(FAMILIES)):
        members = np.flatnonzero(basis.family == index)
        chosen[:, index] = members[np.argmax(gain[:, members], axis=1)]
    pick = np.take_along_axis
    c = pick(u2, chosen, 1) * n2[chosen]
    b = pick(u1, chosen, 1) * n1[chosen] - c * overlap[chosen]
    left = rss[:, None] + np.maximum(np.sum(z**2, axis=1)[:, None] - pick(gain, chosen, 1), 0.0)
    aicc = _aicc(left, grid)
    return Fits(chosen, b, c, aicc, akaike_weights(aicc))


def akaike_weights(aicc: Floats) -> Floats:
    """exp(-AICc/2), normalised per row; equal weights where no family has a finite AICc."""
    least = aicc.min(axis=1, keepdims=True)
    least = np.where(np.isfinite(least), least, 0.0)
    capped = np.where(np.isfinite(least) & np.isfinite(aicc), aicc - least, np.inf)
    relative = np.exp(-0.5 * capped)
    total = relative.sum(axis=1, keepdims=True)
    return np.where(total > 0, relative / np.where(total > 0, total, 1.0), 1 / len(FAMILIES))


def averaged_curve(fits: Fits, r: Floats, *, r_max: float) -> Floats:
    """The AICc-weighted mean of the curves at `r`, up to its level; shape (B, ratios)."""
    basis = candidates_at(r, r_max=r_max)
    first, second = fits.coefficients(len(basis.family))
    two = np.flatnonzero(np.isin(basis.family, (4, 5)))
    return np.asarray(first @ basis.first + second[:, two] @ basis.second[two])


def family_curves(fits: Fits, r: Floats, *, r_max: float) -> Floats:
    """The eight curves of the first data set at `r`, up to their level; shape (8, ratios)."""
    basis = candidates_at(r, r_max=r_max)
    chosen = fits.chosen[0]
    return np.asarray(
        fits.b[0][:, None] * basis.first[chosen] + fits.c[0][:, None] * basis.second[chosen]
    )


def families_frame(grid: Reduced, fits: Fits, *, lam_c2: float | None) -> pd.DataFrame:
    """One row per family: `family, k, aicc, weight, r_star`, the heaviest first.

    The weights are NaN unless every family has an AICc: without one a family would get none for want of
    runs, not by the data. `r_star` minimises the family's J on `ratio_grid`, so it is at most the largest
    tested ratio; NaN without a price.
    """
    steps = ratio_grid(grid.r)
    r_star = np.full(len(FAMILIES), np.nan)
    if lam_c2 is not None:
        curves = family_curves(fits, steps, r_max=float(grid.r[-1]))
        r_star = minimisers(curves, steps, lam_c2=lam_c2)
    known = bool(np.isfinite(fits.aicc[0]).all())
    frame = pd.DataFrame(
        {
            "family": FAMILIES,
            "k": [parameters(name, grid) for name in FAMILIES],
            "aicc": fits.aicc[0],
            "weight": fits.weight[0] if known else np.nan,
            "r_star": r_star,
        }
    )
    return frame.sort_values("weight", ascending=False, kind="stable").reset_index(drop=True)


def minimisers(curves: Floats, steps: Floats, *, lam_c2: float) -> Floats:
    """The ratio with the smallest J in each row."""
    return np.asarray(steps[np.argmin(curves + lam_c2 / steps, axis=1)])


def average_draws(
    grid: Reduced, fits: Fits, *, lam_c2: float, seed: int = 0, replicates: int = 2000
) -> Floats:
    """The averaged r* of bootstrap data sets; none without replicated ratios.

    Each replicate's truth is one family's fit, drawn by its weight, and the noise variance is redrawn, so
    both doubts are in it.
    """
    if grid.df < 1:
        return np.zeros(0)
    random = np.random.default_rng(seed)
    family = random.choice(len(FAMILIES), size=replicates, p=fits.weight[0])
    truths = family_curves(fits, grid.r, r_max=float(grid.r[-1])) @ grid.root.T
    return bootstrap_minimisers(
        grid, truths[family], lam_c2=lam_c2, seed=seed, replicates=replicates
    )


def bootstrap_minimisers(
    grid: Reduced, truth: Floats, *, lam_c2: float, seed: int, replicates: int
) -> Floats:
    """The averaged r* of `replicates` data sets drawn around `truth` (L f, shape (rank,) or one row each)."""
    random = np.random.default_rng(seed)
    sigma2 = grid.rss / random.chisquare(grid.df, replicates)
    noise = random.standard_normal((replicates, truth.shape[-1]))
    z = truth + np.sqrt(sigma2)[:, None] * noise
    rss = sigma2 * random.chisquare(grid.df, replicates)
    again = fit_families(grid, z, rss)
    steps = ratio_grid(grid.r)[::-4][::-1]
    curves = averaged_curve(again, steps, r_max=float(grid.r[-1]))
    return minimisers(curves, steps, lam_c2=lam_c2)


def orthogonal(grid: Reduced, basis: Candidates) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Gram-Schmidt in the seed-adjusted metric: unit vectors, inverse norms, second on first."""
    v1, v2 = basis.first @ grid.root.T, basis.second @ grid.root.T
    n1 = _inverse(np.linalg.norm(v1, axis=1))
    q1 = v1 * n1[:, None]
    share = np.sum(v2 * q1, axis=1)
    rest = v2 - share[:, None] * q1
    # With two ratios (rank 1) the second basis function has nothing left: no gain, coefficient 0.
    size = np.linalg.norm(rest, axis=1)
    n2 = np.where(size > 1e-9 * np.linalg.norm(v2, axis=1), _inverse(size), 0.0)
    return q1, rest * n2[:, None], n1, n2, share * n1


def _inverse(norm: Floats) -> Floats:
    return np.asarray(np.divide(1.0, norm, out=np.zeros_like(norm), where=norm > 0))


def parameters(family: str, grid: Reduced) -> int:
    """Parameters that AICc counts: the shape, the variance, and the level where it is not per seed."""
    return SHAPES[family] + (1 if grid.blocked else 2)


def residual_runs(grid: Reduced) -> int:
    """Runs less one for each seed's own level: the n of the likelihood within seeds."""
    return grid.n - grid.groups if grid.blocked else grid.n


def penalties(grid: Reduced) -> Floats:
    """AICc's penalty of each family, 2k + 2k(k+1)/(n-k-1); infinity where there are too few runs."""
    k = np.array([parameters(name, grid) for name in FAMILIES])
    spare = residual_runs(grid) - k - 1
    return np.where(spare > 0, 2 * k + 2 * k * (k + 1) / np.maximum(spare, 1), np.inf)


def _aicc(rss: Floats, grid: Reduced) -> Floats:
    n = residual_runs(grid)
    # A perfect fit has no finite likelihood; the floor only keeps the logarithm finite.
    floor = max(1e-30 * float(np.max(rss)), 1e-300)
    return np.asarray(n * np.log(np.maximum(rss, floor) / n) + penalties(grid))
