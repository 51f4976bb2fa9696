"""Contrasts of a seed x cell matrix with their standard errors, by one of three error models.

`pooled`: one noise variance for all arms. `paired`: the contrast's own paired differences. `split`: the
baseline's own noise beside the pooled noise of the arms. By `auto` a comparison is pooled; where the arms'
noise is seen to differ it is paired, or split if that interval is wider; and where only the baseline looks
noisier it is split if that interval is wider. `benchmarks/coverage.py` measures what this holds and costs.
"""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from analysis.contrasts.baseline_noise import baseline_noise
from analysis.contrasts.cells import Cells
from analysis.contrasts.seed_blocks import Blocks, fit_blocks, per_seed

Floats = NDArray[np.float64]
ErrorModel = Literal["auto", "pooled", "paired"]
NOISE_GATE = 0.2
"""`auto` pools the noise unless the test of equal noise has a smaller p than this."""
BASELINE_GATE = 1.5
"""`auto` also looks at the baseline's own noise if it is so many times the rest's."""


def blocks_for(cells: Cells, weights: Floats) -> tuple[Blocks, list[str]]:
    """Seeds as blocks where they connect the arms; otherwise all runs as independent."""
    shared = int(np.max(np.sum(~np.isnan(cells.y), axis=1))) > 1
    if shared:
        blocks = fit_blocks(cells.y)
        if blocks.estimable(weights):
            return blocks, ([] if cells.complete else ["missing_runs"])
    return fit_blocks(cells.y, blocked=False), ["unpaired"]


def estimate(
    cells: Cells, blocks: Blocks, weights: Floats, *, error: ErrorModel, noise: float
) -> dict[str, Any]:
    """Columns `n_pairs, error, estimate, se, df`, one entry per row of `weights`.

    Args:
        cells: The losses.
        blocks: Their two-way model.
        weights: Contrasts, shape (contrasts, cells).
        error: `auto` decides by `noise`, the p of the test of equal noise.
    """
    own, own_se, pairs = per_seed(cells.y, weights)
    pooled_se = np.sqrt(np.diag(blocks.covariance(weights)) * blocks.sigma2)
    paired = _paired(error, noise, weights) & blocks.blocked
    df = np.where(paired, np.maximum(pairs - 1, 0.0), float(blocks.df))
    se, name = np.where(paired, own_se, pooled_se), np.where(paired, "paired", "pooled")
    if error == "auto" and blocks.blocked:
        split, split_se, split_df = _split(cells, blocks, weights, se, df, noise=noise)
        se, df = np.where(split, split_se, se), np.where(split, split_df, df)
        name = np.where(split, "split", name)
    return {
        "n_pairs": pairs.astype(int),
        "error": name,
        "estimate": np.where(paired, own, blocks.estimate(weights)),
        "se": se,
        "df": np.where(df > 0, df, np.nan),
    }


def _split(
    cells: Cells, blocks: Blocks, weights: Floats, se: Floats, df: Floats, *, noise: float
) -> tuple[NDArray[np.bool_], Floats, float]:
    """Which comparisons with the baseline its own noise makes wider, and their standard errors and df.

    Wider at the confidence at which the first step of Holm's test decides.
    """
    found = baseline_noise(cells.y, cells.baseline)
    against = (np.sum(weights != 0, axis=1) == 2) & (weights[:, cells.baseline] != 0)
    if found is None or not (noise < NOISE_GATE or found.ratio > BASELINE_GATE):
        return np.zeros(len(weights), dtype=bool), se, np.nan
    # A pooled comparison has the variance sigma2 diag; twice sigma2 is the difference of two runs.
    split_se = np.sqrt(np.diag(blocks.covariance(weights)) * found.variance / 2)
    tail = 0.05 / 2 / len(weights)
    wider = split_se * stats.t.isf(tail, found.df) > se * stats.t.isf(tail, df)
    return np.asarray(against & wider), split_se, found.df


def _paired(error: ErrorModel, noise: float, weights: Floats) -> NDArray[np.bool_]:
    """Per contrast: whether it rests on its own paired differences.

    A contrast with one weight size on all cells (a main effect of a two-level factorial) has the pooled
    variance as its own, so there pooling holds whatever the noise.
    """
    if error != "auto":
        return np.full(len(weights), error == "paired")
    size = np.abs(weights)
    whole = np.isclose(size, size[:, :1]).all(axis=1)
    return np.asarray(~whole & (noise < NOISE_GATE))


def t_bounds(
    estimate: Floats, se: Floats, df: Floats, confidence: float, name: str
) -> dict[str, Floats]:
    """The two ends of the t interval as columns `<name>_low`, `<name>_high`."""
    half = stats.t.ppf(0.5 + confidence / 2, df) * se
    return {f"{name}_low": estimate - half, f"{name}_high": estimate + half}
