"""Verdicts of studies that were looked at more than once: by their rule, or by tests that hold at any time.

A verdict of one look is not valid where the number of seeds depended on what was seen. Of a study that runs until it is
decided, the rule's verdicts, estimates and intervals stand in the table of effects; where seeds were added to a
study without a plan, those of anytime-valid tests.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.contrasts.cells import Cells
from analysis.contrasts.contrasts import Contrast, contrasts_of, differences
from analysis.contrasts.equivalence import verdicts
from analysis.contrasts.estimation import seed_values
from analysis.contrasts.multiplicity import holm
from analysis.errors import TableError
from analysis.planned.declared import UNPLANNED, added_late
from analysis.sequential.anytime import anytime_equivalence_p, anytime_half_width, anytime_p
from analysis.sequential.estimates import repeated_interval
from analysis.sequential.stopped import Stopped
from analysis.sequential.stored import is_stopped_by_rule, stored_rule
from analysis.tables.runs_table import RunsTable
from plain_files.numbers import as_given

Floats = NDArray[np.float64]
Tests = Literal["one look", "any time", "rule"]
"""What verdicts, p values and intervals are those of: tests of one look, tests that hold however often one looks, or
the rule by which the study stopped."""
ADDED = (
    "{late}: verdicts, p values and intervals of the comparisons are therefore those of tests that hold however often "
    "one looks; they are wider than those of one look."
)
UNPAIRED = (
    "Arms that share no seeds are compared run by run there, in the order in which the runs came."
)


@dataclass(frozen=True)
class Overruled:
    """A table of effects as it stands, and why."""

    frame: pd.DataFrame
    remarks: tuple[str, ...] = ()
    tests: Tests = "one look"


def rows_of(cells: Cells, table: RunsTable) -> list[Contrast]:
    """What is compared: each arm with the baseline where a rule settles arms, otherwise as the design has it."""
    rows = contrasts_of(cells)
    if not is_stopped_by_rule(table):
        return rows
    known = {row.arm: row for row in rows if row.arm}
    return [
        known.get(cells.arms[i]) or _arm(cells, i)
        for i in range(len(cells.arms))
        if i != cells.baseline
    ]


def refuse_another_margin(table: RunsTable, margin: float | None) -> None:
    """Refuse to judge a study that ran by a rule with another margin than the rule's.

    Raises:
        TableError: If a margin is asked for that none of its comparisons has.
    """
    if margin is None or not is_stopped_by_rule(table):
        return
    known = sorted({float(entry["margin"]) for entry in stored_rule(table)["comparisons"]})
    if margin not in known:
        raise TableError(
            f"this study ran until it was decided by the margin {' or '.join(as_given(m) for m in known)}, which "
            f"was written down before its runs, but `margin` is {as_given(margin)}. Leave it out: another margin needs "
            f"another study."
        )


def by_rule(frame: pd.DataFrame, found: Stopped) -> pd.DataFrame:
    """The table of effects with the rule's verdicts, and estimates and intervals of the look that settled each.

    There are no p values: `evidence` stands for them, the statistic of that look as a share of its boundary.
    """
    if found.frame.empty:
        return frame.assign(verdict="undecided", evidence=np.nan)
    mine = found.frame.set_index("arm")
    frame = frame.copy()
    first = int(found.rule["first_look"])
    for at, arm in frame["arm"].items():
        # An arm that no comparison was planned for is looked at, and decided by nothing.
        if arm not in mine.index:
            values: dict[str, Any] = {
                "verdict": "undecided",
                "exploratory": UNPLANNED,
                "evidence": np.nan,
            }
        else:
            row = mine.loc[arm]
            k = int(row["pairs"]) - first
            narrow = found.rule_at(int(row["look"]))["boundaries"]["small"][0]
            low, high = np.nan, np.nan
            if 0 <= k < len(narrow) and np.isfinite(row["se"]):
                low, high = repeated_interval(
                    row["estimate"], row["se"], row["df"], pairs=int(row["pairs"]), bound=narrow[k]
                )
            values = {
                "n_pairs": int(row["pairs"]), "estimate": row["estimate"], "se": row["se"], "df": row["df"],
                "ci95_low": row["low"], "ci95_high": row["high"], "ci90_low": low, "ci90_high": high,
                "sim_low": row["sim_low"], "sim_high": row["sim_high"], "margin": row["margin"],
                "verdict": row["verdict"], "exploratory": row["exploratory"], "evidence": _evidence(row),
            }  # fmt: skip
            # What is open needs another study, which `Stopped` tells; none can be added to this one.
            more = np.nan if row["verdict"] == "undecided" else 0.0
            values |= dict.fromkeys(("seeds_needed", "seeds_needed_low", "seeds_needed_high"), more)
        for name, value in values.items():
            frame.loc[at, name] = value
    return frame.assign(
        p=np.nan,
        p_adjusted=np.nan,
        p_bh=np.nan,
        p_equivalence=np.nan,
        p_equivalence_adjusted=np.nan,
    )


def _evidence(row: Mapping[Any, Any]) -> float:
    """The statistic that settled a comparison, as a share of its boundary; of an open one that which is further on."""
    shares = {
        "negligible": row["room"] / row["bound_small"],
        "differs": row["t"] / row["bound"],
    }
    if row["verdict"] == "undecided":
        return float(np.fmax(*shares.values()))
    return float(shares["negligible" if row["verdict"] == "negligible" else "differs"])


def anytime(
    frame: pd.DataFrame, units: Sequence[Floats], table: RunsTable, cells: Cells, *, alpha: float
) -> Overruled:
    """The table of effects as it stands where seeds were added without a plan; otherwise as it is.

    Args:
        frame: The effects, a row per contrast.
        units: Their weights on each background, shape (backgrounds, cells).
        table: The runs, with what was added.
        cells: The matrix of seeds and cells.
        alpha: Family-wise error.
    """
    late = added_late(table)
    if not late:
        return Overruled(frame)
    late = late[0].upper() + late[1:]
    y = cells.y[_in_order(table, cells)]
    found = [_as_they_came(y, unit) for unit in units]
    apart = [one for one, _ in found]
    margin = frame["margin"].to_numpy(float)
    asked = ((frame["role"] != "cell") & ~frame["verdict"].isin(("depends", "untested"))).to_numpy()
    p = np.array([anytime_p(x) for x in apart])
    equal = np.array(
        [
            anytime_equivalence_p(x, margin=m) if m > 0 else np.nan
            for x, m in zip(apart, margin, strict=True)
        ]
    )
    size = np.array([x.mean() if len(x) else np.nan for x in apart])
    adjusted = holm(np.where(asked, p, np.nan))
    adjusted_equal = holm(np.where(asked, equal, np.nan))
    verdict = verdicts(size, adjusted, adjusted_equal, margin=margin, alpha=alpha)
    old = frame["verdict"].tolist()
    kept = [
        new if is_asked else was for new, was, is_asked in zip(verdict, old, asked, strict=True)
    ]
    ends: dict[str, Any] = {}
    levels = {"ci95": 0.05, "ci90": 0.10, "sim": alpha / max(int(asked.sum()), 1)}
    error = np.array([x.std(ddof=1) / np.sqrt(len(x)) if len(x) > 1 else np.nan for x in apart])
    for name, level in levels.items():
        half = error * [anytime_half_width(len(x), alpha=level) for x in apart]
        ends |= {f"{name}_low": size - half, f"{name}_high": size + half}
    made = frame.assign(
        estimate=size, se=error, df=[len(x) - 1.0 for x in apart], error="own",
        n_pairs=[len(x) for x in apart], p=p, p_adjusted=adjusted,
        p_equivalence=equal, p_equivalence_adjusted=adjusted_equal, p_bh=np.nan, verdict=kept, **ends,
    )  # fmt: skip
    remarks = [ADDED.format(late=late), *([] if all(same for _, same in found) else [UNPAIRED])]
    return Overruled(made, tuple(remarks), "any time")


def _as_they_came(y: Floats, unit: Floats) -> tuple[Floats, bool]:
    """A contrast's differences one after another, and whether each is of one seed.

    Where the arms share hardly any, their first runs make a difference, their second ones, and so on: which ones come
    together was fixed by no outcome.
    """
    shared = seed_values(y, unit)
    shared = shared[~np.isnan(shared)]
    used = (unit != 0).any(axis=0)
    runs = [column[~np.isnan(column)] for column in y.T[used]]
    fewest = min(map(len, runs))
    # As `analysis.contrasts.estimation.estimate` tells arms that share seeds.
    if 2 * len(shared) >= fewest:
        return shared, True
    together = np.column_stack([run[:fewest] for run in runs])
    return np.asarray(together @ unit[:, used].mean(axis=0)), False


def _in_order(table: RunsTable, cells: Cells) -> NDArray[np.intp]:
    """The rows of the matrix in the order in which the study lists its seeds."""
    listed: Sequence[Any] = table.info.get("seeds") or []
    place: Mapping[float, int] = {float(seed): i for i, seed in enumerate(listed)}
    keys = [(place.get(float(seed), len(place)), float(seed)) for seed in cells.seeds]
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), dtype=np.intp)


def _arm(cells: Cells, cell: int) -> Contrast:
    label = cells.labels[cell]
    units = differences([(cell, cells.baseline)], cells)
    return Contrast(
        "control", label, "", label, cells.labels[cells.baseline], units, cells.arms[cell]
    )
