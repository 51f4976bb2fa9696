"""Which comparisons a table supports: each factor's levels on matched backgrounds, and every arm.

A background is an assignment of all other factors. The effect of a level is the mean, over all
backgrounds that have both, of its cell less the baseline level's cell: in a one-factor-at-a-time design
that is one arm against the baseline, in a factorial it is the main effect.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.contrasts.cells import Cells

Floats = NDArray[np.float64]
Role = Literal["factor", "control", "simple", "cell"]


@dataclass(frozen=True)
class Contrast:
    """One comparison of cells."""

    role: Role
    """`factor`: a level against the baseline's; `control`: an arm that no factor row covers; `simple`: a level
    against the baseline's where other factors stand at given levels; `cell`: an arm of a factorial against the baseline
    arm, for looking only."""
    label: str
    factor: str
    level: Any
    against: Any
    units: Floats
    """Weights on the cells, summing to zero, of the comparison on each background: shape (backgrounds, cells)."""
    arm: str
    """The arm compared, where it is one; empty for a mean over backgrounds."""
    given: str = ""
    """Of a simple effect: where the other factors stand."""

    @property
    def weights(self) -> Floats:
        """The comparison as a whole: the mean over its backgrounds."""
        return np.asarray(self.units.mean(axis=0))

    @property
    def backgrounds(self) -> int:
        """How many settings of the other factors it is a mean over."""
        return len(self.units)


def contrasts_of(cells: Cells) -> list[Contrast]:
    """Factor rows first, then controls, then the cells of a factorial."""
    factor_rows = [row for name in cells.factors for row in _factor_rows(cells, name)]
    covered = {int(i) for row in factor_rows for i in np.flatnonzero(row.weights)}
    single = {
        int(np.flatnonzero(row.weights > 0)[0])
        for row in factor_rows
        if row.backgrounds == 1 and row.weights[cells.baseline] < 0
    }
    others = [i for i in range(len(cells.labels)) if i != cells.baseline and i not in single]
    arm_rows = [_arm_row(cells, i, role="cell" if i in covered else "control") for i in others]
    return factor_rows + sorted(arm_rows, key=lambda row: row.role == "cell")


def weights_of(rows: list[Contrast]) -> Floats:
    """The weights stacked, shape (contrasts, cells)."""
    return np.stack([row.weights for row in rows])


def matched_pairs(cells: Cells, factor: str) -> dict[Any, list[tuple[int, int]]]:
    """Level -> (cell with the level, cell with the baseline's level) on each shared background."""
    others = [f for f in cells.values.columns if f != factor]
    base = cells.values[factor].iloc[cells.baseline]
    found: dict[Any, dict[tuple[Any, ...], int]] = defaultdict(dict)
    for i, row in enumerate(cells.values.to_dict("records")):
        found[row[factor]][tuple(row[f] for f in others)] = i
    reference = found.pop(base)
    return {
        level: [(i, reference[key]) for key, i in at.items() if key in reference]
        for level, at in found.items()
    }


def differences(pairs: list[tuple[int, int]], cells: Cells) -> Floats:
    """Weights on the cells of the first less the second of each pair, a row per pair."""
    units = np.zeros((len(pairs), len(cells.labels)))
    for row, (high, low) in enumerate(pairs):
        units[row, high], units[row, low] = 1.0, -1.0
    return units


def _factor_rows(cells: Cells, factor: str) -> list[Contrast]:
    base = cells.values[factor].iloc[cells.baseline]
    rows = []
    for level, pairs in matched_pairs(cells, factor).items():
        if not pairs:
            continue
        one = len(pairs) == 1 and pairs[0][1] == cells.baseline
        label = cells.named(factor, level)
        if len(pairs) == 1 and not one:
            label += f" (at {_background(cells, pairs[0][1])})"
        arm = cells.arms[pairs[0][0]] if one else ""
        rows.append(Contrast("factor", label, factor, level, base, differences(pairs, cells), arm))
    return rows


def _background(cells: Cells, cell: int) -> str:
    """The levels in which a cell differs from the baseline."""
    levels = cells.values
    return ", ".join(
        cells.named(f, levels[f].iloc[cell])
        for f in cells.factors
        if levels[f].iloc[cell] != levels[f].iloc[cells.baseline]
    )


def _arm_row(cells: Cells, cell: int, *, role: Role) -> Contrast:
    label, units = cells.labels[cell], differences([(cell, cells.baseline)], cells)
    return Contrast(role, label, "", label, cells.labels[cells.baseline], units, cells.arms[cell])


def contrast_frame(rows: list[Contrast]) -> pd.DataFrame:
    """The rows' descriptions as columns."""
    names = ("role", "label", "factor", "level", "against", "given", "backgrounds", "arm")
    return pd.DataFrame({name: [getattr(row, name) for row in rows] for name in names}).astype(
        {"level": object, "against": object}
    )
