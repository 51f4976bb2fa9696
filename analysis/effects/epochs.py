"""Effects against training time: does a difference grow, shrink or only show early?"""

from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.contrasts.cells import cells_of
from analysis.contrasts.contrast_tests import ContrastTests
from analysis.contrasts.contrasts import contrasts_of
from analysis.contrasts.estimation import ErrorModel
from analysis.errors import TableError
from analysis.tables.runs_table import RunsTable
from analysis.tables.study_table import read_epochs

COLUMNS = ["label", "epoch", "n_pairs", "estimate", "low", "high"]


def effects_by_epoch(
    table: RunsTable, *, error: ErrorModel = "auto", epochs: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Each arm less the baseline arm, as `effects` would find it had every run ended at that epoch.

    At about a quarter, half, three quarters and all of the epochs.

    Columns: `label, epoch, n_pairs, estimate, low, high`, with marginal 95 % intervals. Empty where the
    source has no epochs. Only runs that may enter an estimate are used. The last epoch is what is decided
    on, and has the interval of `effects`; the others only explain. The noise is judged anew at each epoch.

    Args:
        table: Runs of a study.
        error: As for `analysis.effects.effects.effects`.
        epochs: Of these runs, where they were read before (`study_table.read_epochs`).
    """
    epochs = read_epochs(table) if epochs is None else epochs
    runs = table.complete().set_index("run", drop=False)
    if epochs.empty or runs.empty or table.metric not in epochs:
        return pd.DataFrame(columns=COLUMNS)
    epochs = epochs[epochs["run"].isin(runs.index)]
    epochs = epochs[epochs["epoch"].isin(_quarters(int(epochs["epoch"].max())))]
    parts = []
    for epoch, rows in epochs.groupby("epoch"):
        values = rows.set_index("run")[table.metric]
        there = runs.loc[values.index].assign(**{table.metric: values})
        parts.append(_arms(replace(table, frame=there), error=error).assign(epoch=epoch))
    whole = pd.concat(parts, ignore_index=True)
    by_arm = np.argsort(pd.factorize(whole["arm"])[0], kind="stable")
    return whole.iloc[by_arm][COLUMNS].reset_index(drop=True)


def _quarters(last: int) -> set[int]:
    """About a quarter, half, three quarters and all of the epochs."""
    return {max(round(last * share), 1) for share in (0.25, 0.5, 0.75, 1.0)}


def _arms(table: RunsTable, *, error: ErrorModel) -> pd.DataFrame:
    """The comparisons of single arms with the baseline's; none where one of the two sides has no run."""
    try:
        cells = cells_of(table)
    except TableError:  # Arms may train for different numbers of epochs, the baseline for fewer.
        return pd.DataFrame(columns=["arm", *COLUMNS])
    tests, rows = ContrastTests(cells, error), contrasts_of(cells)
    parts = []
    for alone in (
        False,
        True,
    ):  # As in `effects`, where the arms of a factorial are a family of their own.
        mine = [row for row in rows if (row.role == "cell") == alone]
        heads, units = [(row.arm, row.label) for row in mine], [row.units for row in mine]
        parts.append(tests.frame(heads, units, ["arm", "label"], alone=alone))
    frame = pd.concat([part for part in parts if len(part)], ignore_index=True)
    return frame[frame["arm"] != ""]
