"""Do effects depend on each other? Interactions, simple effects where one is present, and stacking.

The interaction of two levels is a difference of differences: how much the effect of one level changes
when the other is switched on. Where it is real, a main effect is an average of unlike things, and the
simple effects (of one factor at each level of the other) are what to read.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.cells import Cells, assigned, cells_of
from analysis.contrasts import mean_difference
from analysis.errors import TableError
from analysis.estimation import ErrorModel, blocks_for, estimate, t_bounds
from analysis.multiplicity import benjamini_hochberg, holm
from analysis.plain import records
from analysis.runs_table import RunsTable
from analysis.seed_blocks import two_sided, unequal_noise

Floats = NDArray[np.float64]
TESTED = ["n_pairs", "error", "estimate", "se", "df", "low", "high", "p", "p_holm"]


@dataclass(frozen=True)
class Interactions:
    """What crossed factors say about each other."""

    frame: pd.DataFrame
    """One row per pair of levels: `first, first_level, second, second_level, backgrounds` and the test:
    `n_pairs, error, estimate, se, df, low, high, p, p_holm, present`. Empty without crossed factors."""
    simple: pd.DataFrame
    """Where an interaction is present: `factor, level, given, given_level` and the test."""
    stacking: pd.DataFrame
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
        lines += [_stacked(row, self.alpha) for row in self.stacking.to_dict("records")]
        return lines

    def to_json(self) -> dict[str, Any]:
        """Plain values; infinity and undefined numbers are null."""
        return {
            "interactions": records(self.frame),
            "simple_effects": records(self.simple),
            "stacking": records(self.stacking),
            "sentences": self.sentences(),
        }


def interactions(
    table: RunsTable, *, alpha: float = 0.05, error: ErrorModel = "auto", seed: int = 0
) -> Interactions:
    """Two-factor interactions of all crossed factors, Holm-adjusted together."""
    cells = cells_of(table)
    tester = _Tester(cells, error, unequal_noise(cells.y, seed=seed))
    index = {tuple(row): i for i, row in enumerate(cells.values.itertuples(index=False))}
    found = list(_pairs(cells, index))
    frame = tester.test([(*f[:4], f[5]) for f in found], [f[4] for f in found],
                        ["first", "first_level", "second", "second_level", "backgrounds"])  # fmt: skip
    frame["present"] = frame["p_holm"] < alpha
    present = frame[frame["present"]]
    wanted = {(r["first"], r["second"]) for r in present.to_dict("records")}
    wanted |= {(b, a) for a, b in wanted}
    simple = list(_simple(cells, index, sorted(wanted)))
    simple_frame = tester.test(
        [s[:4] for s in simple], [s[4] for s in simple], ["factor", "level", "given", "given_level"]
    )
    return Interactions(frame, simple_frame, _stacking(cells, index, tester, frame), alpha)


def factorial(table: RunsTable, *, error: ErrorModel = "pooled") -> pd.DataFrame:
    """All effects of a complete two-level factorial, main and interactions of every order.

    An effect is the mean of the high half less the mean of the low half; the baseline's level is low.
    Columns: `effect, estimate, se, df, low, high, p, p_holm, p_bh, order`.

    Raises:
        TableError: If a factor has not two levels, or a combination is missing.
    """
    cells = cells_of(table)
    names = cells.factors
    base = cells.values.iloc[cells.baseline]
    for name in names:
        levels = len(cells.values[name].unique())
        if levels != 2:
            raise TableError(f"a two-level factorial is needed, but `{name}` has {levels} levels.")
    if len(cells.labels) != 2 ** len(names):
        raise TableError(
            f"a complete factorial of {len(names)} factors has {2 ** len(names)} arms, but "
            f"{len(cells.labels)} have runs."
        )
    sign = np.stack([np.where(cells.values[n] == base[n], -1.0, 1.0) for n in names])
    terms = [c for k in range(1, len(names) + 1) for c in combinations(range(len(names)), k)]
    weights = [np.prod(sign[list(term)], axis=0) * 2 / len(cells.labels) for term in terms]
    labels = [(":".join(names[i].rpartition(".")[2] for i in term), len(term)) for term in terms]
    tester = _Tester(cells, error, 1.0)
    frame = tester.test(labels, weights, ["effect", "order"])
    frame["p_bh"] = benjamini_hochberg(frame["p"].to_numpy(float))
    return frame


@dataclass(frozen=True)
class _Tester:
    cells: Cells
    error: ErrorModel
    noise: float

    def test(
        self, heads: Iterable[tuple[Any, ...]], weights: list[Floats], names: list[str]
    ) -> pd.DataFrame:
        """One row per contrast: its description and its test, Holm-adjusted over the rows."""
        frame = pd.DataFrame(list(heads), columns=names).astype(object)
        if not weights:
            return frame.reindex(columns=[*names, *TESTED])
        stacked = np.stack(weights)
        blocks, _ = blocks_for(self.cells, stacked)
        made = estimate(self.cells, blocks, stacked, error=self.error, noise=self.noise)
        size, se, df = (np.asarray(made[n], dtype=float) for n in ("estimate", "se", "df"))
        bounds = t_bounds(size, se, df, 0.95, "ci")
        p = two_sided(size, se, df)
        return frame.assign(
            **made, low=bounds["ci_low"], high=bounds["ci_high"], p=p, p_holm=holm(p)
        )


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
            corners = [_swap(key, {i: base[first]}), _swap(key, {j: base[second]}),
                       _swap(key, {i: base[first], j: base[second]})]  # fmt: skip
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
            pairs = [(index[k], index[_swap(k, {i: base[factor]})]) for k in here
                     if _swap(k, {i: base[factor]}) in index]  # fmt: skip
            if pairs:
                yield factor, level, given, at, mean_difference(pairs, cells)


def _stacking(
    cells: Cells, index: dict[tuple[Any, ...], int], tester: _Tester, pairs: pd.DataFrame
) -> pd.DataFrame:
    """The arms with the most changes whose single changes are all there, against the sum of those."""
    columns = list(cells.values.columns)
    base = tuple(cells.values.iloc[cells.baseline])
    rows, weights, together = [], [], []
    for key, cell in index.items():
        changed = [k for k in range(len(base)) if key[k] != base[k]]
        singles = [_swap(base, {k: key[k]}) for k in changed]
        if len(changed) < 2 or not all(single in index for single in singles):
            continue
        w = np.zeros(len(cells.labels))
        w[cell] += 1
        for single in singles:
            w[index[single]] -= 1
        w[cells.baseline] += len(changed) - 1
        gap = np.zeros(len(cells.labels))
        gap[cell], gap[cells.baseline] = 1, -1
        names = [assigned(columns[k], key[k]) for k in changed]
        rows.append(
            (
                cells.labels[cell],
                " + ".join(names),
                len(changed),
                _culprit(pairs, columns, key, changed),
            )
        )
        weights.append(w)
        together.append(gap)
    most = max((row[2] for row in rows), default=0)
    keep = [i for i, row in enumerate(rows) if row[2] == most]
    frame = tester.test([(rows[i][0], rows[i][1], rows[i][3]) for i in keep], [weights[i] for i in keep],
                        ["arm", "changes", "explained_by"])  # fmt: skip
    frame = frame.rename(columns={"estimate": "gap"})
    full = tester.test([(i,) for i in keep], [together[i] for i in keep], ["arm"])
    frame.insert(2, "together", full["estimate"].to_numpy())
    frame.insert(3, "singly", (full["estimate"].to_numpy() - frame["gap"].to_numpy()))
    return frame


def _culprit(
    pairs: pd.DataFrame, columns: list[str], key: tuple[Any, ...], changed: list[int]
) -> str:
    """The largest pairwise interaction among an arm's changes; empty where none was measured."""
    at = {columns[k]: key[k] for k in changed}
    mine = [
        row for row in pairs.to_dict("records")
        if at.get(row["first"]) == row["first_level"] and at.get(row["second"]) == row["second_level"]
    ]  # fmt: skip
    if not mine:
        return ""
    worst = max(mine, key=lambda row: abs(row["estimate"]))
    return f"{assigned(worst['first'], worst['first_level'])} x {assigned(worst['second'], worst['second_level'])}"


def _swap(key: tuple[Any, ...], changes: dict[int, Any]) -> tuple[Any, ...]:
    return tuple(changes.get(k, value) for k, value in enumerate(key))


def _pairs_of(count: int) -> str:
    return "1 pair" if count == 1 else f"{count} pairs"


def _stacked(row: dict[Any, Any], alpha: float) -> str:
    sums = f"{row['changes']}: {row['together']:+.3g} together, {row['singly']:+.3g} as a sum of single effects"
    if math.isnan(row["p_holm"]):
        return f"{sums}; whether they add up cannot be tested: at least 2 seeds are needed."
    if row["p_holm"] < alpha:
        why = f"; largest pair: {row['explained_by']}" if row["explained_by"] else ""
        return f"{sums}; they do not add up (Holm p = {row['p_holm']:.2g}){why}."
    return f"{sums}; no departure from adding up was seen ({row['gap']:+.3g} [{row['low']:+.3g}, {row['high']:+.3g}])."
