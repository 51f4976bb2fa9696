"""The slope of a regression with one intercept per group, and standard errors that hold for few groups.

    y_i = a_g(i) + b x_i + e_i        g: the seed of run i (or one group for all)

CR2 (Bell and McCaffrey 2002) clusters by group; HC2 clusters by run. Both come with Satterthwaite's
degrees of freedom. With one regressor beside the intercepts all of it has a closed form: the regressor,
centred within groups, is an eigenvector of I - H_gg with eigenvalue 1 - h_g, h_g the group's share of
Sxx. In a complete grid CR2 is exactly the t interval of the slopes per seed.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]


@dataclass(frozen=True)
class Slope:
    """A slope with its standard error; arrays where `y` held several data sets (last axis: runs)."""

    value: Any
    se: Any
    df: float
    """Satterthwaite's degrees of freedom; NaN where fewer than two groups inform the slope."""

    def interval(self, confidence: float) -> tuple[Any, Any]:
        """The two-sided t interval; NaN where there is no standard error."""
        t = stats.t.ppf(0.5 + confidence / 2, self.df)
        return self.value - t * self.se, self.value + t * self.se


def codes_of(labels: Any) -> Codes:
    """Group labels as 0, 1, 2, ... in order of appearance."""
    _, first, codes = np.unique(np.asarray(labels), return_index=True, return_inverse=True)
    order = np.argsort(np.argsort(first))
    return np.asarray(order[codes], dtype=np.intp)


def cr2(x: Floats, y: Floats, groups: Codes) -> Slope:
    """The slope with CR2 clustered by group, and Satterthwaite's degrees of freedom.

    Args:
        x: Regressor, one value per run.
        y: Response, shape (..., runs); each leading index is one data set.
        groups: Group of each run, 0 .. G-1; each has its own intercept.
    """
    xc, yc = centred(x, groups), centred(y, groups)
    sxx = float(xc @ xc)
    b = yc @ xc / sxx
    h = np.bincount(groups, xc**2) / sxx
    inside = h > 1e-12
    if inside.sum() < 2:
        return Slope(b, np.full_like(b, np.nan), float("nan"))
    root = np.where(inside, 1 / np.sqrt(np.where(inside, 1 - h, 1.0)), 0.0)
    scores = group_sums((yc - b[..., None] * xc) * xc, groups) * root / sxx
    # G_gg = h_g / Sxx and G_gk = -a_g a_k / Sxx with a_g = h_g / sqrt(1 - h_g); Sxx cancels.
    a2 = (h * root) ** 2
    df = 1 / (np.sum(h**2) + np.sum(a2) ** 2 - np.sum(a2**2))
    return Slope(b, np.sqrt(np.sum(scores**2, axis=-1)), float(df))


def hc2(x: Floats, y: Floats, groups: Codes) -> Slope:
    """The slope with HC2 by run, and Satterthwaite's degrees of freedom; arguments as in `cr2`."""
    xc, yc = centred(x, groups), centred(y, groups)
    sxx = float(xc @ xc)
    b = yc @ xc / sxx
    sizes = np.bincount(groups)
    free = 1 - 1 / sizes[groups] - xc**2 / sxx
    usable = free > 1e-12
    w = np.where(usable, xc / np.sqrt(np.where(usable, free, 1.0)), 0.0) / sxx
    se = np.sqrt((yc - b[..., None] * xc) ** 2 @ w**2)
    return Slope(b, se, _hc2_df(xc, w**2, free, groups, sizes, sxx))


def classical(x: Floats, y: Floats, groups: Codes) -> Slope:
    """The slope with the textbook standard error: one variance for all runs, independent errors."""
    xc, yc = centred(x, groups), centred(y, groups)
    sxx = float(xc @ xc)
    b = yc @ xc / sxx
    df = float(len(x) - len(np.unique(groups)) - 1)
    if df < 1:
        return Slope(b, np.full_like(b, np.nan), float("nan"))
    rss = np.sum((yc - b[..., None] * xc) ** 2, axis=-1)
    return Slope(b, np.sqrt(rss / df / sxx), df)


def centred(values: Floats, groups: Codes) -> Floats:
    """The values less their group's mean; the last axis is runs."""
    means = group_sums(values, groups) / np.bincount(groups)
    return np.asarray(values - means[..., groups], dtype=np.float64)


def group_sums(values: Floats, groups: Codes) -> Floats:
    """Sums by group along the last axis; shape (..., groups)."""
    if values.ndim == 1:
        return np.asarray(np.bincount(groups, values), dtype=np.float64)
    member = (groups[:, None] == np.arange(groups.max() + 1)).astype(np.float64)
    return np.asarray(values @ member, dtype=np.float64)


def _hc2_df(xc: Floats, u: Floats, free: Floats, groups: Codes, sizes: Any, sxx: float) -> float:
    """tr(G)^2 / sum(G^2) without forming the runs x runs matrix G_ij = w_i (I - H)_ij w_j.

    Off the diagonal (I - H)_ij is -[same group] / n_g - x_i x_j / Sxx, so the sum of squares splits.
    """
    same = np.sum(np.bincount(groups, u) ** 2 / sizes**2)
    cross = 2 * np.sum(np.bincount(groups, u * xc) ** 2 / sizes) / sxx
    all_pairs = same + cross + np.sum(u * xc**2) ** 2 / sxx**2
    hat = 1 - free
    trace = np.sum(u * free)
    off_diagonal = all_pairs - np.sum((u * hat) ** 2)
    return float(trace**2 / (np.sum((u * free) ** 2) + off_diagonal))
