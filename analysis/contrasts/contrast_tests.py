"""A table of contrasts, each with its test; they are decided together."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from analysis.contrasts.cells import Cells
from analysis.contrasts.estimation import ErrorModel, estimate, t_bounds

Floats = NDArray[np.float64]
TESTED = [
    "n_pairs", "error", "estimate", "se", "df", "low", "high", "p", "p_adjusted", "sim_low", "sim_high",
]  # fmt: skip


@dataclass(frozen=True)
class ContrastTests:
    """What the tests of one study's contrasts rest on."""

    cells: Cells
    error: ErrorModel
    alpha: float = 0.05

    def frame(
        self,
        heads: Iterable[tuple[Any, ...]],
        units: list[Floats],
        names: list[str],
        *,
        alone: bool = False,
    ) -> pd.DataFrame:
        """One row per contrast: its description and its test, marginal and as one of all rows together.

        `alone` as for `analysis.contrasts.estimation.estimate`.
        """
        described = pd.DataFrame(list(heads), columns=names).astype(object)
        if not units:
            return described.reindex(columns=[*names, *TESTED])
        made = estimate(self.cells.y, units, error=self.error, alone=alone)
        bounds = t_bounds(made.estimate, made.se, made.df, 0.95, "ci")
        law = made.law(np.arange(len(units)))
        half = stats.t.isf(law.level(self.alpha) / 2, made.df) * made.se
        return described.assign(
            **made.columns(),
            low=bounds["ci_low"],
            high=bounds["ci_high"],
            p=made.p,
            p_adjusted=law.adjusted(made.p),
            sim_low=made.estimate - half,
            sim_high=made.estimate + half,
        )
