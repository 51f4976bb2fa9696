"""How r* grows with the width of the network, and whether the theory's exponent holds.

    kappa(C) = kappa0 (C / C0)^-gamma       r* ~ C^((2 + gamma) / 3)

gamma = 0 is the theory (slope 2/3). gamma = 2, slope 4/3, is its rival: the loss depends on the bottleneck's
width C/r only. kappa is estimated per width and seed; what power of C it follows is `power_law.py`.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from analysis.contrasts.cr2 import centred
from analysis.errors import TableError
from analysis.tables.runs_table import RunsTable
from analysis.tradeoff.prices.cost import Cost
from analysis.tradeoff.prices.price import Price, best_ratio
from analysis.tradeoff.ratios import RatioRuns, ratio_runs
from analysis.tradeoff.width.power_law import fit_power_law
from analysis.tradeoff.width.width_fit import WidthFit
from plain_files.numbers import as_given

Floats = NDArray[np.float64]
WIDTH = "backbone.width"


def fit_width(
    tables: Sequence[RunsTable],
    *,
    price: Price | None = None,
    blocks: Sequence[Cost] | None = None,
    confidence: float = 0.95,
) -> WidthFit:
    """The width exponent of r* from one table with several widths, or one table per width.

    Only the ratios that every width has enter: with different ratios the curve's shape would pass for
    an effect of width.

    Raises:
        TableError: If there are fewer than two widths or common ratios, or no seed is repeated.
    """
    parts = [part for table in tables for part in split_by_width(table)]
    costs = list(blocks) if blocks else [None] * len(parts)
    if len(costs) != len(parts):
        raise TableError(
            f"`blocks` must be given for each of the {len(parts)} widths, not {len(costs)}."
        )
    runs = [ratio_runs(t, blocks=b, cluster="seed") for t, b in zip(parts, costs, strict=True)]
    missing = [t.study for t, r in zip(parts, runs, strict=True) if r.c2_eff is None]
    if missing:
        raise TableError(
            f"`c2_eff` is not known for {', '.join(missing)}; add the column `channels` (C of the block, or a "
            "list with one C per block) or `c2_eff` (the sum of C^2 over the blocks) to the table."
        )
    if len({r.c2_eff for r in runs}) < 2:
        raise TableError(
            "at least two widths are needed, but all runs are of one width. Vary `backbone.width` (as the space "
            "`width` does), or give a study or table of each width."
        )
    common = sorted(set.intersection(*(set(np.round(r.nominal, 9)) for r in runs)))
    if len(common) < 2:
        raise TableError("the widths must share at least two ratios; run the same ratios at each.")
    runs = sorted((_only(r, common) for r in runs), key=lambda r: float(r.c2_eff or 0))
    slopes = [seed_slopes(r) for r in runs]
    channels = np.array([_channels(r) for r in runs])
    law = fit_power_law(channels, slopes, confidence=confidence)
    frame = _widths(runs, slopes, channels, price=price, confidence=confidence)
    return replace(law, widths=frame, ratios=[float(r) for r in common])


def split_by_width(table: RunsTable) -> list[RunsTable]:
    """One table per level of the width (`backbone.width`, `model.width` of one's own), or per `c2_eff`."""
    frame = table.frame
    named = [name for name in (WIDTH, *table.factors) if name.endswith(".width") and name in frame]
    varied = next((name for name in named if len(frame[name].dropna().unique()) > 1), None)
    if varied is not None:
        return [
            replace(
                table,
                frame=frame[frame[varied] == width],
                factors=[f for f in table.factors if f != varied],
                baseline={k: v for k, v in table.baseline.items() if k != varied},
                study=f"{table.study} at width {as_given(width)}",
            )
            for width in sorted(frame[varied].dropna().unique())
        ]
    sizes = sorted(frame.loc[frame["c2_eff"] > 0, "c2_eff"].unique())
    if len(sizes) < 2:
        return [table]
    return [replace(table, frame=frame[frame["c2_eff"] == size]) for size in sizes]


def seed_slopes(runs: RatioRuns) -> Floats:
    """The slope on r^2/2 of each seed that has at least two ratios.

    Raises:
        TableError: If fewer than two seeds do.
    """
    x = runs.r**2 / 2
    xc, yc = centred(x, runs.seeds), centred(runs.loss, runs.seeds)
    size = np.bincount(runs.seeds, xc**2)
    keep = size > 0
    if not runs.blocked or keep.sum() < 2:
        raise TableError(
            "the width law needs at least two seeds at every width, each with all ratios."
        )
    return np.asarray(np.bincount(runs.seeds, xc * yc)[keep] / size[keep])


def _only(runs: RatioRuns, common: list[float]) -> RatioRuns:
    keep = np.isin(np.round(runs.nominal, 9), common)
    return replace(
        runs,
        r=runs.r[keep],
        nominal=runs.nominal[keep],
        loss=runs.loss[keep],
        seeds=runs.seeds[keep],
        seed_labels=runs.seed_labels[keep],
        ids=runs.ids[keep],
    )


def _channels(runs: RatioRuns) -> float:
    count = len(runs.cost.channels) if runs.cost else 1
    return float(np.sqrt((runs.c2_eff or np.nan) / count))


def _widths(
    runs: Sequence[RatioRuns],
    slopes: Sequence[Floats],
    channels: Floats,
    *,
    price: Price | None,
    confidence: float,
) -> pd.DataFrame:
    rows = []
    for run, slope, c in zip(runs, slopes, channels, strict=True):
        kappa, se = float(slope.mean()), float(slope.std(ddof=1) / np.sqrt(len(slope)))
        half = float(stats.t.ppf(0.5 + confidence / 2, len(slope) - 1)) * se
        c2 = float(run.c2_eff or np.nan)
        row = {"channels": float(c), "c2_eff": c2, "seeds": len(slope), "kappa": kappa, "se": se}
        if price is None or price.fixes_ratio:
            rows.append({**row, "r_star": np.nan, "low": np.nan, "high": np.nan})
            continue
        lam = price.lam(kappa=kappa, c2=c2)
        star, low, high = (
            best_ratio(k, lam=lam, c2=c2) for k in (kappa, kappa + half, kappa - half)
        )
        # best_ratio is infinite where kappa <= 0: no r* there, and no lower limit of one.
        star, low = (end if np.isfinite(end) else np.nan for end in (star, low))
        rows.append({**row, "r_star": star, "low": low, "high": np.nan if np.isnan(low) else high})
    return pd.DataFrame(rows)
