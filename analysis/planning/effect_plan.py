"""How many seeds effects need: to be found, or to be shown to be negligible, with 80 % power.

The power is simulated with the errors and the joint law that decide (`contrasts.level_noise`, `contrasts.joint`), so
that it is the power of what `ablate effects` does.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from analysis.contrasts.estimation import ErrorModel, from_seed_values
from analysis.contrasts.joint import Part, joint_law
from analysis.contrasts.level_noise import level_noise
from analysis.contrasts.seed_blocks import affordable_draws
from analysis.errors import TableError
from analysis.plain import records
from analysis.planning.budget import MOST_SEEDS, affordable

Floats = NDArray[np.float64]
DRAWS = 3000
"""Simulated comparisons for each number of seeds, in tables of all arms: a power is right to about 0.01."""
SIMULATED = (*range(2, 13), 14, 16, 20, 25, 30, 40, 50, 60)
"""Numbers of seeds that are simulated; what lies between is read off between its neighbours."""
POWER = 0.8
UNASKED_SEEDS = 5
"""Where no effect and no margin was named."""


@dataclass(frozen=True)
class EffectPlan:
    """Seeds and runs for effects."""

    comparisons: int
    sigma: float
    error: ErrorModel
    table: pd.DataFrame
    """Per number of seeds: `seeds, runs, detectable` (effect found with 80 % power), `power` of the asked
    effect, `power_negligible` of the margin if the effect is zero, `hours`."""
    seeds: int | None
    """Smallest number of seeds with 80 % power for all that was asked; None above 60."""
    affordable: int | None

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
                f"from {row['detectable']:.3g} are found with 80 % power."
            ]
        if self.affordable is not None:
            lines.append(self._budget(self.affordable))
        return lines

    def _budget(self, paid: int) -> str:
        if paid < 2:
            return f"The budget pays for {paid} seed{'s' * (paid != 1)}; with fewer than 2 no effect can be tested."
        row = self.table[self.table["seeds"] == min(paid, MOST_SEEDS)].iloc[0]
        with_most = f", with {MOST_SEEDS} of them" if paid > MOST_SEEDS else ""
        return (
            f"The budget pays for {paid} seeds: effects from {row['detectable']:.3g} are "
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
    rows = [
        _row(seeds, comparisons, sigma, effect=effect, margin=margin, alpha=alpha, error=error)
        for seeds in SIMULATED
    ]
    table = _between(pd.DataFrame(rows), comparisons + 1)
    table["hours"] = table["runs"] * (hours_per_run if hours_per_run is not None else math.nan)
    asked = table[["power", "power_negligible"]].dropna(axis=1)
    enough = (asked >= POWER).all(axis=1) if asked.shape[1] else table["seeds"] >= UNASKED_SEEDS
    return EffectPlan(
        comparisons=comparisons,
        sigma=sigma,
        error=error,
        table=table,
        seeds=int(table["seeds"][enough].iloc[0]) if enough.any() else None,
        affordable=affordable(comparisons + 1, hours_per_run, budget_hours),
    )


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
    seeds: int, comparisons: int, sigma: float, *, effect: float | None, margin: float | None,
    alpha: float, error: ErrorModel,
) -> dict[str, float]:  # fmt: skip
    """What so many seeds reach: one line of the plan's table."""
    none = _without_effects(seeds, comparisons, error, alpha)
    inside = np.abs(none.size) + _critical(alpha / comparisons, none.df) * none.se
    found = np.abs(none.size + effect / sigma) > none.half if effect is not None else math.nan
    absent = inside < margin / sigma if margin is not None else math.nan
    return {
        "seeds": seeds,
        # An effect is found where it and its error pass the half width together.
        "detectable": sigma * float(np.quantile(none.half - none.size, POWER)),
        "power": float(np.mean(found)),
        "power_negligible": float(np.mean(absent)),
    }


@dataclass(frozen=True)
class _Null:
    """Comparisons in tables without effects; each of shape (tables, comparisons)."""

    size: Floats
    se: Floats
    df: Floats
    half: Floats
    """Half of the simultaneous interval."""


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
        level: float | Floats = _level([Part(0, int(df[0, 0]), 1.0)], df[0, 0], comparisons, alpha)
    elif error == "paired" or comparisons == 1 or seeds < 3:
        variance, df = own, alone
        weights = np.column_stack([-np.ones(comparisons), np.eye(comparisons)])
        level = (
            from_seed_values(apart[0], weights, alone=True).law(np.arange(comparisons)).level(alpha)
        )
    else:
        variance, df, level = _shared(y, own, alpha)
    se = np.sqrt(variance / seeds)
    return _Null(size, se, df, _critical(level / 2, df) * se)


def _critical(tail: float | Floats, df: Floats) -> Floats:
    """The t that is passed with the chance `tail`."""
    return np.asarray(-special.stdtrit(df, tail))


def _shared(y: Floats, own: Floats, alpha: float) -> tuple[Floats, Floats, Floats]:
    """`contrasts.level_noise` of many complete tables: variances, degrees of freedom and the p that decides."""
    _, seeds, cells = y.shape
    q = cells - 1
    noise = [level_noise(table[:, 1:] - table[:, :1]) for table in y]
    variance = np.stack([one.variance for one in noise])
    df = np.stack([one.df(seeds) for one in noise])
    # The law depends on how loud the baseline looks: computed at a few shares, read off between them.
    share = np.array([one.share for one in noise])
    at = np.quantile(share, np.linspace(0.02, 0.98, 4))
    rest = (seeds - 1) * (q - 1)
    levels = []
    for part in at:
        quiet = noise[int(np.argmin(np.abs(share - part)))]
        pieces = (Part(0, seeds - 1, float(part)), Part(1, rest, 1 - float(part)))
        spread = 1 / (part**2 / (seeds - 1) + (1 - part) ** 2 / rest)
        law = joint_law(np.full(q, spread), quiet.correlation, [pieces] * q)
        levels.append(law.level(alpha))
    return variance, df, np.interp(share, at, levels)[:, None]


def _level(pieces: list[Part], df: float, comparisons: int, alpha: float) -> float:
    """The p that decides equally noisy arms against one baseline."""
    correlation = np.full((comparisons, comparisons), 0.5) + 0.5 * np.eye(comparisons)
    law = joint_law(np.full(comparisons, df), correlation, [tuple(pieces)] * comparisons)
    return law.level(alpha)
