"""Which components matter, by how much, and which are still undecided.

Every comparison is between runs that share a seed, and its error is its own variation over seeds. The joint law of all
comparisons decides that an effect is real, two one-sided tests against a margin (adjusted by Holm) that it is
negligible. Where a factor takes part in an interaction, its effects at each setting of its partners are decided in
its place. Nothing else decides.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.contrasts.cells import Cells, assigned, cells_of
from analysis.contrasts.contrasts import Contrast, contrast_frame, weights_of
from analysis.contrasts.estimation import ROUNDING, ErrorModel, Estimates, estimate
from analysis.contrasts.seed_blocks import pairing
from analysis.effects.calibration import Calibration, calibrate, varying_by_seed
from analysis.effects.deciding import decide
from analysis.effects.interactions import Interactions, interactions_of, simple_effects
from analysis.errors import TableError
from analysis.planned.declared import declared_of, late_margin
from analysis.sequential.overruling import Tests, anytime, by_rule, refuse_another_margin, rows_of
from analysis.sequential.stopped import Stopped, report_stopped
from analysis.tables.runs_table import RunsTable
from plain_files.shown import in_html, in_line

FEW_SEEDS = 3
"""Up to so many seeds the docs name what cannot be known."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Effects:
    """Every comparison with the baseline, with intervals and verdicts."""

    metric: str
    frame: pd.DataFrame
    """One row per comparison: `role, label, factor, level, against, given, backgrounds, arm, n_pairs, error,
    estimate, se, df, ci95_low, ci95_high, ci90_low, ci90_high, sim_low, sim_high, p, p_adjusted, p_bh,
    p_equivalence, p_equivalence_adjusted, verdict, seeds_needed, seeds_needed_low, seeds_needed_high, correlation,
    variance_ratio, margin, exploratory` and, where known, `saved_params, saved_macs, saved_seconds` (positive: the
    level is cheaper). `seeds_needed` counts seeds for all arms, or runs per arm where the arms share no seeds; between
    `_low` and `_high` it lies with 80 %. `estimate` is the level's loss less the baseline's: positive is worse.
    `exploratory` says why a verdict beside a plan is exploratory. Of a study that ran until it was decided `evidence`
    stands for the p values: the statistic of the look that settled a comparison, as a share of its boundary."""
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
    flags: tuple[str, ...]
    calibration: Calibration | None
    """What the same tests say where each factor's levels are relabelled at random within seeds."""
    varying: dict[str, float]
    """Factor -> p of the test that its effect varies from seed to seed by more than the runs' own noise."""
    interactions: Interactions
    cells: Cells
    excluded: dict[str, int]
    lost: dict[str, str]
    """Arm -> why it is compared with nothing: none of its runs may enter."""
    remarks: tuple[str, ...] = ()
    """Why verdicts are not those of one look, where seeds were added without a plan."""
    tests: Tests = "one look"
    """What verdicts, p values and intervals are those of."""
    stopped: Stopped | None = None
    """What a rule settled, of a study that ran until it was decided: then verdicts and intervals are the rule's."""

    def __repr__(self) -> str:
        """In a line: comparisons by verdict."""
        counts = self.family["verdict"].value_counts()
        said = [f"{count} {verdict}" for verdict, count in counts.items()]
        return in_line("Effects", f"{self.metric} against {self.baseline}", *said)

    def _repr_html_(self) -> str:
        told_by = "p_adjusted" if self.stopped is None else "evidence"
        names = ["label", "estimate", "sim_low", "sim_high", told_by, "verdict"]
        rows = self.family[names].itertuples(index=False)
        return in_html(f"{self.metric} against {self.baseline}", head=names, rows=rows)

    @property
    def family(self) -> pd.DataFrame:
        """The rows that were asked about: factors, controls, and simple effects where they decide."""
        return self.frame[self.frame["role"] != "cell"]

    def strongest(self, most: int) -> pd.DataFrame:
        """Those of the family with the strongest evidence, at most so many, in its order."""
        rows = self.family
        if len(rows) <= most:
            return rows
        weak = rows["p"] if self.stopped is None else -rows["evidence"]
        return rows.loc[weak.sort_values().index[:most].sort_values()]

    @property
    def replicates(self) -> str:
        """What `seeds_needed` counts: `seeds`, or `runs per arm` where the arms share no seeds."""
        return "runs per arm" if "unpaired" in self.flags else "seeds"

    @property
    def margins(self) -> list[float]:
        """The margins of the decided rows, each once; NaN stands for rows without one."""
        return sorted(self.family["margin"].unique().tolist())


