"""Which factor explains how much: three measures, each labelled by the question that it answers.

The factorial share is the primary one: it has an interval and a test, the F test of the factor with Holm's
adjustment over the factors. fANOVA and PED-ANOVA are shown beside it because people expect them; they answer
other questions, and their sum is 1 by construction even where nothing matters. So each comes with what chance
reaches: the factorial share above which the test tells a factor from chance at 5 %, and the rivals' share
that a factor gets in 1 of 20 tables whose losses are dealt out at random.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.cr2 import centred, codes_of
from analysis.errors import TableError
from analysis.forest_shares import forest_shares
from analysis.multiplicity import holm
from analysis.plain import records
from analysis.runs_table import RunsTable
from analysis.variance_shares import (
    ALPHA,
    ROUNDING,
    Spans,
    chance_shares,
    spans_of,
    variance_shares,
)

Floats = NDArray[np.float64]
VARIANCE = "How much of the variance between runs is due to it? (factorial shares)"
FOREST = "How much of a random forest's variance over the whole space? (fANOVA)"
TOP = "What sets the best tenth of the runs apart? (PED-ANOVA)"
DEALT = "the share that a factor reaches in 1 of 20 tables whose losses are dealt out at random"
CHANCE = {
    VARIANCE: "the share above which the F test tells a factor from chance, 5 % over all factors (Holm)",
    FOREST: DEALT,
    TOP: DEALT,
}
"""What the column `chance` says, by question."""
COLUMNS = ["factor", "question", "share", "low", "high", "chance", "p", "p_holm"]
REST = ("interactions", "noise", "joint")
"""The rows that are no factor's; `joint` is what factors explain only together, where they change together."""
FEW_LEVELS = 20


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

    def sentences(self) -> list[str]:
        """Per factor, by the primary measure: its share, its interval, and whether chance reaches it."""
        shared = self.frame[self.frame["question"] == VARIANCE].sort_values(
            "share", ascending=False, kind="stable"
        )
        lines = []
        for row in shared.to_dict("records"):
            if row["factor"] in REST and np.isnan(row["share"]):
                continue
            if row["factor"] == "joint":
                lines.append(
                    f"{row['share']:.0%} of the variance between runs is due to factors that change together: "
                    "it cannot be told whose it is."
                )
                continue
            if row["factor"] in ("noise", "interactions"):
                lines.append(f"{row['factor']}: {row['share']:.0%} of the variance between runs.")
                continue
            if row["factor"] in self.fixed:
                lines.append(
                    f"{row['factor']} changes only together with other factors: no share of its own."
                )
                continue
            if np.isnan(row["p"]):
                lines.append(
                    f"{row['factor']}: {row['share']:.0%} of the variance between runs; no noise could be "
                    "estimated, so there is no interval and no test."
                )
                continue
            seen = "above chance" if row["p_holm"] < ALPHA else "not told from chance"
            lines.append(
                f"{row['factor']}: {row['share']:.0%} [{row['low']:.0%}, {row['high']:.0%}] of the variance "
                f"between runs, {seen} (Holm p = {row['p_holm']:.2g})."
            )
        return lines

    def to_json(self) -> dict[str, Any]:
        """Plain values; infinity and undefined numbers are null."""
        return {
            "shares": records(self.frame),
            "runs": self.runs,
            "permutations": self.permutations,
            "sentences": self.sentences(),
        }


def importance(
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
        TableError: If no factor or no loss varies, or `permutations` is below 1.
    """
    if permutations < 1:
        raise TableError(
            f"`permutations >= 1` must hold, but got {permutations}; each is one random deal of the losses, "
            "and with less than one there is no line that chance reaches. Give 20 or more."
        )
    rows = table.complete()
    names = [f for f in dict.fromkeys([*table.factors, *table.baseline]) if f in rows]
    names = [f for f in names if len(rows[f].astype(object).fillna("unused").unique()) > 1]
    if not names:
        raise TableError(
            "no factor varies between the complete runs; there is nothing to share out."
        )
    levels = pd.DataFrame(
        {f: rows[f].astype(object).where(rows[f].notna(), "unused") for f in names}
    )
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
        question = {"fanova": FOREST, "ped_anova": TOP}[name]
        shares_of: Callable[[pd.DataFrame, Floats], Floats] = (
            partial(forest_shares, seed=seed) if name == "fanova" else _ped_shares
        )
        share = shares_of(levels[own], adjusted)
        null = [
            shares_of(levels[own], _deal(adjusted, groups, random)) for _ in range(permutations)
        ]
        parts.append(pd.DataFrame({"factor": own, "question": question, "share": share, "low": np.nan,
                                   "high": np.nan, "chance": np.quantile(np.stack(null), 1 - ALPHA, axis=0),
                                   "p": np.nan, "p_holm": np.nan}))  # fmt: skip
    frame = pd.concat(parts, ignore_index=True)[COLUMNS]
    fixed = tuple(name for name in names if name not in own)
    return Importance(frame, len(rows), permutations, fixed)


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


def _ped_shares(levels: pd.DataFrame, loss: Floats) -> Floats:
    import optuna
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    spaces: dict[str, Any] = {}
    for factor in levels:
        values = list(pd.unique(levels[factor]))
        numeric = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
        if numeric and len(values) > FEW_LEVELS:
            spaces[str(factor)] = FloatDistribution(float(min(values)), float(max(values)))
        else:
            spaces[str(factor)] = CategoricalDistribution([_plain(v) for v in values])
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study = optuna.create_study()
        study.add_trials([
            optuna.trial.create_trial(
                params={str(f): _plain(v) for f, v in zip(levels, row, strict=True)},
                distributions=spaces, value=float(value),
            )
            for row, value in zip(levels.itertuples(index=False), loss, strict=True)
        ])  # fmt: skip
        evaluator = optuna.importance.PedAnovaImportanceEvaluator()
        found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    optuna.logging.set_verbosity(level)
    return np.array([found.get(str(f), 0.0) for f in levels])


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
