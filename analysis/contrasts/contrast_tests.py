"""A table of contrasts, each with its test; Holm's adjustment is over the table."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.contrasts.cells import Cells
from analysis.contrasts.estimation import ErrorModel, blocks_for, estimate, t_bounds
from analysis.contrasts.multiplicity import holm
from analysis.contrasts.seed_blocks import two_sided

Floats = NDArray[np.float64]
TESTED = ["n_pairs", "error", "estimate", "se", "df", "low", "high", "p", "p_holm"]


@dataclass(frozen=True)
class ContrastTests:
    """What the tests of one study's contrasts rest on."""

    cells: Cells
    error: ErrorModel
    noise: float
    """The p of the test of equal noise, by which `auto` decides."""

    def frame(
        self, heads: Iterable[tuple[Any, ...]], weights: list[Floats], names: list[str]
    ) -> pd.DataFrame:
        """One row per contrast: its description and its test, Holm-adjusted over the rows."""
        described = pd.DataFrame(list(heads), columns=names).astype(object)
        if not weights:
            return described.reindex(columns=[*names, *TESTED])
        stacked = np.stack(weights)
        blocks, _ = blocks_for(self.cells, stacked)
        made = estimate(self.cells, blocks, stacked, error=self.error, noise=self.noise)
        size, se, df = (np.asarray(made[n], dtype=float) for n in ("estimate", "se", "df"))
        bounds = t_bounds(size, se, df, 0.95, "ci")
        p = two_sided(size, se, df)
        return described.assign(
            **made, low=bounds["ci_low"], high=bounds["ci_high"], p=p, p_holm=holm(p)
        )
