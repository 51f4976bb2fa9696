"""Which factor explains how much: three measures, each labelled by the question that it answers.

The factorial share is the primary one: it has an interval and a null. fANOVA and PED-ANOVA are shown
beside it because people expect them; they answer other questions, and their sum is 1 by construction
even where nothing matters. So each comes with what chance reaches: the share that a factor gets in 1 of
20 tables whose losses are dealt out at random.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize, stats

from analysis.cr2 import centred, codes_of
from analysis.errors import TableError
from analysis.forest_shares import forest_shares
from analysis.plain import records
from analysis.runs_table import RunsTable

Floats = NDArray[np.float64]
VARIANCE = "How much of the variance between runs is due to it? (factorial shares)"
FOREST = "How much of a random forest's variance over the whole space? (fANOVA)"
TOP = "What sets the best tenth of the runs apart? (PED-ANOVA)"
COLUMNS = ["factor", "question", "share", "low", "high", "chance", "p"]
FEW_LEVELS = 20


@dataclass(frozen=True)
class Importance:
    """Shares of the factors."""

    frame: pd.DataFrame
    """`factor, question, share, low, high, chance, p`; `low, high` and `p` for the factorial only. Its
    rows also hold `interactions` (of any order) and `noise`, so that they sum to about 1."""
    runs: int
    permutations: int

    def sentences(self) -> list[str]:
        """Per factor, by the primary measure: its share, its interval, and whether chance reaches it."""
        rows = self.frame[self.frame["question"] == VARIANCE].to_dict("records")
        lines = []
        for row in sorted(rows, key=lambda r: -r["share"]):
            if row["factor"] in ("noise", "interactions"):
                lines.append(f"{row['factor']}: {row['share']:.0%} of the variance between runs.")
                continue
            if np.isnan(row["p"]):
                lines.append(
                    f"{row['factor']} changes only together with other factors: no share of its own."
                )
                continue
            seen = "above chance" if row["p"] < 0.05 else "not told from chance"
            lines.append(
                f"{row['factor']}: {row['share']:.0%} [{row['low']:.0%}, {row['high']:.0%}] of the variance "
                f"between runs, {seen} (p = {row['p']:.2g})."
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
        permutations: Random deals of the losses behind `chance`.
        confidence: Of the factorial shares' intervals.
        seed: Of the deals and of the forest.

    Raises:
        TableError: If nothing varies.
    """
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
    random = np.random.default_rng(seed)
    spans = spans_of(levels, groups)
    shares, p, low, high = variance_shares(spans, loss, confidence=confidence)
    dealt = [_deal(loss, groups, random) for _ in range(max(permutations, 20) * 5)]
    null = [variance_shares(spans, y, confidence=None)[0] for y in dealt]
    chance = np.quantile(np.stack(null), 0.95, axis=0)
    labels = [*names, "interactions", "noise"]
    chance[len(names) :] = np.nan
    parts = [pd.DataFrame({"factor": labels, "question": VARIANCE, "share": shares, "low": low,
                           "high": high, "chance": chance, "p": p})]  # fmt: skip
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
                                   "high": np.nan, "chance": np.quantile(np.stack(null), 0.95, axis=0),
                                   "p": np.nan}))  # fmt: skip
    frame = pd.concat(parts, ignore_index=True)[COLUMNS]
    return Importance(frame, len(rows), permutations)


@dataclass(frozen=True)
class Spans:
    """Orthonormal bases of what the factors can explain within seeds; the losses are not needed."""

    full: Floats
    """All main effects together, shape (runs, rank)."""
    without: list[Floats]
    """All but one factor, one per factor."""
    cells: Floats
    """Every combination of levels that occurs."""
    groups: NDArray[np.intp]
    n: int
    """Runs less one per seed."""


