"""The factorial shares of variance: sums of squares within seeds, their F tests and their intervals."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize, stats

from analysis.contrasts.cr2 import centred, codes_of

Floats = NDArray[np.float64]
ALPHA = 0.05
"""A factor is above chance where its adjusted p is below this; over all factors together."""
ROUNDING = 1e-12
"""Relative to the loss; a smaller spread is the computer's."""


@dataclass(frozen=True)
class Spans:
    """Orthonormal bases of what the factors can explain within seeds; the losses are not needed."""

    full: Floats
    """All main effects together, shape (runs, rank)."""
    without: list[Floats]
    """All but one factor, one per factor."""
    cells: Floats
    """Every combination of levels that occurs."""
    groups: NDArray[np.intp]
    n: int
    """Runs less one per seed."""


def spans_of(levels: pd.DataFrame, groups: NDArray[np.intp]) -> Spans:
    """The bases of a table's factors, each factor's levels as categories."""
    blocks = [centred(_dummies(levels[f]).T, groups).T for f in levels]
    without = [
        _basis(np.concatenate(rest, axis=1)) if rest else np.zeros((len(levels), 0))
        for rest in ([b for j, b in enumerate(blocks) if j != i] for i in range(len(blocks)))
    ]
    cells = _dummies(levels.astype(str).agg("|".join, axis=1))
    return Spans(
        full=_basis(np.concatenate(blocks, axis=1)),
        without=without,
        cells=_basis(centred(cells.T, groups).T),
        groups=groups,
        n=int(len(levels) - int(groups.max()) - 1),
    )


def variance_shares(
    spans: Spans, loss: Floats, *, confidence: float
) -> tuple[Floats, Floats, Floats, Floats]:
    """Share, p, lower and upper limit per factor, then for all interactions, for noise, and for what is joint.

    Sums of squares within seeds, each factor last (type II), less what noise alone gives (omega squared).
    What the factors explain only together, because they change together, is joint. Limits invert the
    noncentral F.
    """
    squares, degrees, sigma2, df = _table(spans, loss)
    if df < 1:
        # No run repeats another: what there is of noise and of interactions is not known.
        joint = _joint(spans, loss, squares)
        alone = np.append(np.where(degrees > 0, squares, np.nan), [np.nan, joint])
        nothing = np.full(len(alone), np.nan)
        return alone / np.nansum(alone), nothing, nothing, nothing
    signal = np.maximum(squares - degrees * sigma2, 0.0)
    joint = _joint(spans, loss, squares)
    whole = float(signal.sum()) + joint + spans.n * sigma2
    share = np.append(signal, [spans.n * sigma2, joint]) / (whole if whole > 0 else 1.0)
    p, low, high = np.full((3, len(share)), np.nan)
    for at in np.flatnonzero(degrees > 0) if sigma2 > 0 else ():
        ratio = float(squares[at] / degrees[at] / sigma2)
        p[at] = stats.f.sf(ratio, degrees[at], df)
        others = whole - float(signal[at])
        low[at], high[at] = (
            end / (others + end)
            for end in (
                _noncentrality(ratio, float(degrees[at]), df, tail) * sigma2
                for tail in (0.5 + confidence / 2, 0.5 - confidence / 2)
            )
        )
    return share, p, low, high


def chance_shares(spans: Spans, loss: Floats, p: Floats) -> Floats:
    """The share of each factor at which Holm's test would just tell it from chance.

    In the order of their p values the factors have to pass alpha/m, alpha/(m-1), ..., and none has a milder
    one than the first that does not pass. So a factor's share is above this exactly where its adjusted p is
    below alpha. NaN where there is no test.

    Args:
        spans: The bases.
        loss: Shape (runs,).
        p: Of the factors, not adjusted.
    """
    squares, degrees, sigma2, df = _table(spans, loss)
    signal = np.maximum(squares - degrees * sigma2, 0.0)
    whole = float(signal.sum()) + _joint(spans, loss, squares) + spans.n * sigma2
    found = np.full(len(p), np.nan)
    known = np.flatnonzero(~np.isnan(p))
    for at, level in zip(known, _holm_levels(p[known]), strict=True):
        critical = stats.f.isf(level, degrees[at], df)
        found[at] = degrees[at] * sigma2 * max(critical - 1, 0.0) / whole
    return found


def _joint(spans: Spans, loss: Floats, squares: Floats) -> float:
    """The sum of squares of all main effects beyond those of each alone; 0 for a balanced factorial."""
    full = _explained(spans.full, centred(loss, spans.groups))
    rest = full - float(squares[: len(spans.without)].sum())
    return rest if rest > ROUNDING * full else 0.0


def _holm_levels(p: Floats) -> Floats:
    """What each p has to be below in Holm's procedure at ALPHA."""
    levels = np.empty(len(p))
    passed = 0
    for at in np.argsort(p, kind="stable"):
        levels[at] = ALPHA / (len(p) - passed)
        # After the first that does not pass, all others face its level and cannot pass it either.
        passed += int(p[at] < levels[at])
    return levels


def _table(spans: Spans, loss: Floats) -> tuple[Floats, Floats, float, int]:
    """Sums of squares and degrees of freedom per factor and of the interactions; noise variance and its own."""
    y = centred(loss, spans.groups)
    full, cells = _explained(spans.full, y), _explained(spans.cells, y)
    ss = [full - _explained(basis, y) for basis in spans.without]
    k = [float(spans.full.shape[1] - basis.shape[1]) for basis in spans.without]
    df = spans.n - spans.cells.shape[1]
    rss = float(y @ y) - cells
    if df < 1:
        # No combination is repeated: interactions cannot be told from noise and count as noise.
        df, rss = spans.n - spans.full.shape[1], float(y @ y) - full
        ss, k = [*ss, 0.0], [*k, 0.0]
    else:
        ss, k = [*ss, cells - full], [*k, float(spans.cells.shape[1] - spans.full.shape[1])]
    rounding = spans.n * (ROUNDING * float(np.abs(loss).max())) ** 2
    noise = rss / df if df > 0 and rss > rounding else 0.0
    return np.array(ss), np.array(k), noise, df


def _noncentrality(ratio: float, k: float, df: float, tail: float) -> float:
    """The noncentrality at which an F ratio this large is the `tail` quantile; 0 if there is none."""

    def gap(value: float) -> float:
        return float(stats.ncf.cdf(ratio, k, df, value)) - tail

    if stats.f.cdf(ratio, k, df) <= tail:
        return 0.0
    top = 10.0 + 4 * ratio * k
    while gap(top) > 0 and top < 1e9:
        top *= 4
    return float(optimize.brentq(gap, 1e-9, top, xtol=1e-6)) if gap(top) < 0 else top


def _basis(columns: Floats) -> Floats:
    u, size, _ = np.linalg.svd(columns, full_matrices=False)
    return np.asarray(u[:, size > 1e-9 * max(float(size[0]), 1e-300)])


def _explained(basis: Floats, y: Floats) -> float:
    return float(np.sum((basis.T @ y) ** 2))


def _dummies(column: "pd.Series[Any]") -> Floats:
    codes = codes_of(column.astype(str).to_numpy())
    return np.asarray(codes[:, None] == np.arange(codes.max() + 1), dtype=np.float64)
