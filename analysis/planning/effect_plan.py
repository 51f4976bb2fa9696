"""How many seeds effects need: to be found, or to be shown to be negligible, with 80 % power.

The power is simulated with the errors and the joint law that decide (`contrasts.level_noise`, `contrasts.joint`), so
that it is the power of what `ablate effects` does. A pilot of few seeds knows the noise badly, and a plan by its
estimate falls short whenever that is too low: a plan from a pilot takes the upper end of an interval of sigma.
"""

import math
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from analysis.contrasts.estimation import ErrorModel, from_seed_values
from analysis.contrasts.joint import Part, Pieces, joint_law
from analysis.contrasts.level_noise import level_noises
from analysis.contrasts.seed_blocks import affordable_draws
from analysis.errors import TableError
from analysis.plain import records
from analysis.planning.budget import MOST_SEEDS, affordable
from analysis.planning.ratio_plan import SURE, sigma_interval
from plain_files.numbers import as_given, number

Floats = NDArray[np.float64]
DRAWS = 3000
"""Simulated comparisons for each number of seeds, in tables of all arms: a power is right to about 0.01."""
SIMULATED = (*range(2, 13), 14, 16, 20, 25, 30, 40, 50, 60)
"""Numbers of seeds that are simulated; what lies between is read off between its neighbours."""
POWER = 0.8
UNASKED_SEEDS = 5
"""Where no effect and no margin was named."""


@dataclass(frozen=True)
class PilotSigma:
    """What a pilot knows of sigma, and what that leaves open; numbers of seeds are None above 60."""

    df: float
    """Degrees of freedom of its estimate."""
    sigma: float
    """Its estimate; the plan is for more."""
    low: float
    high: float
    """Ends of the 80 % interval of sigma, as factors of the estimate."""
    seeds: int | None
    """That the estimate alone would ask for."""
    seeds_low: int | None
    """That the low end would ask for."""


