"""Everything that a report says, computed once from a study folder; a part that cannot be had says why."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from analysis.contrasts.cr2 import codes_of
from analysis.effects.component_report import ComponentReport, component_report
from analysis.effects.effects import Effects
from analysis.effects.winner import WinnerReport, winner_report
from analysis.errors import TableError
from analysis.importance.importance import Importance, estimate_importance
from analysis.report.evidence.arms import Front, front, summarise
from analysis.report.evidence.channels import Channels, read_channels
from analysis.report.evidence.gates import Gates, read_gates
from analysis.report.evidence.labelled import labelled
from analysis.tables.runs_table import REDUCTION, RunsTable
from analysis.tables.study_table import Curves, read_curves, read_study
from analysis.tested.answer import stored_answer
from analysis.tested.values import has_test_set
from analysis.tradeoff.curves.families import average_draws
from analysis.tradeoff.kappa import slope_of
from analysis.tradeoff.prices.price import Price
from analysis.tradeoff.ratios import RatioRuns, ratio_runs
from analysis.tradeoff.reduction_fit import ReductionFit
from analysis.tradeoff.tradeoff import fit_reduction
from analysis.tradeoff.width.width import fit_width
from analysis.tradeoff.width.width_fit import WidthFit

Floats = NDArray[np.float64]
Result = TypeVar("Result")
MOST_FOR_SHARES = 1000
"""Runs up to which a report computes variance shares; their null deals all losses out 100 times."""
MOST_FOR_RIVALS = 400
"""Runs up to which a report adds fANOVA and PED-ANOVA; with their nulls they take 3 s for 300 runs."""


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """The trade-off with what it was fitted to."""

    fit: ReductionFit
    runs: pd.DataFrame
    """Per run `r, seed, loss, adjusted, residual`."""
    means: pd.DataFrame
    """Per ratio `r, mean, low, high`: seed-adjusted, intervals from the pooled spread within seeds."""
    dropped: pd.DataFrame
    """`without, kappa, low, high`: the slope when one ratio is left out; NaN: none."""
    draws: Floats
    """The averaged r* of bootstrap data sets, infinity at the largest tested ratio; none without a price."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What a report is made of."""

    folder: Path
    table: RunsTable
    runs: pd.DataFrame
    """The rows that enter estimates; empty where there are none."""
    arms: pd.DataFrame
    """One row per arm: means, intervals, cost."""
    epochs: pd.DataFrame
    """One row per run and epoch, with the run's `state` and the metric as `value`."""
    ratio: Ratio | None
    components: ComponentReport | None
    width: WidthFit | None
    front: Front | None
    importance: Importance | None
    winner: WinnerReport | None
    gates: Gates | None
    tested: dict[str, Any] | None
    """What the test set said, once it was looked at (`analysis.tested`)."""
    has_test_set: bool
    channels: Channels | None
    price: float | None
    margin: float | None
    """The margin that was asked for; `effects.margin` is the one in force."""
    remarks: tuple[str, ...] = ()
    """What of the epochs cannot be read, a sentence each."""
    gaps: dict[str, str] = field(default_factory=dict)
    """Part of the report -> the sentence that says why it is not there."""

    @property
    def effects(self) -> Effects | None:
        """The comparisons with the baseline."""
        return self.components.effects if self.components else None

    def why(self, part: str) -> str:
        """Why a part of the evidence is not there; it was said when it was tried."""
        return self.gaps.get(part) or self.gaps["estimates"]

    @property
    def baseline(self) -> str:
        """Label of the baseline's arm; empty where there is none."""
        frame = self.table.frame
        mine = frame.loc[frame["arm"] == self.table.baseline_arm, "label"]
        return str(mine.iloc[0]) if len(mine) else ""

    @property
    def unfinished(self) -> int:
        """Planned runs that have not ended."""
        return int(self.table.frame["state"].isin(["RUNNING", "WAITING"]).sum())