def estimate_effects(
    table: RunsTable,
    *,
    margin: float | None = None,
    alpha: float = 0.05,
    error: ErrorModel = "auto",
    calibration_draws: int = 200,
    seed: int = 0,
) -> Effects:
    """Effects of every factor's levels, and of every arm, against the baseline.

    Args:
        table: Runs with seeds; complete runs only enter.
        margin: The largest effect that does not matter, in the metric's unit, for every comparison. Without
            one, a planned comparison has the margin that was declared for it, and no other has any. One that
            is given only now is exploratory.
        alpha: Family-wise error of the verdicts.
        error: As for `analysis.contrasts.estimation.estimate`. Choose before looking.
        calibration_draws: Random relabellings for the A/A check, fewer with very many comparisons; 0 leaves it out.
        seed: Of the relabellings.

    Raises:
        TableError: If the table has no seeds, one arm only, or an option breaks its rule.
    """
    if margin is not None and not margin > 0:
        raise TableError(f"`margin > 0` must hold, but got {margin!r}.")
    if not 0 < alpha < 0.5:
        raise TableError(f"`0 < alpha < 0.5` must hold, but got {alpha!r}.")
    refuse_another_margin(table, margin)
    cells = cells_of(table)
    between = interactions_of(cells, alpha=alpha, error=error)
    rows = rows_of(cells, table)
    asked = [row for row in rows if row.role != "cell"]
    asked += simple_effects(cells, between.partners)
    looked_at = [row for row in rows if row.role == "cell"]
    decided = np.array(
        [row.role == "simple" or row.factor not in between.partners for row in asked]
    )
    made = estimate(cells.y, [row.units for row in asked], error=error)
    parts = [decide(_described(asked, table, cells, margin=margin), made, decided, alpha=alpha)]
    if looked_at:
        arms = estimate(cells.y, [row.units for row in looked_at], error=error, alone=True)
        everyone = np.ones(len(looked_at), dtype=bool)
        described = _described(looked_at, table, cells, margin=margin)
        parts.append(decide(described, arms, everyone, alpha=alpha))
    frame = _savings(pd.concat(parts, ignore_index=True), [*asked, *looked_at], cells)
    units = [row.units for row in (*asked, *looked_at)]
    overruled = anytime(frame, units, table, cells, alpha=alpha)
    stopped = report_stopped(table)
    frame = overruled.frame if stopped is None else by_rule(frame, stopped)
    mine = [row for row, is_decided in zip(asked, decided, strict=True) if is_decided]
    paired = bool(np.all(np.isin(made.error, ("own", "shared"))))
    check = None
    if calibration_draws and cells.complete and paired:
        units = [row.units for row in mine]
        check = calibrate(cells.y, units, alpha=alpha, draws=calibration_draws, seed=seed)
    return Effects(
        metric=table.metric,
        frame=frame,
        baseline=cells.labels[cells.baseline].removesuffix(" (baseline)"),
        alpha=alpha,
        margin=None if frame["margin"].isna().all() else float(frame["margin"].min()),
        exploratory=late_margin(table, margin),
        seeds=len(cells.seeds),
        pairing=math.nan if (made.error == "welch").all() else pairing(cells.y),
        flags=tuple(_flags(made, cells, table, stopped=stopped is not None)),
        calibration=check,
        varying=varying_by_seed(cells.y, _by_factor(asked)) if paired else {},
        interactions=between,
        cells=cells,
        excluded=table.excluded,
        lost=_lost(table, cells),
        remarks=() if stopped else overruled.remarks,
        tests="rule" if stopped else overruled.tests,
        stopped=stopped,
    )


