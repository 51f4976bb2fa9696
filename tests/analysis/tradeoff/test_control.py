"""Arms without a ratio against the best tested one, where no seeds are shared."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.tables.csv_table import from_frame
from analysis.tables.runs_table import RunsTable
from analysis.tradeoff.tradeoff import fit_reduction
from analysis.tradeoff.tradeoff_words import sentences


def unshared(random: np.random.Generator, *, controls: int, gap: float) -> RunsTable:
    """Ratios 2 to 32 with six runs each and a control that is three times as noisy; every run has its own seed."""
    rows = [
        {"reduction": float(r), "placement": "standard", "val_loss": 1 + 2e-4 * r**2 + 0.01 * random.standard_normal()}
        for r in (2, 4, 8, 16, 32)
        for _ in range(6)
    ]  # fmt: skip
    rows += [
        {"reduction": np.nan, "placement": "none", "val_loss": 1 + gap + 0.03 * random.standard_normal()}
        for _ in range(controls)
    ]  # fmt: skip
    frame = pd.DataFrame(rows)
    return from_frame(frame.assign(seed=range(len(frame))))


def test_a_control_without_shared_seeds_has_welchs_interval() -> None:
    table = unshared(np.random.default_rng(0), controls=4, gap=0.3)
    fit = fit_reduction(table)
    row = fit.control.iloc[0]
    losses = table.complete().assign(r=lambda f: f["attention.reduction"])
    control = losses.loc[losses["r"].isna(), "val_loss"]
    best = losses.loc[losses["r"] == losses.groupby("r")["val_loss"].mean().idxmin(), "val_loss"]
    theirs = stats.ttest_ind(control, best, equal_var=False)
    assert row["difference"] == pytest.approx(control.mean() - best.mean())
    assert row["high"] == pytest.approx(theirs.confidence_interval(0.95).high)
    # The best was chosen by its losses: the lower limit allows for each ratio that may be it.
    assert row["low"] <= theirs.confidence_interval(0.95).low
    assert any("val_loss +0.29" in line and " [0." in line for line in sentences(fit))


def test_one_run_of_a_control_has_no_interval() -> None:
    row = fit_reduction(unshared(np.random.default_rng(0), controls=1, gap=0.3)).control.iloc[0]
    assert row[["low", "high"]].isna().all()
    assert np.isfinite(row["difference"])