@dataclass(frozen=True)
class EffectPlan:
    """Seeds and runs for effects."""

    comparisons: int
    sigma: float
    """That the plan is for: of a pilot, the upper end of its interval."""
    error: ErrorModel
    table: pd.DataFrame
    """Per number of seeds: `seeds, runs, detectable` (effect found with 80 % power), `power` of the asked
    effect, `power_negligible` of the margin if the effect is zero, `hours`."""
    seeds: int | None
    """Smallest number of seeds with 80 % power for all that was asked; None above 60."""
    affordable: int | None
    pilot: PilotSigma | None = None
    """Where sigma is a pilot's."""

    def sentences(self) -> list[str]:
        """What to run, in plain words."""
        if self.seeds is None:
            lines = [
                f"More than {MOST_SEEDS} seeds would be needed for {self.comparisons} comparisons."
            ]
        else:
            row = self.table[self.table["seeds"] == self.seeds].iloc[0]
            asked = bool(row[["power", "power_negligible"]].notna().any())
            head = (
                "for the 80 % power that was asked" if asked else "(no effect or margin was named)"
            )
            lines = [
                f"{self.seeds} seeds ({row['runs']:.0f} runs) {head}, {self.comparisons} comparisons: effects "
                f"from {number(row['detectable'])} are found with 80 % power."
            ]
        if self.pilot is not None:
            lines.append(self._pilot(self.pilot))
        if self.affordable is not None:
            lines.append(self._budget(self.affordable))
        return lines

    def _pilot(self, known: PilotSigma) -> str:
        said = (
            f"The pilot knows sigma to {known.low:.2f} to {known.high:.2f} times its estimate of {number(known.sigma)} "
            f"({SURE:.0%}, {as_given(known.df)} degrees of freedom), so effects are planned for {known.high:.2f} times "
            f"it"
        )
        if known.seeds == known.seeds_low == self.seeds:
            return f"{said}."
        return (
            f"{said}; by its ends between {_count(known.seeds_low)} and {_count(self.seeds)} seeds are needed, "
            f"by the estimate itself {_count(known.seeds)}."
        )

    def _budget(self, paid: int) -> str:
        if paid < 2:
            return f"The budget pays for {paid} seed{'s' * (paid != 1)}; with fewer than 2 no effect can be tested."
        row = self.table[self.table["seeds"] == min(paid, MOST_SEEDS)].iloc[0]
        with_most = f", with {MOST_SEEDS} of them" if paid > MOST_SEEDS else ""
        return (
            f"The budget pays for {paid} seeds: effects from {number(row['detectable'])} are "
            f"found{with_most}."
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values; infinity and undefined numbers are null."""
        return {
            "comparisons": self.comparisons,
            "sigma": self.sigma,
            "error": self.error,
            "seeds": self.seeds,
            "affordable": self.affordable,
            "pilot": None if self.pilot is None else asdict(self.pilot),
            "table": records(self.table),
            "sentences": self.sentences(),
        }


def plan_effects(
    *,
    comparisons: int,
    sigma: float,
    effect: float | None = None,
    margin: float | None = None,
    alpha: float = 0.05,
    error: ErrorModel = "auto",
    hours_per_run: float | None = None,
    budget_hours: float | None = None,
    pilot_df: float | None = None,
) -> EffectPlan:
    """Seeds for `comparisons` arms against one baseline, all decided together.

    Every arm is taken to be equally noisy. What the default error model costs even then is in the numbers.

    Args:
        comparisons: Arms beside the baseline.
        sigma: Standard deviation of a run around its arm's mean, within its seed.
        effect: An effect to be found with 80 % power.
        margin: An effect whose absence is to be shown with 80 % power.
        alpha: Family-wise error.
        error: As for `analysis.contrasts.estimation.estimate`.
        hours_per_run: Device hours of one run.
        budget_hours: Device hours there are.
        pilot_df: Degrees of freedom of sigma where it is a pilot's estimate; the plan is then by the upper end of
            its 80 % interval.

    Raises:
        TableError: If an option breaks its rule.
    """
    if comparisons < 1 or not sigma > 0:
        raise TableError(
            f"`comparisons >= 1` and `sigma > 0` must hold, but got {comparisons}, {sigma!r}."
        )
    for name, value in (("effect", effect), ("margin", margin)):
        if value is not None and not value > 0:
            raise TableError(f"`{name} > 0` must hold, but got {value!r}.")
    if not 0 < alpha < 0.5:
        raise TableError(f"`0 < alpha < 0.5` must hold, but got {alpha!r}.")
    nulls = [_without_effects(seeds, comparisons, error, alpha) for seeds in SIMULATED]

    def table_at(noise: float) -> pd.DataFrame:
        rows = [_row(null, noise, effect=effect, margin=margin, alpha=alpha) for null in nulls]
        return _between(pd.DataFrame(rows), comparisons + 1)

    pilot = None
    if pilot_df is not None:
        low, high = sigma_interval(pilot_df)
        exact, least = (_needed(table_at(factor * sigma)) for factor in (1.0, low))
        pilot = PilotSigma(pilot_df, sigma, low, high, exact, least)
        sigma = high * sigma
    table = table_at(sigma)
    table["hours"] = table["runs"] * (hours_per_run if hours_per_run is not None else math.nan)
    return EffectPlan(
        comparisons=comparisons,
        sigma=sigma,
        error=error,
        table=table,
        seeds=_needed(table),
        affordable=affordable(comparisons + 1, hours_per_run, budget_hours),
        pilot=pilot,
    )


def _needed(table: pd.DataFrame) -> int | None:
    """The smallest number of seeds with the power for all that was asked; None above 60."""
    asked = table[["power", "power_negligible"]].dropna(axis=1)
    enough = (asked >= POWER).all(axis=1) if asked.shape[1] else table["seeds"] >= UNASKED_SEEDS
    return int(table["seeds"][enough].iloc[0]) if enough.any() else None


def _count(seeds: int | None) -> str:
    return f"more than {MOST_SEEDS}" if seeds is None else str(seeds)


def _between(simulated: pd.DataFrame, arms: int) -> pd.DataFrame:
    """Every number of seeds: what can be detected falls with a power of them, powers lie on a line."""
    seeds = np.arange(2, MOST_SEEDS + 1)
    at = simulated["seeds"].to_numpy(float)
    detectable = np.interp(np.log(seeds), np.log(at), np.log(simulated["detectable"]))
    columns: dict[str, Any] = {
        "seeds": seeds,
        "runs": seeds * arms,
        "detectable": np.exp(detectable),
    }
    for name in ("power", "power_negligible"):
        columns[name] = np.interp(seeds, at, simulated[name])
    return pd.DataFrame(columns)


def _row(
    none: "_Null", sigma: float, *, effect: float | None, margin: float | None, alpha: float
) -> dict[str, float]:
    """What so many seeds reach: one line of the plan's table."""
    inside = np.abs(none.size) + _critical(alpha / none.size.shape[1], none.df) * none.se
    found = np.abs(none.size + effect / sigma) > none.half if effect is not None else math.nan
    absent = inside < margin / sigma if margin is not None else math.nan
    return {
        "seeds": none.seeds,
        # An effect is found where it and its error pass the half width together.
        "detectable": sigma * float(np.quantile(none.half - none.size, POWER)),
        "power": float(np.mean(found)),
        "power_negligible": float(np.mean(absent)),
    }


@dataclass(frozen=True)
class _Null:
    """Comparisons in tables without effects; each array of shape (tables, comparisons)."""

    seeds: int
    size: Floats
    se: Floats
    df: Floats
    half: Floats
    """Half of the simultaneous interval."""


@lru_cache(maxsize=64)
def _without_effects(seeds: int, comparisons: int, error: ErrorModel, alpha: float) -> _Null:
    """The rule's intervals in tables of nothing but noise of standard deviation 1."""
    draws = min(max(DRAWS // comparisons, 50), affordable_draws(DRAWS, seeds * (comparisons + 1)))
    y = np.random.default_rng(seeds).standard_normal((draws, seeds, comparisons + 1))
    apart = y[:, :, 1:] - y[:, :, :1]
    size, own = apart.mean(axis=1), apart.var(axis=1, ddof=1)
    alone = np.full(size.shape, seeds - 1.0)
    rest = y - y.mean(axis=1, keepdims=True)
    rest = rest - rest.mean(axis=2, keepdims=True)
    if error == "pooled":
        df = np.full(size.shape, float((seeds - 1) * comparisons))
        variance = 2 * np.sum(rest**2, axis=(1, 2))[:, None] / df
        level: float | Floats = _level((Part(0, int(df[0, 0]), 1.0),), df[0, 0], comparisons, alpha)
    elif error == "paired" or comparisons == 1 or seeds < 3:
        variance, df = own, alone
        weights = np.column_stack([-np.ones(comparisons), np.eye(comparisons)])
        level = (
            from_seed_values(apart[0], weights, alone=True).law(np.arange(comparisons)).level(alpha)
        )
    else:
        variance, df, level = _shared(y, own, alpha)
    se = np.sqrt(variance / seeds)
    return _Null(seeds, size, se, df, _critical(level / 2, df) * se)


def _critical(tail: float | Floats, df: Floats) -> Floats:
    """The t that is passed with the chance `tail`."""
    return np.asarray(-special.stdtrit(df, tail))


def _shared(y: Floats, own: Floats, alpha: float) -> tuple[Floats, Floats, Floats]:
    """`contrasts.level_noise` of many complete tables: variances, degrees of freedom and the p that decides."""
    _, seeds, cells = y.shape
    q = cells - 1
    noise = level_noises(y[:, :, 1:] - y[:, :, :1])
    variance = np.stack([one.variance for one in noise])
    df = np.stack([one.df(seeds) for one in noise])
    # The law depends on how loud the reference looks: computed at a few places, read off between them.
    shared = [one for one in noise if one.shared is not None]
    loud = np.array([one.loud for one in shared])
    at = np.quantile(loud, np.linspace(0.02, 0.98, 6))
    levels = []
    for place in at:
        one = shared[int(np.argmin(np.abs(loud - place)))]
        assert one.shared is not None
        levels.append(_level(one.shared, one.shared.freedom, q, alpha, one.shared.correlation))
    own_level = float(np.min(levels))
    level = np.array([
        np.interp(one.loud, at, levels) if one.shared is not None else own_level for one in noise
    ])  # fmt: skip
    return variance, df, level[:, None]


def _level(pieces: Pieces, df: float, comparisons: int, alpha: float, alike: float = 0.5) -> float:
    """The p that decides arms against one baseline, which correlate at `alike`."""
    correlation = np.full((comparisons, comparisons), alike) + (1 - alike) * np.eye(comparisons)
    return joint_law(np.full(comparisons, df), correlation, [pieces] * comparisons).level(alpha)
