"""All effects of a complete two-level factorial, interactions of every order among them."""

from itertools import combinations

import numpy as np
import pandas as pd

from analysis.contrasts.cells import cells_of
from analysis.contrasts.contrast_tests import ContrastTests
from analysis.contrasts.estimation import ErrorModel
from analysis.contrasts.multiplicity import benjamini_hochberg
from analysis.errors import TableError
from analysis.tables.runs_table import RunsTable


def factorial(table: RunsTable, *, error: ErrorModel = "auto") -> pd.DataFrame:
    """All effects of a complete two-level factorial, main and interactions of every order.

    An effect is the mean of the high half less the mean of the low half; the baseline's level is low.
    Columns: `effect, estimate, se, df, low, high, p, p_adjusted, p_bh, order`.

    Raises:
        TableError: If a factor has not two levels, or a combination is missing.
    """
    cells = cells_of(table)
    names = cells.factors
    base = cells.values.iloc[cells.baseline]
    for name in names:
        levels = len(cells.values[name].unique())
        if levels != 2:
            raise TableError(f"a two-level factorial is needed, but `{name}` has {levels} levels.")
    if len(cells.labels) != 2 ** len(names):
        raise TableError(
            f"a complete factorial of {len(names)} factors has {2 ** len(names)} arms, but "
            f"{len(cells.labels)} have runs."
        )
    sign = np.stack([np.where(cells.values[n] == base[n], -1.0, 1.0) for n in names])
    terms = [c for k in range(1, len(names) + 1) for c in combinations(range(len(names)), k)]
    weights = [np.prod(sign[list(term)], axis=0) * 2 / len(cells.labels) for term in terms]
    labels = [(":".join(names[i].rpartition(".")[2] for i in term), len(term)) for term in terms]
    tests = ContrastTests(cells, error)
    frame = tests.frame(labels, [w[None] for w in weights], ["effect", "order"])
    frame["p_bh"] = benjamini_hochberg(frame["p"].to_numpy(float))
    return frame
