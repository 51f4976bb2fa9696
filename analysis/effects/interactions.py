"""Do effects depend on each other? Interactions, the simple effects that then decide, and additivity.

The interaction of two levels is a difference of differences: how much the effect of one level changes
when the other is switched on. Where one is present, a main effect is an average of unlike things, and the simple
effects (of one factor where the others stand at given levels) are what is decided.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from analysis.contrasts.cells import Cells, cells_of, swapped
from analysis.contrasts.contrast_tests import ContrastTests
from analysis.contrasts.contrasts import Contrast, differences
from analysis.contrasts.equivalence import REPEATED
from analysis.contrasts.estimation import ErrorModel
from analysis.effects.additivity import additivity, additivity_sentence
from analysis.plain import plain, records
from analysis.tables.runs_table import RunsTable
from plain_files.numbers import interval, number, p_words, signed

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Interactions:
    """What crossed factors say about each other."""

    frame: pd.DataFrame
    """One row per pair of levels: `first, first_level, second, second_level, backgrounds` and the test:
    `n_pairs, error, estimate, se, df, low, high, p, p_adjusted, sim_low, sim_high, present, detectable` (the
    smallest that would have been found with 80 % power). Empty without crossed factors."""
    additivity: pd.DataFrame
    """Arms with several changes: `arm, changes, together, singly, gap, se, df, low, high, p, p_adjusted,
    explained_by`; `gap` is what they do together beyond the sum of their single effects."""
    alpha: float

    def detectable(self, factor: str | None = None) -> float:
        """From which size every interaction (of a factor) would have been found; NaN where none can be tested."""
        rows = self.frame
        if factor is not None:
            rows = rows[(rows["first"] == factor) | (rows["second"] == factor)]
        return float(rows["detectable"].max()) if rows["detectable"].notna().any() else float("nan")

    @cached_property
    def partners(self) -> dict[str, list[str]]:
        """Factor -> the factors that its effect is seen to depend on."""
        found: dict[str, list[str]] = {}
        for row in self.frame[self.frame["present"]].to_dict("records") if len(self.frame) else []:
            for one, other in ((row["first"], row["second"]), (row["second"], row["first"])):
                if other not in found.setdefault(one, []):
                    found[one].append(other)
        return found

    def seen_of(self, factor: str, level: Any) -> bool:
        """Whether an interaction of this very level is seen; another level of its factor may have one."""
        seen = self.frame[self.frame["present"]] if len(self.frame) else self.frame
        mine = [
            (seen[name] == factor) & (seen[f"{name}_level"] == level)
            for name in ("first", "second")
        ]
        return bool((mine[0] | mine[1]).any())

    def sentences(self) -> list[str]:
        """What was found, in plain words; nothing where no factors were crossed."""
        lines = []
        for row in self.frame[self.frame["present"]].to_dict("records") if len(self.frame) else []:
            lines.append(
                f"{row['first_name']} and {row['second_name']} interact: together {signed(row['estimate'])} beyond the "
                f"sum of both {interval(row['sim_low'], row['sim_high'])} (adjusted {p_words(row['p_adjusted'])}); "
                "their simple effects decide."
            )
        tested = int(self.frame["p"].notna().sum())
        if tested and not self.frame["present"].any():
            lines.append(
                f"No interaction was seen among {_pairs_of(tested)} of levels; one of {number(self.detectable(), 2)} "
                "would have been found with 80 % power, a smaller one may be there."
            )
        if tested < len(self.frame):
            lines.append(
                f"Whether {_pairs_of(len(self.frame) - tested)} of levels interact cannot be tested: "
                f"{REPEATED} are needed."
            )
        return lines + additivity_sentence(
            self.additivity, self.alpha, interact=bool(self.frame["present"].any())
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values; infinity and undefined numbers are null."""
        return {
            "interactions": records(self.frame),
            "interaction_detectable": plain(self.detectable()),
            "stacking": records(self.additivity),
            "sentences": self.sentences(),
        }


def interactions(
    table: RunsTable, *, alpha: float = 0.05, error: ErrorModel = "auto"
) -> Interactions:
    """Two-factor interactions of all crossed factors, decided together."""
    return interactions_of(cells_of(table), alpha=alpha, error=error)


def interactions_of(cells: Cells, *, alpha: float, error: ErrorModel = "auto") -> Interactions:
    """Two-factor interactions between the cells' factors, decided together."""
    tests = ContrastTests(cells, error, alpha)
    index = _index(cells)
    found = list(_pairs(cells, index))
    frame = tests.frame([(*f[:4], len(f[4])) for f in found], [f[4] for f in found],
                        ["first", "first_level", "second", "second_level", "backgrounds"])  # fmt: skip
    for name in ("first", "second"):
        levels = zip(frame[name], frame[f"{name}_level"], strict=True)
        frame[f"{name}_name"] = [cells.named(*pair) for pair in levels]
    frame["present"] = (frame["p_adjusted"] < alpha).astype(bool)
    half = (frame["sim_high"] - frame["sim_low"]).astype(float) / 2
    frame["detectable"] = half + stats.t.ppf(0.8, frame["df"].astype(float)) * frame["se"].astype(
        float
    )
    return Interactions(frame, additivity(cells, index, tests, frame), alpha)


def simple_effects(cells: Cells, partners: dict[str, list[str]]) -> Iterator[Contrast]:
    """The effect of each level of a factor at each setting of the factors that it depends on."""
    index, columns = _index(cells), list(cells.values.columns)
    base = cells.values.iloc[cells.baseline]
    for factor, others in partners.items():
        i, at = columns.index(factor), [columns.index(other) for other in others]
        levels = [x for x in cells.values[factor].unique() if x != base[factor]]
        for setting in product(*(cells.values[other].unique() for other in others)):
            here = [k for k in index if all(k[j] == x for j, x in zip(at, setting, strict=True))]
            given = ", ".join(cells.named(o, x) for o, x in zip(others, setting, strict=True))
            for level in levels:
                pairs = [
                    (index[k], index[swapped(k, {i: base[factor]})])
                    for k in here
                    if k[i] == level and swapped(k, {i: base[factor]}) in index
                ]
                if pairs:
                    label = f"{cells.named(factor, level)} where {given}"
                    units = differences(pairs, cells)
                    yield Contrast("simple", label, factor, level, base[factor], units, "", given)


def _index(cells: Cells) -> dict[tuple[Any, ...], int]:
    return {tuple(row): i for i, row in enumerate(cells.values.itertuples(index=False))}


def _pairs(
    cells: Cells, index: dict[tuple[Any, ...], int]
) -> Iterator[tuple[str, Any, str, Any, Floats]]:
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
            units = np.zeros((len(found), len(cells.labels)))
            for row, square in enumerate(found):
                units[row, list(square)] = (1.0, -1.0, -1.0, 1.0)
            yield first, a, second, b, units


def _pairs_of(count: int) -> str:
    return "1 pair" if count == 1 else f"{count} pairs"