def _described(
    rows: list[Contrast], table: RunsTable, cells: Cells, *, margin: float | None
) -> pd.DataFrame:
    """What is compared, before any test."""
    frame = contrast_frame(rows)
    frame["correlation"], frame["variance_ratio"] = _pairing_by_row(cells, weights_of(rows))
    frame["margin"], frame["exploratory"] = declared_of(
        frame, table, margin=margin, seeds=len(cells.seeds)
    )
    return frame


def _flags(made: Estimates, cells: Cells, table: RunsTable, *, stopped: bool) -> list[str]:
    unpaired = made.error == "welch"
    found = [
        ("unpaired", unpaired.all()),
        ("partly_unpaired", unpaired.any() and not unpaired.all()),
        (
            "missing_runs",
            not cells.complete and not stopped and np.isin(made.error, ("own", "shared")).any(),
        ),
        ("no_variation", made.constant.any()),
        ("few_seeds", len(cells.seeds) <= FEW_SEEDS and (made.error == "shared").any()),
        ("two_seeds", ((made.error == "own") & (made.pairs == 2)).any()),
        ("selected_data", table.selected),
    ]
    return [name for name, there in found if there]


def _by_factor(rows: list[Contrast]) -> dict[str, Floats]:
    """Factor -> the weights of its average effects over several backgrounds."""
    found: dict[str, list[Floats]] = {}
    for row in rows:
        if row.role == "factor" and row.backgrounds > 1:
            found.setdefault(row.factor, []).append(row.weights)
    return {factor: np.stack(weights) for factor, weights in found.items()}


def _lost(table: RunsTable, cells: Cells) -> dict[str, str]:
    """The arms of the table of which no run may enter an estimate, once they have ended."""
    names = [f for f in cells.values.columns if f in table.frame]
    over = ~table.reasons.str.startswith(("state WAITING", "state RUNNING", "from a search"))
    found = {}
    by = [table.frame[name] for name in names]
    entered = (table.reasons == "").groupby(by, dropna=False, sort=False).transform("any")
    for _, arm in table.frame[~entered].groupby(names, dropna=False, sort=False):
        reasons = table.reasons[arm.index]
        if not over[arm.index].all():
            continue
        given = arm["label"].dropna() if "label" in arm else pd.Series(dtype=object)
        base = cells.values.iloc[cells.baseline]
        levels = arm[names].iloc[0].dropna()
        changed = [assigned(str(f), x) for f, x in levels.items() if x != base[str(f)]]
        label = str(given.iloc[0]) if len(given) else ", ".join(changed) or "the baseline"
        counts = reasons.value_counts()
        found[label] = ", ".join(f"{count} {reason}" for reason, count in counts.items())
    return found


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


def _savings(frame: pd.DataFrame, rows: list[Contrast], cells: Cells) -> pd.DataFrame:
    """What each level costs less than the baseline, from the cells' mean costs."""
    for name in ("params", "macs", "seconds"):
        if name in cells.costs:
            cost = cells.costs[name].to_numpy(float)
            frame[f"saved_{name}"] = [_saved(row.weights, cost) for row in rows]
    return frame


def _saved(weights: Floats, cost: Floats) -> float:
    """What is left where sums of many means cancel is their rounding, which saves nothing."""
    terms = weights * cost
    saved = 0.0 - float(terms.sum())
    return saved if abs(saved) > ROUNDING * float(np.abs(terms).sum()) else 0.0
