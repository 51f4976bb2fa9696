"""Verdicts of comparisons: intervals, adjusted p values and the seeds still needed, family by family.

Factors and controls are one family, the arms of a factorial another; each is decided by itself.
"""

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from analysis.contrasts.cells import Cells
from analysis.contrasts.equivalence import seeds_needed, tost, verdicts
from analysis.contrasts.estimation import t_bounds
from analysis.contrasts.multiplicity import benjamini_hochberg, holm, simultaneous_t
from analysis.contrasts.seed_blocks import Blocks, two_sided

Floats = NDArray[np.float64]


def decide(
    frame: pd.DataFrame, weights: Floats, cells: Cells, blocks: Blocks, *, alpha: float, seed: int
) -> pd.DataFrame:
    """The frame with intervals, adjusted p values and verdicts.

    Args:
        frame: Columns `role, error, estimate, se, df, margin`, a row per contrast.
        weights: The contrasts, shape (rows, cells).
        cells: The losses.
        blocks: Their two-way model.
        alpha: Family-wise error.
        seed: Of the simulation behind the simultaneous intervals.
    """
    parts = []
    for _, part in frame.groupby(frame["role"] == "cell", sort=False):
        mine = weights[part.index]
        replicates = _replicates(cells, mine, blocks)
        parts.append(_together(part, mine, blocks, alpha=alpha, replicates=replicates, seed=seed))
    return pd.concat(parts)


def _together(
    part: pd.DataFrame, weights: Floats, blocks: Blocks, *, alpha: float,
    replicates: NDArray[np.intp], seed: int,
) -> pd.DataFrame:  # fmt: skip
    """Intervals, adjusted p values and verdicts of rows that are decided together."""
    size, se, df, margin = (
        part[name].to_numpy(float) for name in ("estimate", "se", "df", "margin")
    )
    p = two_sided(size, se, df)
    p_equal = tost(size, se, df, margin=margin)
    adjusted, adjusted_equal = holm(p), holm(p_equal)
    level = alpha / len(part)
    more = [
        seeds_needed(e, s, df=d, seeds=int(n), alpha=level, margin=None if math.isnan(m) else m)
        for e, s, d, m, n in zip(size, se, df, margin, replicates, strict=True)
    ]
    verdict = verdicts(adjusted, adjusted_equal, alpha=alpha)
    at_once = _critical(part, weights, blocks, alpha=alpha, seed=seed)
    result = part.assign(**t_bounds(size, se, df, 0.95, "ci95"))
    result = result.assign(**t_bounds(size, se, df, 0.90, "ci90"))
    return result.assign(
        sim_low=size - at_once * se,
        sim_high=size + at_once * se,
        p=p,
        p_holm=adjusted,
        p_bh=benjamini_hochberg(p),
        p_equivalence=p_equal,
        p_equivalence_holm=adjusted_equal,
        verdict=verdict,
        seeds_needed=[k if v == "undecided" else 0.0 for k, v in zip(more, verdict, strict=True)],
    )


def _replicates(cells: Cells, weights: Floats, blocks: Blocks) -> NDArray[np.intp]:
    """What each row's error falls with: the seeds, or the runs per arm where the arms share no seeds.

    Of arms with unequal runs, the number that in every arm would give the row's standard error.
    """
    if blocks.blocked:
        return np.full(len(weights), len(cells.seeds))
    squares = weights**2
    return np.asarray((squares.sum(axis=1) / (squares / cells.runs).sum(axis=1)).round(), dtype=int)


def _critical(
    part: pd.DataFrame, weights: Floats, blocks: Blocks, *, alpha: float, seed: int
) -> Floats:
    """Critical t of the simultaneous interval per row: joint law if all are pooled, else Sidak's bound."""
    df = part["df"].to_numpy(float)
    sidak = stats.t.ppf(0.5 + (1 - alpha) ** (1 / len(part)) / 2, df)
    if (part["error"] != "pooled").any() or not blocks.df > 0:
        return np.asarray(sidak)
    joint = simultaneous_t(blocks.covariance(weights), blocks.df, confidence=1 - alpha, seed=seed)
    return np.full(len(part), joint)
