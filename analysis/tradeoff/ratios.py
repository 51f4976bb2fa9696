"""From a runs table to the runs that a reduction-ratio fit may use, on their realised ratios."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.contrasts.cr2 import Codes, codes_of
from analysis.errors import TableError
from analysis.tables.equal.repetition import REPEATS
from analysis.tables.runs_table import REDUCTION, RunsTable
from analysis.tradeoff.prices.cost import Cost, realised_ratio
from plain_files.numbers import as_given

Floats = NDArray[np.float64]
Cluster = Literal["auto", "seed", "run"]


@dataclass(frozen=True)
class RatioRuns:
    """The runs of one fit."""

    r: Floats
    """Realised ratio of each run: sum C^2 / sum C h."""
    nominal: Floats
    loss: Floats
    seeds: Codes
    """Seed of each run as 0, 1, ...; all zero where runs share none."""
    seed_labels: NDArray[np.float64]
    """The seeds as they are named in the table; NaN where there are none."""
    ids: NDArray[np.object_]
    """Each run's name in the table."""
    metric: str
    blocked: bool
    """Whether seeds are shared across ratios, so that each is a block."""
    cost: Cost | None
    c2_eff: float | None
    control: pd.DataFrame
    """Complete runs of arms without a ratio that are like the fitted ones in all but the attention."""
    excluded: dict[str, int]
    flags: tuple[str, ...]

    @property
    def levels(self) -> Floats:
        """The distinct realised ratios, ascending."""
        return np.unique(self.r)

    def without_largest(self) -> "RatioRuns":
        """The same runs less those of the largest ratio."""
        keep = self.r < self.r.max()
        return replace(
            self,
            r=self.r[keep],
            nominal=self.nominal[keep],
            loss=self.loss[keep],
            seeds=codes_of(self.seeds[keep]),
            seed_labels=self.seed_labels[keep],
            ids=self.ids[keep],
            flags=(),
        )


def ratio_runs(table: RunsTable, *, blocks: Cost | None, cluster: Cluster) -> RatioRuns:
    """The complete runs on the ratio axis: every other factor at its baseline.

    Raises:
        TableError: If there is no ratio column, one ratio only, or another factor varies freely.
    """
    if table.direction != "minimize":
        raise TableError(
            f"the trade-off needs a metric that is minimised, but {table.metric} is maximised; "
            "use the loss or the error."
        )
    name = table.column(REDUCTION)
    rows = table.complete()
    excluded = dict(table.excluded)
    on_axis = _at_baseline(table, rows, ratio=name)
    if (~on_axis).any():
        excluded["with another factor off its baseline"] = int((~on_axis).sum())
    rows = rows[on_axis]
    control = rows[rows[name].isna()]
    rows = rows[rows[name].notna()]
    if len(control):
        excluded["no ratio (control arm)"] = len(control)
    if rows.empty:
        raise TableError(f"no complete run has a `{name}` with the other factors at the baseline.")
    _check_ratios(rows, name)
    _check_one_width(rows)
    r, cost, c2_eff, flags = _realised(rows, name, blocks)
    seeds, blocked = _blocks(rows, cluster)
    if len(np.unique(r)) < 2:
        raise TableError(
            f"`{name}` must take at least two values, but every complete run"
            f"{'' if on_axis.all() else ' with the other factors at the baseline'} has "
            f"{', '.join(as_given(value) for value in np.unique(rows[name]))}."
        )
    missing = _missing_not_random(table, name)
    told = (("selected_data", table.selected), ("seeds_added", bool(table.added_seeds)))
    more = (*(flag for flag, there in told if there), *missing)
    return RatioRuns(
        r=r,
        nominal=rows[name].to_numpy(float),
        loss=rows[table.metric].to_numpy(float),
        seeds=seeds,
        seed_labels=rows["seed"].to_numpy(float),
        ids=rows["run"].to_numpy(object),
        metric=table.metric,
        blocked=blocked,
        cost=cost,
        c2_eff=c2_eff,
        control=control,
        excluded=excluded,
        flags=(*flags, *more),
    )


def _at_baseline(table: RunsTable, rows: pd.DataFrame, *, ratio: str) -> "pd.Series[bool]":
    others = [
        f for f in dict.fromkeys([*table.factors, *table.baseline]) if f != ratio and f in rows
    ]
    has_ratio = rows[ratio].notna()
    keep = pd.Series(True, index=rows.index)
    level: dict[str, Any] = {}
    for name in others:
        varied = rows.loc[has_ratio, name].dropna()
        if name in table.baseline:
            level[name] = table.baseline[name]
            keep &= ~(has_ratio & rows[name].notna() & (rows[name] != level[name]))
        elif len(varied.unique()) > 1:
            levels = ", ".join(map(str, varied.unique()[:4]))
            raise TableError(
                f"`{name}` varies beside the ratio ({levels}); keep one of its levels, or name the "
                f"baseline: --baseline {name}={varied.iloc[0]}."
            )
        elif len(varied):
            level[name] = varied.iloc[0]
    return keep & (has_ratio | _is_own_control(rows, level, has_ratio=has_ratio))


