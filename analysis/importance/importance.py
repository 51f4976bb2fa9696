"""Which factor explains how much: three measures, each labelled by the question that it answers.

The factorial share is the primary one: it has an interval and a test, the F test of the factor with Holm's
adjustment over the factors. fANOVA and PED-ANOVA are shown beside it because people expect them; they answer
other questions, and their sum is 1 by construction even where nothing matters. So each comes with what chance
reaches: the factorial share above which the test tells a factor from chance at 5 %, and the rivals' share
that a factor gets in 1 of 20 tables whose losses are dealt out at random.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.contrasts.cr2 import centred, codes_of
from analysis.contrasts.multiplicity import holm
from analysis.errors import TableError
from analysis.importance.forest_shares import forest_shares
from analysis.importance.ped_shares import ped_shares
from analysis.importance.variance_shares import (
    ALPHA,
    ROUNDING,
    Spans,
    chance_shares,
    spans_of,
    variance_shares,
)
from analysis.plain import records
from analysis.tables.runs_table import RunsTable
from plain_files.numbers import p_words
from plain_files.shown import in_html, in_line

Floats = NDArray[np.float64]
VARIANCE = "How much of the variance between runs is due to it? (factorial shares)"
FOREST = "How much of a random forest's variance over the whole space? (fANOVA)"
TOP = "What sets the best tenth of the runs apart? (PED-ANOVA)"
QUESTIONS = {"fanova": FOREST, "ped_anova": TOP}
DEALT = "the share that a factor reaches in 1 of 20 tables whose losses are dealt out at random"
CHANCE = {
    VARIANCE: "the share above which the F test tells a factor from chance, 5 % over all factors (Holm)",
    FOREST: DEALT,
    TOP: DEALT,
}
"""What the column `chance` says, by question."""
COLUMNS = ["factor", "question", "share", "low", "high", "chance", "p", "p_holm"]
MOST_PERMUTATIONS = 10_000
REST = ("interactions", "noise", "joint")
"""The rows that are no factor's; `joint` is what factors explain only together, where they change together."""