def spans_of(levels: pd.DataFrame, groups: NDArray[np.intp]) -> Spans:
    """The bases of a table's factors, each factor's levels as categories."""
    blocks = [centred(_dummies(levels[f]).T, groups).T for f in levels]
    without = [
        _basis(np.concatenate(rest, axis=1)) if rest else np.zeros((len(levels), 0))
        for rest in ([b for j, b in enumerate(blocks) if j != i] for i in range(len(blocks)))
    ]
    cells = _dummies(levels.astype(str).agg("|".join, axis=1))
    return Spans(
        full=_basis(np.concatenate(blocks, axis=1)),
        without=without,
        cells=_basis(centred(cells.T, groups).T),
        groups=groups,
        n=int(len(levels) - int(groups.max()) - 1),
    )


def variance_shares(
    spans: Spans, loss: Floats, *, confidence: float | None
) -> tuple[Floats, Floats, Floats, Floats]:
    """Share, p, lower and upper limit per factor, then for all interactions together and for noise.

    Sums of squares within seeds, each factor last (type II), less what noise alone gives (omega squared).
    Limits invert the noncentral F; without `confidence` they are NaN.
    """
    y = centred(loss, spans.groups)
    full, cells = _explained(spans.full, y), _explained(spans.cells, y)
    ss = [full - _explained(basis, y) for basis in spans.without]
    k = [float(spans.full.shape[1] - basis.shape[1]) for basis in spans.without]
    df = spans.n - spans.cells.shape[1]
    rss = float(y @ y) - cells
    if df < 1:
        # No combination is repeated: interactions cannot be told from noise and count as noise.
        df, rss = spans.n - spans.full.shape[1], float(y @ y) - full
        ss, k = [*ss, 0.0], [*k, 0.0]
    else:
        ss, k = [*ss, cells - full], [*k, float(spans.cells.shape[1] - spans.full.shape[1])]
    sigma2 = max(rss, 0.0) / df if df > 0 else 0.0
    squares, degrees = np.array(ss), np.array(k)
    signal = np.maximum(squares - degrees * sigma2, 0.0)
    whole = float(signal.sum()) + spans.n * sigma2
    share = np.append(signal, spans.n * sigma2) / (whole if whole > 0 else 1.0)
    p, low, high = np.full((3, len(share)), np.nan)
    for at in np.flatnonzero(degrees > 0) if sigma2 > 0 else ():
        ratio = float(squares[at] / degrees[at] / sigma2)
        p[at] = stats.f.sf(ratio, degrees[at], df)
        if confidence is not None:
            others = whole - float(signal[at])
            low[at], high[at] = (
                end / (others + end)
                for end in (
                    _noncentrality(ratio, float(degrees[at]), df, tail) * sigma2
                    for tail in (0.5 + confidence / 2, 0.5 - confidence / 2)
                )
            )
    return share, p, low, high


def _noncentrality(ratio: float, k: float, df: float, tail: float) -> float:
    """The noncentrality at which an F ratio this large is the `tail` quantile; 0 if there is none."""

    def gap(value: float) -> float:
        return float(stats.ncf.cdf(ratio, k, df, value)) - tail

    if stats.f.cdf(ratio, k, df) <= tail:
        return 0.0
    top = 10.0 + 4 * ratio * k
    while gap(top) > 0 and top < 1e9:
        top *= 4
    return float(optimize.brentq(gap, 1e-9, top, xtol=1e-6)) if gap(top) < 0 else top


def _basis(columns: Floats) -> Floats:
    u, size, _ = np.linalg.svd(columns, full_matrices=False)
    return np.asarray(u[:, size > 1e-9 * max(float(size[0]), 1e-300)])


def _explained(basis: Floats, y: Floats) -> float:
    return float(np.sum((basis.T @ y) ** 2))


def _dummies(column: "pd.Series[Any]") -> Floats:
    codes = codes_of(column.astype(str).to_numpy())
    return np.asarray(codes[:, None] == np.arange(codes.max() + 1), dtype=np.float64)


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
