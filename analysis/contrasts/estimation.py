"""Contrasts of a seed x cell matrix, each with an error that knows what varied from seed to seed.

A contrast's error is its own variation over seeds: the mean over its backgrounds is taken within each seed, and
those means are what repeats. The backgrounds of one seed are no replicates. Contrasts that share their reference (the
levels of a factor, the arms against one baseline) share what is known of its noise (`analysis.contrasts.level_noise`).
Where arms do not share seeds, the runs are independent and the errors Welch's. `benchmarks/verdict_errors.py`
measures what this holds and what it costs.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from analysis.contrasts.joint import MOST_JOINT, JointLaw, Part, Pieces, joint_law
from analysis.contrasts.level_noise import LevelNoise, level_noise, level_noises
from analysis.contrasts.seed_blocks import fit_blocks, two_sided
from analysis.errors import TableError

Floats = NDArray[np.float64]
ErrorModel = Literal["auto", "pooled", "paired"]
ROUNDING = 1e-12
"""Differences smaller than this share of the values are rounding, not results."""
OWN, CELL = 1_000_000, 2_000_000
"""Where the numbers of variance pieces begin that belong to one contrast, and to one cell."""


@dataclass(frozen=True)
class Estimates:
    """Contrasts with their standard errors; each array has one entry per contrast."""

    estimate: Floats
    se: Floats
    """NaN where nothing repeats, or where the repetitions do not differ."""
    df: Floats
    pairs: NDArray[np.intp]
    """Seeds that have both sides on at least one background; runs per arm where `error` is `welch`."""
    error: NDArray[np.str_]
    """`shared` (the reference's noise beside the pooled noise of its levels), `own` (own differences over seeds),
    `welch` (independent runs), `pooled` (one variance for all runs, where asked for), `none`."""
    constant: NDArray[np.bool_]
    """Whether there are repetitions, but without any difference between them."""
    correlation: Floats
    parts: tuple[Pieces, ...]

    @property
    def p(self) -> Floats:
        """Two-sided p, not adjusted."""
        return two_sided(self.estimate, self.se, self.df)

    def law(self, rows: NDArray[np.intp]) -> JointLaw:
        """The joint law of some of the contrasts: those of them that can be tested."""
        rows = rows[~np.isnan(self.se[rows])]
        if len(rows) > MOST_JOINT:
            # Step by step the correlations of the rest, copied at each, would grow with the cube of the rows.
            return JointLaw((), len(rows))
        return joint_law(
            self.df[rows], self.correlation[np.ix_(rows, rows)], [self.parts[i] for i in rows]
        )

    def stepwise(self, p: Floats) -> Floats:
        """Two-sided p values adjusted by the joint law, step by step: what is decided leaves the family of the rest.

        Never larger than Holm's, nor than those of one step (Westfall and Young 1993); NaN stays NaN.
        """
        known = np.flatnonzero(~np.isnan(p))
        order = known[np.argsort(p[known], kind="stable")]
        found, least = np.full_like(p, np.nan), 0.0
        for k, row in enumerate(order):
            least = max(least, float(self.law(order[k:]).adjusted(p[[row]])[0]))
            found[row] = least
        return found

    def columns(self) -> dict[str, Any]:
        """Columns `n_pairs, error, estimate, se, df`."""
        return {
            "n_pairs": self.pairs.astype(int),
            "error": self.error,
            "estimate": self.estimate,
            "se": self.se,
            "df": self.df,
        }


def estimate(
    y: Floats, units: Sequence[Floats], *, error: ErrorModel = "auto", alone: bool = False
) -> Estimates:
    """Every contrast with its error.

    Args:
        y: Losses, shape (seeds, cells), NaN where a run is missing.
        units: Per contrast its weights on each background, shape (backgrounds, cells); their mean is the contrast.
        error: `auto` as above; `paired` gives each contrast its own differences alone, `pooled` one variance for all
            runs.
        alone: Whether `auto` leaves each contrast to its own differences: for arms of a factorial, whose noise
            is not independent where they have levels in common.

    Raises:
        TableError: If `paired` is asked for where a contrast's arms share no seeds.
    """
    weights = np.stack([unit.mean(axis=0) for unit in units])
    complete = not np.isnan(y).any()
    apart = y @ weights.T if complete else np.column_stack([seed_values(y, unit) for unit in units])
    pairs = np.sum(~np.isnan(apart), axis=0)
    runs = np.sum(~np.isnan(y), axis=0)
    fewest = np.array([runs[w != 0].min() for w in weights])
    seeded = (2 * pairs >= fewest) & (pairs > 0)
    if error == "paired" and not seeded.all():
        raise TableError(
            "`--error paired` needs arms that share seeds, but those of "
            f"{int(np.sum(~seeded))} of {len(units)} comparisons do not. Leave it out: their runs are then compared as "
            "independent."
        )
    if error == "pooled":
        return _named(y, _pooled(y, weights, blocked=bool(seeded.all())), pairs)
    made = _seeded(apart, weights, seeded, alone=alone or error == "paired")
    _independent(made, y, weights, np.flatnonzero(~seeded))
    pairs = np.where(seeded, pairs, fewest)
    return _named(y, made, pairs)


def by_reference(weights: Floats, seeded: NDArray[np.bool_]) -> list[NDArray[np.intp]]:
    """The contrasts whose runs share seeds, together where they share the reference."""
    found: dict[bytes, list[int]] = defaultdict(list)
    for row in np.flatnonzero(seeded):
        reference = np.where(weights[row] < 0, weights[row], 0.0).round(12)
        found[reference.tobytes()].append(int(row))
    return [np.array(rows) for rows in found.values()]


def from_seed_values(apart: Floats, weights: Floats, *, alone: bool = False) -> Estimates:
    """Contrasts whose values in each seed are known, shape (seeds, contrasts)."""
    pairs = np.sum(~np.isnan(apart), axis=0)
    made = _seeded(apart, weights, np.ones(len(weights), dtype=bool), alone=alone)
    return _named(np.abs(apart), made, pairs)


def of_many_tables(apart: Floats, weights: Floats) -> list[Estimates]:
    """`from_seed_values` of each of many tables without holes, shape (tables, seeds, contrasts).

    At once it takes a third of the time: a factor's noise is found in all tables together.
    """
    tables, seeds, count = apart.shape
    pairs, alike = np.full(count, seeds), _correlations(weights)
    made = [_Rows(count, alike.copy()) for _ in range(tables)]
    for rows in by_reference(weights, np.ones(count, dtype=bool)):
        together = len(rows) > 1 and seeds > 2
        noises = level_noises(apart[:, :, rows]) if together else [None] * tables
        for one, values, noise in zip(made, apart, noises, strict=True):
            _fill(one, values[:, rows], pairs[rows], rows, noise, seeds)
    return [_named(np.abs(y), one, pairs) for y, one in zip(apart, made, strict=True)]


def seed_values(y: Floats, units: Floats) -> Floats:
    """A contrast in each seed: the mean over the backgrounds that the seed has, NaN where it has none.

    Each background's difference stays as it is. To centre them first, so that missing runs shift no average, would take
    out of the error what varies: with one of four runs missing in each seed, false verdicts rose to 22 %.
    """
    if not np.isnan(y).any():
        return np.asarray(y @ units.mean(axis=0))
    used = (units != 0).astype(float)
    there = (~np.isnan(y)).astype(float) @ used.T >= used.sum(axis=1)
    count = there.sum(axis=1)
    total = np.where(there, np.nan_to_num(y) @ units.T, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def t_bounds(
    estimate: Floats, se: Floats, df: Floats, confidence: float, name: str
) -> dict[str, Floats]:
    """The two ends of the t interval as columns `<name>_low`, `<name>_high`."""
    half = stats.t.ppf(0.5 + confidence / 2, df) * se
    return {f"{name}_low": estimate - half, f"{name}_high": estimate + half}


class _Rows:
    """What is filled in, group by group."""

    def __init__(self, count: int, correlation: Floats) -> None:
        self.estimate, self.se, self.df = np.full((3, count), np.nan)
        self.error = np.full(count, "none", dtype="U6")
        self.correlation = correlation
        self.parts: list[Pieces] = [()] * count


def _seeded(apart: Floats, weights: Floats, seeded: NDArray[np.bool_], *, alone: bool) -> _Rows:
    made = _Rows(len(weights), _correlations(weights))
    groups = by_reference(weights, seeded)
    if alone:
        groups = [rows[[i]] for rows in groups for i in range(len(rows))]
    pairs = np.sum(~np.isnan(apart), axis=0)
    for rows in groups:
        _from_seeds(made, apart, pairs, rows)
    return made


def _from_seeds(
    made: _Rows, apart: Floats, pairs: NDArray[np.intp], rows: NDArray[np.intp]
) -> None:
    """Rows of one reference: by its noise and theirs where whole seeds tell them, otherwise by own differences."""
    mine = apart[:, rows]
    whole = mine[~np.isnan(mine).any(axis=1)]
    noise = level_noise(whole) if len(rows) > 1 and len(whole) > 2 else None
    _fill(made, mine, pairs[rows], rows, noise, len(whole))


def _fill(
    made: _Rows,
    mine: Floats,
    n: NDArray[np.intp],
    rows: NDArray[np.intp],
    noise: LevelNoise | None,
    whole: int,
) -> None:
    """Rows of one reference whose noise is known from so many whole seeds, or None."""
    made.estimate[rows] = np.nansum(mine, axis=0) / n
    square = np.nansum((mine - made.estimate[rows]) ** 2, axis=0)
    variance = np.where(n > 1, square / np.maximum(n - 1, 1), np.nan)
    df, own = n - 1.0, np.ones(len(rows), dtype=bool)
    if noise is not None:
        own = noise.own
        # A level that stands out rests on all the seeds it has, whole or not.
        variance = np.where(own, np.maximum(variance, noise.variance), noise.variance)
        df = np.where(own, df, noise.df(whole))
        made.correlation[np.ix_(rows, rows)] = noise.correlation
        if noise.shared is not None:
            law = replace(noise.shared, stream=2 * int(rows[0]))
            for row in rows[~own]:
                made.parts[row] = law
    for row, k in zip(rows[own], n[own], strict=True):
        made.parts[row] = (Part(OWN + int(row), max(int(k) - 1, 1), 1.0),)
    made.se[rows] = np.sqrt(variance / n)
    made.df[rows] = df
    made.error[rows] = np.where(own, "own", "shared")


def _independent(made: _Rows, y: Floats, weights: Floats, rows: NDArray[np.intp]) -> None:
    """Welch: each cell's own variance, Satterthwaite's degrees of freedom."""
    if not len(rows):
        return
    there = ~np.isnan(y)
    n = there.sum(axis=0)
    mean = np.where(there, y, 0.0).sum(axis=0) / np.maximum(n, 1)
    square = np.where(there, (y - mean) ** 2, 0.0).sum(axis=0)
    per_mean = np.where(n > 1, square / np.maximum(n - 1, 1) / np.maximum(n, 1), np.nan)
    for row in rows:
        cells = np.flatnonzero(weights[row])
        pieces = weights[row, cells] ** 2 * per_mean[cells]
        total = float(pieces.sum())
        made.estimate[row] = weights[row] @ mean
        made.se[row] = np.sqrt(total)
        made.error[row] = "welch"
        if total > 0:
            made.df[row] = total**2 / float(np.sum(pieces**2 / (n[cells] - 1)))
            made.parts[row] = tuple(
                Part(CELL + int(c), int(n[c]) - 1, float(v / total))
                for c, v in zip(cells, pieces, strict=True) if v > 0
            )  # fmt: skip
    known = rows[made.se[rows] > 0]
    if len(known) > 1:
        made.correlation[np.ix_(known, known)] = _correlations(
            weights[known] * np.sqrt(np.nan_to_num(per_mean))
        )


def _pooled(y: Floats, weights: Floats, *, blocked: bool) -> _Rows:
    blocks = fit_blocks(y, blocked=blocked)
    covariance = blocks.covariance(weights)
    made = _Rows(len(weights), _correlations(weights))
    made.estimate = blocks.estimate(weights)
    made.se = np.sqrt(np.diag(covariance) * blocks.sigma2)
    made.df = np.full(len(weights), float(blocks.df) if blocks.df > 0 else np.nan)
    made.error[:] = "pooled"
    sd = np.sqrt(np.diag(covariance))
    made.correlation = covariance / np.outer(sd, sd)
    made.parts = [(Part(0, max(blocks.df, 1), 1.0),)] * len(weights)
    return made


def _correlations(weights: Floats) -> Floats:
    size = np.linalg.norm(weights, axis=1)
    size = np.where(size > 0, size, 1.0)
    return np.asarray(weights @ weights.T / np.outer(size, size))


def _named(y: Floats, made: _Rows, pairs: NDArray[np.intp]) -> Estimates:
    """The rows, with differences at the level of rounding taken for none."""
    small = ROUNDING * float(np.nanmax(np.abs(y)))
    found = np.where(np.abs(made.estimate) <= small, 0.0, made.estimate)
    constant = (made.se <= small) & (pairs > 1)
    se = np.where((made.se <= small) | ~(made.df > 0), np.nan, made.se)
    return Estimates(
        estimate=found,
        se=se,
        df=np.where(np.isnan(se), np.nan, made.df),
        pairs=pairs.astype(np.intp),
        error=np.where(np.isnan(se), "none", made.error),
        constant=constant,
        correlation=made.correlation,
        parts=tuple(made.parts),
    )
