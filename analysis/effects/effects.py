"""Which components matter, by how much, and which are still undecided.

Every comparison is between runs that share a seed. Holm's adjusted test decides that an effect is real,
two one-sided tests against a margin (adjusted alike) that it is negligible. Nothing else decides.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.contrasts.cells import Cells, cells_of
from analysis.contrasts.contrasts import Contrast, contrast_frame, contrasts_of, weights_of
from analysis.contrasts.estimation import NOISE_GATE, ErrorModel, blocks_for, estimate
from analysis.contrasts.seed_blocks import Blocks, pairing, unequal_noise
from analysis.effects.calibration import Calibration, calibrate, can_calibrate
from analysis.effects.deciding import decide
from analysis.errors import TableError
from analysis.planned.declared import declared_of, late_margin
from analysis.tables.runs_table import RunsTable

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Effects:
    """Every comparison with the baseline, with intervals and verdicts."""

    metric: str
    frame: pd.DataFrame
    """One row per comparison: `role, label, factor, level, against, backgrounds, arm, n_pairs, error,
    estimate, se, df, ci95_low, ci95_high, ci90_low, ci90_high, sim_low, sim_high, p, p_holm, p_bh,
    p_equivalence, p_equivalence_holm, verdict, seeds_needed, correlation, variance_ratio, margin,
    exploratory` and, where known, `saved_params, saved_macs, saved_seconds` (positive: the level is
    cheaper). `seeds_needed` counts seeds for all arms, or runs per arm where the arms share no seeds.
    `estimate` is the level's loss less the baseline's: positive is worse. `exploratory` says
    why a verdict beside a plan is exploratory."""
    baseline: str
    """The levels of the arm that all others are compared with: `gate=sigmoid, squeeze=avg`."""
    alpha: float
    margin: float | None
    """The smallest margin of any row; None where none has one."""
    exploratory: str
    """Why verdicts that use the margin are exploratory; empty where they are not."""
    seeds: int
    pairing: float
    """Correlation of runs that share a seed; seeds are worth 1/(1 - correlation) as many unpaired ones."""
    unequal_noise: float
    """p of the test that one arm is noisier than the rest; NaN where it cannot be tested."""
    flags: tuple[str, ...]
    calibration: Calibration | None
    """What the same tests say of arms that are relabelled at random within seeds."""
    cells: Cells
    excluded: dict[str, int]

    @property
    def family(self) -> pd.DataFrame:
        """The rows that are decided together: factors and controls."""
        return self.frame[self.frame["role"] != "cell"]

    @property
    def replicates(self) -> str:
        """What `seeds_needed` counts: `seeds`, or `runs per arm` where the arms share no seeds."""
        return "runs per arm" if "unpaired" in self.flags else "seeds"

    def more(self, count: float) -> str:
        """So many replicates to add, in words: `about 1 more seed`."""
        one = self.replicates.replace("seeds", "seed").replace("runs", "run")
        return f"about {count:.0f} more {one if round(count) == 1 else self.replicates}"

    @property
    def margins(self) -> list[float]:
        """The margins of the decided rows, each once; NaN stands for rows without one."""
        return sorted(self.family["margin"].unique().tolist())


def effects(
    table: RunsTable,
    *,
    margin: float | None = None,
    alpha: float = 0.05,
    error: ErrorModel = "auto",
    calibration_draws: int = 1000,
    seed: int = 0,
) -> Effects:
    """Seed-blocked effects of every factor's levels, and of every arm, against the baseline.

    Args:
        table: Runs with seeds; complete runs only enter.
        margin: The largest effect that does not matter, in the metric's unit, for every comparison. Without
            one, a planned comparison has the margin that was declared for it, and no other has any. One that
            is given only now is exploratory.
        alpha: Family-wise error of the verdicts.
        error: `pooled`: one noise variance for all arms. `paired`: each comparison's own paired
            differences, valid however the arms' noise differs. `auto`: pooled, unless the noise is seen
            to differ (p < 0.2) or the baseline looks noisier (`analysis.contrasts.estimation`). Choose before
            looking.
        calibration_draws: Random relabellings for the A/A check; 0 leaves it out.
        seed: Of every simulation.

    Raises:
        TableError: If the table has no seeds, one arm only, or an option breaks its rule.
    """
    if margin is not None and not margin > 0:
        raise TableError(f"`margin > 0` must hold, but got {margin!r}.")
    if not 0 < alpha < 0.5:
        raise TableError(f"`0 < alpha < 0.5` must hold, but got {alpha!r}.")
    cells = cells_of(table)
    rows = contrasts_of(cells)
    weights = weights_of(rows)
    blocks, flags = blocks_for(cells, weights)
    noise = unequal_noise(cells.y, seed=seed)
    frame = contrast_frame(rows).assign(
        **estimate(cells, blocks, weights, error=error, noise=noise)
    )
    frame["correlation"], frame["variance_ratio"] = _pairing_by_row(cells, weights)
    frame["margin"], frame["exploratory"] = declared_of(
        frame, table, margin=margin, seeds=len(cells.seeds)
    )
    frame = _savings(decide(frame, weights, cells, blocks, alpha=alpha, seed=seed), rows, cells)
    if error == "auto" and noise < NOISE_GATE:
        flags.append("unequal_noise")
    if table.selected:
        flags.append("selected_data")
    family = weights[(frame["role"] != "cell").to_numpy()]
    return Effects(
        metric=table.metric,
        frame=frame,
        baseline=cells.labels[cells.baseline].removesuffix(" (baseline)"),
        alpha=alpha,
        margin=None if frame["margin"].isna().all() else float(frame["margin"].min()),
        exploratory=late_margin(table, margin),
        seeds=len(cells.seeds),
        pairing=pairing(cells.y) if blocks.blocked else math.nan,
        unequal_noise=noise,
        flags=tuple(flags),
        calibration=_calibration(
            cells, blocks, family, alpha=alpha, error=error, draws=calibration_draws, seed=seed
        ),
        cells=cells,
        excluded=table.excluded,
    )


def _pairing_by_row(cells: Cells, weights: Floats) -> tuple[Floats, Floats]:
    """For each comparison of two cells: correlation over seeds, paired over unpaired variance."""
    correlation, ratio = np.full((2, len(weights)), np.nan)
    for i, w in enumerate(weights):
        pair = np.flatnonzero(w)
        if len(pair) != 2:
            continue
        both = cells.y[~np.isnan(cells.y[:, pair]).any(axis=1)][:, pair]
        if len(both) > 2:
            covariance = np.cov(both.T)
            apart = covariance[0, 0] + covariance[1, 1]
            if covariance[0, 0] > 0 and covariance[1, 1] > 0:
                correlation[i] = covariance[0, 1] / math.sqrt(covariance[0, 0] * covariance[1, 1])
                ratio[i] = (apart - 2 * covariance[0, 1]) / apart
    return correlation, ratio


def _calibration(
    cells: Cells,
    blocks: Blocks,
    weights: Floats,
    *,
    alpha: float,
    error: ErrorModel,
    draws: int,
    seed: int,
) -> Calibration | None:
    """The A/A check of the decided contrasts; None where it was not asked for or the table does not allow it."""
    can = cells.complete and blocks.blocked and can_calibrate(cells.y, alpha=alpha)
    if not (draws and can):
        return None
    return calibrate(cells.y, weights, alpha=alpha, error=error, draws=draws, seed=seed)


def _savings(frame: pd.DataFrame, rows: list[Contrast], cells: Cells) -> pd.DataFrame:
    """What each level costs less than the baseline, from the cells' mean costs."""
    for name in ("params", "macs", "seconds"):
        if name in cells.costs:
            cost = cells.costs[name].to_numpy(float)
            frame[f"saved_{name}"] = [0.0 - float(rows[i].weights @ cost) for i in frame.index]
    return frame.reset_index(drop=True)
