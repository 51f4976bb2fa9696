"""Whether several changes together do what they do one by one: arms with many changes against the sum."""

from itertools import permutations
from typing import Any

import numpy as np
import pandas as pd

from analysis.contrasts.cells import Cells, swapped
from analysis.contrasts.contrast_tests import ContrastTests
from analysis.contrasts.equivalence import REPEATED
from plain_files.numbers import interval, p_words, signed

Change = tuple[str, Any]
"""A factor and its level."""


def additivity(
    cells: Cells, index: dict[tuple[Any, ...], int], tests: ContrastTests, pairs: pd.DataFrame
) -> pd.DataFrame:
    """The arms with the most changes whose single changes are all there, against the sum of those."""
    columns = list(cells.values.columns)
    sizes = {
        ((row["first"], row["first_level"]), (row["second"], row["second_level"])): abs(
            row["estimate"]
        )
        for row in pairs.to_dict("records")
    }
    base = tuple(cells.values.iloc[cells.baseline])
    rows, weights, together = [], [], []
    for key, cell in index.items():
        changed = [k for k in range(len(base)) if key[k] != base[k]]
        singles = [swapped(base, {k: key[k]}) for k in changed]
        if len(changed) < 2 or not all(single in index for single in singles):
            continue
        w = np.zeros(len(cells.labels))
        w[cell] += 1
        for single in singles:
            w[index[single]] -= 1
        w[cells.baseline] += len(changed) - 1
        gap = np.zeros(len(cells.labels))
        gap[cell], gap[cells.baseline] = 1, -1
        names = [cells.named(columns[k], key[k]) for k in changed]
        rows.append(
            (
                cells.labels[cell],
                " + ".join(names),
                len(changed),
                _culprit(cells, sizes, [(columns[k], key[k]) for k in changed]),
            )
        )
        weights.append(w[None])
        together.append(gap[None])
    most = max((row[2] for row in rows), default=0)
    keep = [i for i, row in enumerate(rows) if row[2] == most]
    frame = tests.frame([(rows[i][0], rows[i][1], rows[i][3]) for i in keep], [weights[i] for i in keep],
                        ["arm", "changes", "explained_by"])  # fmt: skip
    frame = frame.rename(columns={"estimate": "gap"})
    full = tests.frame([(i,) for i in keep], [together[i] for i in keep], ["arm"])
    frame.insert(2, "together", full["estimate"].to_numpy())
    frame.insert(3, "singly", (full["estimate"].to_numpy() - frame["gap"].to_numpy()))
    return frame


def additivity_sentence(frame: pd.DataFrame, alpha: float, *, interact: bool) -> list[str]:
    """All rows of `additivity` in one sentence; none where there are none.

    Args:
        frame: Of `additivity`.
        alpha: Family-wise error.
        interact: Whether a pair of levels was seen to interact, so that adding up fails somewhere.
    """
    if frame.empty:
        return []
    if frame["p_adjusted"].isna().all():
        return [f"Whether changes add up cannot be tested: {REPEATED} are needed."]
    many = len(frame) > 1
    away = frame[frame["p_adjusted"] < alpha]
    if away.empty:
        largest = frame.iloc[int(np.nanargmax(frame["gap"].to_numpy(float) ** 2))]
        if interact:
            arms = f"the {len(frame)} arms" if many else "the arm"
            return [
                f"Adding up: in {arms} with the most changes alone, the departure is not told from the noise; "
                f"{'the largest: ' if many else ''}{_sums(largest)}, a gap of {signed(largest['gap'])} "
                f"{interval(largest['sim_low'], largest['sim_high'])}."
            ]
        of = f" in {len(frame)} arms with the most changes; the largest" if many else ""
        return [
            f"Adding up: no departure was seen{of}: {_sums(largest)}, a gap of {signed(largest['gap'])} "
            f"{interval(largest['sim_low'], largest['sim_high'])}."
        ]
    row = away.iloc[int(np.argmin(away["p_adjusted"].to_numpy(float)))]
    where = (
        f" in {len(away)} of {len(frame)} arms with the most changes, most clearly" if many else ""
    )
    why = f"; largest pair: {row['explained_by']}" if row["explained_by"] else ""
    return [f"Adding up fails{where}: {_sums(row)} (adjusted {p_words(row['p_adjusted'])}){why}."]


def _sums(row: "pd.Series[Any]") -> str:
    together, singly = signed(row["together"]), signed(row["singly"])
    return f"{row['changes']} give {together} together, {singly} as a sum of single effects"


def _culprit(cells: Cells, sizes: dict[tuple[Change, Change], float], changes: list[Change]) -> str:
    """The largest pairwise interaction among an arm's changes; empty where none was measured."""
    mine = [pair for pair in permutations(changes, 2) if pair in sizes]
    if not mine:
        return ""
    first, second = max(mine, key=sizes.__getitem__)
    return f"{cells.named(*first)} x {cells.named(*second)}"