@dataclass(frozen=True)
class Importance:
    """Shares of the factors."""

    frame: pd.DataFrame
    """`factor, question, share, low, high, chance, p, p_holm`; `low, high` and the p for the factorial
    only. `share > chance` exactly where `p_holm` is below 0.05. Its rows also hold `interactions` (of any
    order), `noise` and, where factors change together, `joint`, so that they sum to about 1."""
    runs: int
    permutations: int
    fixed: tuple[str, ...]
    """The factors that others fix: they never change by themselves."""

    def __repr__(self) -> str:
        """In a line: the first sentence."""
        return in_line("Importance", *self.sentences()[:1])

    def _repr_html_(self) -> str:
        rows = self.frame.itertuples(index=False)
        return in_html(
            "Shares of the variance",
            self.sentences(),
            head=[str(name) for name in self.frame],
            rows=rows,
        )

    def sentences(self) -> list[str]:
        """Per factor, by the primary measure: its share, its interval, and whether chance reaches it."""
        shared = self.frame[self.frame["question"] == VARIANCE].sort_values(
            "share", ascending=False, kind="stable"
        )
        return [
            self._said(row)
            for row in shared.to_dict("records")
            if not (row["factor"] in REST and np.isnan(row["share"]))
        ]

    def _said(self, row: dict[Any, Any]) -> str:
        name, share = row["factor"], f"{row['share']:.0%}"
        if name == "joint":
            return (
                f"{share} of the variance between runs is due to factors that change together: "
                "it cannot be told whose it is."
            )
        if name in REST:
            return f"{name}: {share} of the variance between runs."
        if name in self.fixed:
            return f"{name} changes only together with other factors: no share of its own."
        if np.isnan(row["p"]):
            return (
                f"{name}: {share} of the variance between runs; no noise could be estimated, so there is no "
                "interval and no test."
            )
        seen = "above chance" if row["p_holm"] < ALPHA else "not told from chance"
        return (
            f"{name}: {share} [{row['low']:.0%}, {row['high']:.0%}] of the variance between runs, {seen} "
            f"(Holm {p_words(row['p_holm'])})."
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values; infinity and undefined numbers are null."""
        return {
            "shares": records(self.frame),
            "runs": self.runs,
            "permutations": self.permutations,
            "sentences": self.sentences(),
        }


def estimate_importance(
    table: RunsTable,
    *,
    evaluators: tuple[Literal["fanova", "ped_anova"], ...] = ("fanova", "ped_anova"),
    permutations: int = 20,
    confidence: float = 0.95,
    seed: int = 0,
) -> Importance:
    """Variance shares of the factors, with fANOVA and PED-ANOVA beside them.

    Args:
        table: Any table; the complete runs enter. An arm that does not use a factor counts as a level.
        evaluators: Which others to show, of the factors that change by themselves where there are two;
            `ped_anova` is Optuna's and imports it.
        permutations: Random deals of the losses behind `chance` of fANOVA and PED-ANOVA.
        confidence: Of the factorial shares' intervals.
        seed: Of the deals and of the forest.

    Raises:
        TableError: If no factor or no loss varies, or `permutations` is not from 1 to `MOST_PERMUTATIONS`.
    """
    if not 1 <= permutations <= MOST_PERMUTATIONS:
        raise TableError(
            f"`permutations` must be from 1 to {MOST_PERMUTATIONS:,}, but got {permutations}; each is one random deal "
            "of the losses, for which both are computed anew, and with less than one there is no line that chance "
            "reaches. Give 20 or more."
        )
    rows = table.complete()
    levels = _levels(table, rows)
    names = [str(name) for name in levels]
    loss = rows[table.metric].to_numpy(float)
    groups = _seed_blocks(rows)
    if np.ptp(loss) == 0 or np.abs(centred(loss, groups)).max() <= ROUNDING * np.abs(loss).max():
        within = "" if np.ptp(loss) == 0 else " with one seed"
        raise TableError(
            f"{table.metric} is the same in all complete runs{within}; there is nothing to share out."
        )
    random = np.random.default_rng(seed)
    spans = spans_of(levels, groups)
    parts = [_factorial(spans, loss, names, confidence=confidence)]
    adjusted = centred(loss, groups) + loss.mean()
    # A factor that others fix takes a part of their share, and of a single one the share is always 1.
    own = [f for f, basis in zip(names, spans.without, strict=True)
           if basis.shape[1] < spans.full.shape[1]]  # fmt: skip
    for name in evaluators if len(own) > 1 else ():
        shares_of = partial(forest_shares, seed=seed) if name == "fanova" else ped_shares
        null = (_deal(adjusted, groups, random) for _ in range(permutations))
        parts.append(_rival(shares_of, levels[own], adjusted, null, question=QUESTIONS[name]))
    frame = pd.concat(parts, ignore_index=True)[COLUMNS]
    fixed = tuple(name for name in names if name not in own)
    return Importance(frame, len(rows), permutations, fixed)


def _levels(table: RunsTable, rows: pd.DataFrame) -> pd.DataFrame:
    """A column per factor that varies; not to use a factor is a level of it."""
    names = [f for f in dict.fromkeys([*table.factors, *table.baseline]) if f in rows]
    names = [f for f in names if len(rows[f].astype(object).fillna("unused").unique()) > 1]
    if not names:
        raise TableError(
            "no factor varies between the complete runs; there is nothing to share out."
        )
    return pd.DataFrame({f: rows[f].astype(object).where(rows[f].notna(), "unused") for f in names})


def _factorial(spans: Spans, loss: Floats, names: list[str], *, confidence: float) -> pd.DataFrame:
    """The factorial shares with their tests; of the interactions and the noise no chance is told."""
    shares, p, low, high = variance_shares(spans, loss, confidence=confidence)
    chance, adjusted = np.full((2, len(shares)), np.nan)
    mine = slice(len(names))
    adjusted[mine] = holm(p[mine])
    chance[mine] = chance_shares(spans, loss, p[mine])
    frame = pd.DataFrame({
        "factor": [*names, *REST], "question": VARIANCE, "share": shares,
        "low": low, "high": high, "chance": chance, "p": p, "p_holm": adjusted,
    })  # fmt: skip
    # One factor has no interactions, and in a balanced factorial nothing is joint.
    absent = (frame["factor"] == "joint") & (frame["share"] == 0)
    absent |= (frame["factor"] == "interactions") & (len(names) == 1)
    return frame[~absent]


def _rival(
    shares_of: Callable[[pd.DataFrame, Floats], Floats],
    levels: pd.DataFrame,
    loss: Floats,
    null: Iterable[Floats],
    *,
    question: str,
) -> pd.DataFrame:
    """Another evaluator's shares, and what chance reaches in them: they have no interval and no test."""
    share = shares_of(levels, loss)
    chance = np.quantile(np.stack([shares_of(levels, dealt) for dealt in null]), 1 - ALPHA, axis=0)
    return pd.DataFrame({"factor": levels.columns, "question": question, "share": share, "chance": chance,
                         **dict.fromkeys(("low", "high", "p", "p_holm"), np.nan)})  # fmt: skip


def _seed_blocks(rows: pd.DataFrame) -> NDArray[np.intp]:
    seeds = rows["seed"]
    if seeds.isna().any() or seeds.nunique() in (len(rows), 1):
        return np.zeros(len(rows), dtype=np.intp)
    return codes_of(seeds.to_numpy())


def _deal(loss: Floats, groups: NDArray[np.intp], random: np.random.Generator) -> Floats:
    """The losses dealt out anew within each seed."""
    dealt = loss.copy()
    for group in np.unique(groups):
        at = np.flatnonzero(groups == group)
        dealt[at] = loss[random.permutation(at)]
    return dealt
