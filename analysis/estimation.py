"""Contrasts of a seed x cell matrix with their standard errors, by one of two error models."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from analysis.cells import Cells
from analysis.seed_blocks import Blocks, fit_blocks, per_seed

Floats = NDArray[np.float64]
ErrorModel = Literal["auto", "pooled", "paired"]
NOISE_GATE = 0.2
"""`auto` pools the noise unless the test of equal noise has a smaller p than this."""


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
    return {
        "n_pairs": pairs.astype(int),
        "error": np.where(paired, "paired", "pooled"),
        "estimate": np.where(paired, own, blocks.estimate(weights)),
        "se": np.where(paired, own_se, pooled_se),
        "df": np.where(df > 0, df, np.nan),
    }


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