def gather(
    source: str | Path | RunsTable,
    *,
    price: float | None = None,
    margin: float | None = None,
    every_importance: bool = False,
    gates_of: str | None = None,
    gates_in: str | None = None,
) -> Evidence:
    """Read a study and compute all that its report says.

    Args:
        source: The study folder; or a runs table from anywhere, of which figures can be drawn.
        price: Loss that one weight is worth, in the metric's unit; None for a sweep.
        margin: Half-width of the zone called negligible; None where none is declared.
        every_importance: Also fANOVA and PED-ANOVA, however many runs there are.
        gates_of: The arm whose gates are summed up, or `all`; the baseline without.
        gates_in: The block whose channels are shown one by one; the last without.

    Raises:
        TableError: If the folder is no study, or an argument is not positive.
    """
    for name, value in (("price-per-param", price), ("margin", margin)):
        if value is not None and not 0 < value < np.inf:
            raise TableError(f"`{name} > 0` must hold, but got {value!r}.")
    source = Path(source) if isinstance(source, str) else source
    table = labelled(source) if isinstance(source, RunsTable) else read_study(source)
    gaps: dict[str, str] = {}
    runs = _try(gaps, "estimates", table.complete)
    runs = table.frame.iloc[:0] if runs is None else runs
    some = len(runs) > 0
    curves = read_curves(table)
    cost = "params" if some and runs["params"].notna().any() else None
    return Evidence(
        folder=source if isinstance(source, Path) else table.folder or Path(),
        table=table,
        runs=runs,
        arms=summarise(runs, metric=table.metric, beside=table.beside),
        epochs=_epochs(table, curves),
        ratio=_try(gaps, "ratio", lambda: _ratio(table, price)) if some else None,
        components=_try(
            gaps, "effects", lambda: component_report(table, margin=margin, epochs=curves.frame)
        )
        if some
        else None,
        width=_try(gaps, "width", lambda: _width(table, price)) if some else None,
        front=front(
            runs, metric=table.metric, cost=cost, highest_is_best=table.direction == "maximize"
        )
        if cost
        else None,
        importance=_try(gaps, "importance", lambda: _importance(table, len(runs), every_importance))
        if some
        else None,
        winner=_try(gaps, "winner", lambda: winner_report(table)),
        gates=_try(gaps, "gates", lambda: read_gates(table, arm=gates_of)),
        tested=_try(gaps, "test", lambda: stored_answer(table.folder) if table.folder else None),
        has_test_set=has_test_set(table),
        channels=_try(gaps, "channels", lambda: read_channels(table, arm=gates_of, block=gates_in)),
        price=price,
        margin=margin,
        remarks=tuple(curves.remarks),
        gaps=gaps,
    )


def _try(gaps: dict[str, str], part: str, compute: Callable[[], Result]) -> Result | None:
    try:
        return compute()
    except TableError as why:
        gaps[part] = str(why)
        return None


def _ratio(table: RunsTable, price: float | None) -> Ratio:
    if REDUCTION not in table.frame:
        raise TableError("the study does not vary the reduction ratio.")
    named = Price.per_param(price, metric=table.metric) if price is not None else None
    fit = fit_reduction(table, price=named)
    runs = ratio_runs(table, blocks=None, cluster="auto")
    frame = _adjusted(fit, runs)
    frame["label"] = frame["run"].map(table.frame.set_index("run")["label"])
    return Ratio(
        fit=fit,
        runs=frame,
        means=_means(fit),
        dropped=_dropped(runs, fit.confidence),
        draws=_draws(fit),
    )


def _draws(fit: ReductionFit) -> Floats:
    if fit.lam is None or fit.c2_eff is None or not np.isfinite(fit.average.r_star):
        return np.zeros(0)
    grid = fit.shape.grid
    draws = average_draws(grid, fit.shape.fits, lam_c2=fit.lam * fit.c2_eff)
    return np.where(draws < grid.r[-1] * (1 - 1e-9), draws, np.inf)