def _is_own_control(
    rows: pd.DataFrame, level: Mapping[str, Any], *, has_ratio: "pd.Series[bool]"
) -> "pd.Series[bool]":
    """Whether a run without a ratio differs from the fitted arms in nothing but why it has none.

    That is the attention (placement none); a table that does not say so by a factor of the attention may
    say it by any level that no run with a ratio has. Other differences, such as a wider network, would
    pass for an effect of the attention.
    """
    off = {name: rows[name].notna() & (rows[name] != at) for name, at in level.items()}
    said = pd.Series(False, index=rows.index)
    for name in filter(_of_attention, off):
        said |= off[name]
    own = pd.Series(True, index=rows.index)
    for name in (name for name in off if not _of_attention(name)):
        own &= ~off[name] | (~said & ~rows[name].isin(rows.loc[has_ratio, name]))
    return own


def _of_attention(name: str) -> bool:
    return name.startswith("attention.")


def _check_ratios(rows: pd.DataFrame, name: str) -> None:
    low = rows[name] < 1
    if low.any():
        row: Any = low.idxmax()
        raise TableError(
            f"`{name} >= 1` must hold, but row {row} has {as_given(rows.loc[row, name])}."
        )


def _check_one_width(rows: pd.DataFrame) -> None:
    sizes = rows["c2_eff"].dropna().unique()
    if len(sizes) > 1:
        raise TableError(
            f"`c2_eff` must be one value in a fit, but the table has {len(sizes)} (several network "
            "widths); use `ablate width`."
        )


def _realised(
    rows: pd.DataFrame, name: str, blocks: Cost | None
) -> tuple[Floats, Cost | None, float | None, list[str]]:
    nominal = rows[name].to_numpy(float)
    flags: list[str] = []
    known = rows["hidden"].map(_all_known) & rows["channels"].map(_all_known)
    blocks = blocks or _own_blocks(rows)
    cost, c2_eff = blocks, float(blocks.c2_eff) if blocks else None
    if known.all():
        pairs = zip(rows["channels"], rows["hidden"], strict=True)
        r = np.array([realised_ratio(c, h) for c, h in pairs])
        cost = Cost(tuple(rows["channels"].iloc[0]))
        c2_eff = float(cost.c2_eff)
    elif blocks is not None:
        r = np.array([blocks.realised(value) for value in nominal])
        if not np.allclose(r, nominal):
            flags.append("assumed_rounding")
    else:
        r = nominal
        given = rows.loc[rows["c2_eff"] > 0, "c2_eff"]  # 0 where nothing is attached
        c2_eff = float(given.iloc[0]) if len(given) else None
    r = np.round(r, 9)
    if len(np.unique(r)) < len(np.unique(nominal)):
        flags.append("rounded_duplicates")
    return r, cost, c2_eff, flags


def _all_known(sizes: list[int | None] | None) -> bool:
    """Whether every block has that size; one without a bottleneck has no hidden width."""
    return isinstance(sizes, list) and bool(sizes) and None not in sizes


def _own_blocks(rows: pd.DataFrame) -> Cost | None:
    """The blocks that the column `channels` names, where it agrees with `c2_eff`; a base width does not."""
    given = rows["channels"]
    if not given.map(_all_known).all():
        return None
    cost = Cost(tuple(given.iloc[0]))
    same = (given.map(tuple) == cost.channels).all() and (rows["c2_eff"] == cost.c2_eff).all()
    return cost if same else None


def _blocks(rows: pd.DataFrame, cluster: Cluster) -> tuple[Codes, bool]:
    """Seeds as blocks where any is shared by two runs; one common intercept otherwise."""
    seeds = rows["seed"]
    if seeds.isna().any() and seeds.notna().any():
        raise TableError(
            f"`seed` must be given for every run or for none, but row {seeds.isna().idxmax()} has none."
        )
    none = np.zeros(len(rows), dtype=np.intp)
    if seeds.isna().all():
        if cluster == "seed":
            raise TableError("the table has no seeds to cluster by; it lacks the column `seed`.")
        return none, False
    if seeds.nunique() == len(rows):
        if cluster == "seed":
            raise TableError("the table has no seeds to cluster by: no two runs share one.")
        return none, False
    return codes_of(seeds.to_numpy()), True


def _missing_not_random(table: RunsTable, name: str) -> tuple[str, ...]:
    """Whether the share of finished runs differs by ratio (Fisher's exact test of each against the rest)."""
    from scipy import stats

    begun = table.frame[
        table.frame[name].notna() & ~table.frame["state"].isin(["WAITING", "RUNNING"])
    ]
    done = table.reasons[begun.index].isin(("", REPEATS))
    if done.all():
        return ()
    ratios = begun[name].unique()
    worst = 1.0
    for value in ratios:
        here = begun[name] == value
        cells = np.array(
            [
                [(done & here).sum(), (~done & here).sum()],
                [(done & ~here).sum(), (~done & ~here).sum()],
            ]
        )
        worst = min(worst, float(stats.fisher_exact(cells).pvalue))
    return ("missing_not_random",) if worst * len(ratios) < 0.05 else ()
