"""Do effects depend on each other? Interactions, simple effects where one is present, and additivity.

The interaction of two levels is a difference of differences: how much the effect of one level changes
when the other is switched on. Where it is real, a main effect is an average of unlike things, and the
simple effects (of one factor at each level of the other) are what to read.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.contrasts.cells import Cells, assigned, cells_of, swapped
from analysis.contrasts.contrast_tests import ContrastTests
from analysis.contrasts.contrasts import mean_difference
from analysis.contrasts.estimation import ErrorModel
from analysis.contrasts.seed_blocks import unequal_noise
from analysis.effects.additivity import additivity, additivity_sentence
from analysis.plain import records
from analysis.tables.runs_table import RunsTable

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Interactions:
    """What crossed factors say about each other."""

    frame: pd.DataFrame
    """One row per pair of levels: `first, first_level, second, second_level, backgrounds` and the test:
    `n_pairs, error, estimate, se, df, low, high, p, p_holm, present`. Empty without crossed factors."""
    simple: pd.DataFrame
    """Where an interaction is present: `factor, level, given, given_level` and the test."""
    additivity: pd.DataFrame
    """Arms with several changes: `arm, changes, together, singly, gap, se, df, low, high, p, p_holm,
    explained_by`; `gap` is what they do together beyond the sum of their single effects."""
    alpha: float

    def sentences(self) -> list[str]:
        """What was found, in plain words; nothing where no factors were crossed."""
        lines = []
        for row in self.frame[self.frame["present"]].to_dict("records") if len(self.frame) else []:
            pair = f"{assigned(row['first'], row['first_level'])} and {assigned(row['second'], row['second_level'])}"
            lines.append(
                f"{pair} interact: together {row['estimate']:+.3g} beyond the sum of both "
                f"[{row['low']:+.3g}, {row['high']:+.3g}] (Holm p = {row['p_holm']:.2g}); read the simple effects."
            )
        tested = int(self.frame["p"].notna().sum())
        if tested and not self.frame["present"].any():
            lines.append(f"No interaction was seen among {_pairs_of(tested)} of levels.")
        if tested < len(self.frame):
            lines.append(
                f"Whether {_pairs_of(len(self.frame) - tested)} of levels interact cannot be tested: "
                "at least 2 seeds are needed."
            )
        lines += [
            additivity_sentence(row, self.alpha) for row in self.additivity.to_dict("records")
        ]
        return lines

    def to_json(self) -> dict[str, Any]:
        """Plain values; infinity and undefined numbers are null."""
        return {
            "interactions": records(self.frame),
            "simple_effects": records(self.simple),
            "stacking": records(self.additivity),
            "sentences": self.sentences(),
        }


def interactions(
    table: RunsTable, *, alpha: float = 0.05, error: ErrorModel = "auto", seed: int = 0
) -> Interactions:
    """Two-factor interactions of all crossed factors, Holm-adjusted together."""
    cells = cells_of(table)
    tests = ContrastTests(cells, error, unequal_noise(cells.y, seed=seed))
    index = {tuple(row): i for i, row in enumerate(cells.values.itertuples(index=False))}
    found = list(_pairs(cells, index))
    frame = tests.frame([(*f[:4], f[5]) for f in found], [f[4] for f in found],
                        ["first", "first_level", "second", "second_level", "backgrounds"])  # fmt: skip
    frame["present"] = frame["p_holm"] < alpha
    present = frame[frame["present"]]
    wanted = {(r["first"], r["second"]) for r in present.to_dict("records")}
    wanted |= {(b, a) for a, b in wanted}
    simple = list(_simple(cells, index, sorted(wanted)))
    simple_frame = tests.frame(
        [s[:4] for s in simple], [s[4] for s in simple], ["factor", "level", "given", "given_level"]
    )
    return Interactions(frame, simple_frame, additivity(cells, index, tests, frame), alpha)


def _pairs(
    cells: Cells, index: dict[tuple[Any, ...], int]
) -> Iterator[tuple[str, Any, str, Any, Floats, int]]:
    """Every pair of non-baseline levels whose four cells exist on at least one background."""
    columns = list(cells.values.columns)
    base = cells.values.iloc[cells.baseline]
    for first, second in combinations(cells.factors, 2):
        i, j = columns.index(first), columns.index(second)
        squares: dict[tuple[Any, Any], list[tuple[int, int, int, int]]] = {}
        for key, both in index.items():
            if key[i] == base[first] or key[j] == base[second]:
                continue
            corners = [swapped(key, {i: base[first]}), swapped(key, {j: base[second]}),
                       swapped(key, {i: base[first], j: base[second]})]  # fmt: skip
            if all(corner in index for corner in corners):
                only_b, only_a, neither = (index[corner] for corner in corners)
                square = (both, only_b, only_a, neither)
                squares.setdefault((key[i], key[j]), []).append(square)
        for (a, b), found in squares.items():
            weights = np.zeros(len(cells.labels))
            for both, only_b, only_a, neither in found:
                np.add.at(weights, [both, neither], 1 / len(found))
                np.add.at(weights, [only_a, only_b], -1 / len(found))
            yield first, a, second, b, weights, len(found)


def _simple(
    cells: Cells, index: dict[tuple[Any, ...], int], wanted: list[tuple[str, str]]
) -> Iterator[tuple[str, Any, str, Any, Floats]]:
    """The effect of each level of a factor at each level of the other, over the backgrounds there."""
    columns = list(cells.values.columns)
    base = cells.values.iloc[cells.baseline]
    for factor, given in wanted:
        i, j = columns.index(factor), columns.index(given)
        levels = [x for x in cells.values[factor].unique() if x != base[factor]]
        for level, at in product(levels, cells.values[given].unique()):
            here = [key for key in index if key[i] == level and key[j] == at]
            pairs = [(index[k], index[swapped(k, {i: base[factor]})]) for k in here
                     if swapped(k, {i: base[factor]}) in index]  # fmt: skip
            if pairs:
                yield factor, level, given, at, mean_difference(pairs, cells)


def _pairs_of(count: int) -> str:
    return "1 pair" if count == 1 else f"{count} pairs"