def _width(table: RunsTable, price: float | None) -> WidthFit:
    if REDUCTION not in table.frame:
        raise TableError("the study does not vary the reduction ratio.")
    named = Price.per_param(price, metric=table.metric) if price is not None else None
    fit = fit_width([table], price=named)
    if price is not None:
        return fit
    # The slope is the same at any price; one must be chosen for r* to have a height in the figure.
    rising = fit.widths[fit.widths["kappa"] > 0]
    if rising.empty:
        return fit
    middle = rising.iloc[len(rising) // 2]
    shown = float(np.exp(np.mean(np.log(fit.ratios))))
    implied = float(middle["kappa"] * shown**3 / middle["c2_eff"] / 2)
    return fit_width([table], price=Price.per_param(implied, metric=table.metric))


def _importance(table: RunsTable, runs: int, every: bool) -> Importance:
    if runs > MOST_FOR_SHARES and not every:
        raise TableError(
            f"shares of more than {MOST_FOR_SHARES:,} runs take long; use `ablate importance {table.study}`."
        )
    rivals = every or runs <= MOST_FOR_RIVALS
    return estimate_importance(table, evaluators=("fanova", "ped_anova") if rivals else ())


def _adjusted(fit: ReductionFit, runs: RatioRuns) -> pd.DataFrame:
    grid = fit.shape.grid
    free = grid.mean[np.searchsorted(grid.r, runs.r)]
    seeds = runs.seed_labels if runs.blocked else np.nan
    frame = pd.DataFrame({"r": runs.r, "run": runs.ids, "seed": seeds, "loss": runs.loss})
    shift = (frame["loss"] - free).groupby(frame["seed"]).transform("mean") if runs.blocked else 0.0
    frame["adjusted"] = frame["loss"] - shift
    frame["residual"] = frame["adjusted"] - fit.curve(runs.r)
    return frame


def _means(fit: ReductionFit) -> pd.DataFrame:
    grid = fit.shape.grid
    t = float(stats.t.ppf((1 + fit.confidence) / 2, grid.df)) if grid.df > 0 else np.nan
    half = t * fit.sigma / np.sqrt(grid.sizes)
    return pd.DataFrame(
        {"r": grid.r, "mean": grid.mean, "low": grid.mean - half, "high": grid.mean + half}
    )


def _dropped(runs: RatioRuns, confidence: float) -> pd.DataFrame:
    rows = []
    for without in [np.nan, *runs.levels] if len(runs.levels) > 2 else [np.nan]:
        keep = runs.r != without
        kept = replace(
            runs, r=runs.r[keep], nominal=runs.nominal[keep], loss=runs.loss[keep],
            seeds=codes_of(runs.seeds[keep]),
        )  # fmt: skip
        slope, _ = slope_of(kept, cluster="auto")
        low, high = slope.interval(confidence)
        rows.append([without, float(slope.value), float(low), float(high)])
    return pd.DataFrame(rows, columns=["without", "kappa", "low", "high"])


def _epochs(table: RunsTable, curves: Curves) -> pd.DataFrame:
    epochs = curves.frame
    if epochs.empty or table.metric not in epochs:
        return pd.DataFrame(columns=["run", "arm", "label", "seed", "epoch", "value", "state"])
    epochs["value"] = pd.to_numeric(epochs[table.metric], errors="coerce")
    epochs["state"] = epochs["run"].map(table.frame.set_index("run")["state"])
    return epochs


def named(
    arms: pd.DataFrame, wanted: Sequence[str], most: int, *, highest_is_best: bool = False
) -> list[str]:
    """Up to `most` labels: the wanted ones that exist, then the best of the others."""
    ordered = arms.sort_values("mean", ascending=not highest_is_best)
    there = [label for label in wanted if label in set(arms["label"])]
    rest = [label for label in ordered["label"] if label not in there]
    return [*there, *rest][:most]
