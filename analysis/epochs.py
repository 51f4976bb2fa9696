"""Effects against training time: does a difference grow, shrink or only show early?"""

import numpy as np
import pandas as pd
from scipy import stats

from analysis.effects import Effects
from analysis.runs_table import RunsTable
from analysis.study_table import read_epochs

COLUMNS = ["label", "epoch", "n_pairs", "estimate", "low", "high"]


def effects_by_epoch(
    table: RunsTable, result: Effects, *, confidence: float = 0.95
) -> pd.DataFrame:
    """Each arm less the baseline arm at every epoch, paired by seed, with marginal t intervals.

    Columns: `label, epoch, n_pairs, estimate, low, high`. Empty where the source has no epochs. Only runs
    that may enter an estimate are used. The last epoch is what is decided on; the others only explain.
    """
    epochs = read_epochs(table)
    if epochs.empty or table.metric not in epochs:
        return pd.DataFrame(columns=COLUMNS)
    complete = set(table.complete()["run"])
    epochs = epochs[epochs["run"].isin(complete)]
    wide = epochs.pivot_table(index=["seed", "epoch"], columns="arm", values=table.metric)
    base = result.cells.arms[result.cells.baseline]
    rows = result.frame[(result.frame["arm"] != "") & result.frame["arm"].isin(wide.columns)]
    parts = [
        _one(wide[row.arm] - wide[base], str(row.label), confidence) for row in rows.itertuples()
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)


def at_quarters(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of `effects_by_epoch` at about a quarter, half, three quarters and all of the epochs."""
    if frame.empty:
        return frame
    last = int(frame["epoch"].max())
    marks = sorted({max(round(last * share), 1) for share in (0.25, 0.5, 0.75, 1.0)})
    return frame[frame["epoch"].isin(marks)]


def _one(difference: "pd.Series[float]", label: str, confidence: float) -> pd.DataFrame:
    by_epoch = difference.dropna().groupby("epoch")
    n = by_epoch.size().to_numpy()
    mean = by_epoch.mean()
    sd = by_epoch.std(ddof=1).to_numpy()
    half = np.where(
        n > 1, stats.t.ppf(0.5 + confidence / 2, np.maximum(n - 1, 1)) * sd / np.sqrt(n), np.nan
    )
    return pd.DataFrame(
        {
            "label": label,
            "epoch": mean.index.astype(int),
            "n_pairs": n,
            "estimate": mean.to_numpy(),
            "low": mean.to_numpy() - half,
            "high": mean.to_numpy() + half,
        }
    )
