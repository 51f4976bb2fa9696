"""The runs of a comparison as a seed x cell matrix; a cell is an arm with its unused factors filled in."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.errors import TableError
from analysis.tables.runs_table import RunsTable
from plain_files.numbers import as_given

Floats = NDArray[np.float64]
COSTS = ("params", "attention_params", "macs", "seconds")


@dataclass(frozen=True)
class Cells:
    """Losses by seed and cell."""

    y: Floats
    """Shape (seeds, cells); NaN where the run is missing."""
    seeds: Floats
    values: pd.DataFrame
    """Factor values per cell, columns = factors; an unused factor has its baseline's value."""
    labels: list[str]
    arms: list[str]
    costs: pd.DataFrame
    """Mean cost per cell: those of `params, attention_params, macs, seconds` that the table has."""
    baseline: int
    """Index of the baseline's cell."""
    factors: list[str]
    """The factors that vary between the cells."""
    runs: NDArray[np.intp]
    """Complete runs per cell."""
    assumed: list[str]
    """The factors whose baseline level nobody named: it is the first run's."""

    @property
    def baseline_levels(self) -> dict[str, Any]:
        """Factor -> level of the baseline, of the factors that vary."""
        return {f: self.values[f].iloc[self.baseline] for f in self.factors}

    def named(self, factor: str, level: Any) -> str:
        """A level in words: `gate=sigmoid`, or the label of the arm that has it alone, such as `no attention`.

        So one arm has one name wherever it is spoken of.
        """
        return self._names.get((factor, level), assigned(factor, level))

    @cached_property
    def _names(self) -> dict[tuple[str, Any], str]:
        """Factor and level -> label of the arm that differs from the baseline in it alone and does not say it."""
        base, names = self.values.iloc[self.baseline].to_dict(), {}
        for label, row in zip(self.labels, self.values.to_dict("records"), strict=True):
            changed = [f for f in self.factors if row[f] != base[f]]
            if len(changed) == 1 and f"{changed[0].rpartition('.')[2]}=" not in label:
                names[changed[0], row[changed[0]]] = label
        return names

    @property
    def complete(self) -> bool:
        """Whether every seed has every cell."""
        return not bool(np.isnan(self.y).any())


def cells_of(table: RunsTable) -> Cells:
    """The complete runs as a seed x cell matrix.

    Raises:
        TableError: If a run of a repeated arm has no seed, there is one arm only, or the baseline's arm has no run.
    """
    rows = table.complete()
    names = [f for f in dict.fromkeys([*table.factors, *table.baseline]) if f in rows]
    if not names:
        raise TableError(
            "the table has no factor: no column beside seed and metric takes two values, one of them in two rows. Add "
            "one, or name the column: --factors NAME."
        )
    baseline = _baseline(table, rows, names)
    filled = rows[names].copy()
    for name in names:
        filled[name] = filled[name].astype(object).where(filled[name].notna(), baseline[name])
    code, values = _codes(filled)
    if rows["seed"].isna().all() and len(values) == len(rows):
        rows = rows.assign(seed=0.0)  # One run per arm: differences, and no seeds to judge them by.
    if rows["seed"].isna().any():
        row = rows["seed"].isna().idxmax()
        raise TableError(
            f"`seed` must be given for effects (seeds are the blocks), but row {row} has none. Number the repetitions "
            "of an arm if they are runs of their own; one run per arm needs no seed."
        )
    if len(values) < 2:
        raise TableError(
            "effects need at least two arms, but every complete run of the table is of one arm."
        )
    at = np.flatnonzero(
        [all(row[n] == baseline[n] for n in names) for row in values.to_dict("records")]
    )
    if len(at) == 0:
        raise TableError(f"the baseline {baseline} has no complete run to compare with.")
    return _matrix(table, rows, code, values, baseline=int(at[0]))


def _baseline(table: RunsTable, rows: pd.DataFrame, names: list[str]) -> dict[str, Any]:
    """The declared baseline; for a factor without one, its value in the table's first complete run."""
    first = {n: rows[n].dropna().iloc[0] for n in names if rows[n].notna().any()}
    return {n: table.baseline.get(n, first.get(n)) for n in names}


def _codes(filled: pd.DataFrame) -> tuple[NDArray[np.intp], pd.DataFrame]:
    code = filled.groupby(list(filled.columns), sort=False, dropna=False).ngroup().to_numpy()
    values = filled.iloc[np.unique(code, return_index=True)[1]].reset_index(drop=True)
    return code.astype(np.intp), values


def _matrix(
    table: RunsTable,
    rows: pd.DataFrame,
    code: NDArray[np.intp],
    values: pd.DataFrame,
    *,
    baseline: int,
) -> Cells:
    seeds, seed_code = np.unique(rows["seed"].to_numpy(float), return_inverse=True)
    count = np.zeros((len(seeds), len(values)))
    total = np.zeros_like(count)
    np.add.at(count, (seed_code, code), 1.0)
    np.add.at(total, (seed_code, code), rows[table.metric].to_numpy(float))
    if count.max() > 1:
        seed, cell = np.argwhere(count > 1)[0]
        twins = rows.index[(seed_code == seed) & (code == cell)]
        raise TableError(
            f"`seed` must be unique within an arm, but rows {twins[0]} and {twins[1]} build one arm "
            f"({', '.join(f'{k}={v}' for k, v in values.iloc[cell].items())}) with seed {as_given(seeds[seed])}."
        )
    y = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
    costs = pd.DataFrame(
        {c: rows.groupby(code)[c].mean() for c in COSTS if rows[c].notna().any()}
    ).reset_index(drop=True)
    varying = [f for f in values.columns if len(values[f].unique()) > 1]
    first = np.unique(code, return_index=True)[1]
    levels, given = values.to_dict("records"), rows["label"].to_numpy()[first]
    labels = [
        _label(name, row, levels[baseline], varying)
        for name, row in zip(given, levels, strict=True)
    ]
    arms = rows["arm"].to_numpy()[first].astype(str).tolist()
    return Cells(
        y, seeds, values, labels, arms, costs, baseline, varying, count.sum(0).astype(np.intp),
        [f for f in varying if f not in table.baseline],
    )  # fmt: skip


def _label(given: Any, row: dict[Any, Any], base: dict[Any, Any], varying: list[str]) -> str:
    if isinstance(given, str) and given not in ("", "baseline"):
        return given
    changed = [f for f in varying if row[f] != base[f]]
    return ", ".join(assigned(f, row[f]) for f in changed or varying)


def assigned(factor: str, level: Any) -> str:
    """A factor at a level as a reader writes it: gate=sigmoid, without the group."""
    return f"{factor.rpartition('.')[2]}={as_given(level)}"


def swapped(key: tuple[Any, ...], changes: dict[int, Any]) -> tuple[Any, ...]:
    """A cell's levels with some of them changed, by their place in it."""
    return tuple(changes.get(k, value) for k, value in enumerate(key))
