"""How many seeds effects need: to be found by Holm's test, or to be shown to be negligible, with 80 % power.

The power is simulated with the rule that decides the errors (`contrasts.error_rule`), so that it is the power of
what `ablate effects` does.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from analysis.contrasts.error_rule import Errors, Floats, errors_of
from analysis.contrasts.estimation import ErrorModel
from analysis.contrasts.seed_blocks import affordable_draws
from analysis.errors import TableError
from analysis.plain import records
from analysis.planning.budget import MOST_SEEDS, affordable

DRAWS = 1000
"""Simulated tables for each number of seeds, fewer where they are large: a power is right to about 0.01."""
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
    """Seeds for `comparisons` arms against one baseline, by Holm's test at its first step.

    Every arm is taken to be equally noisy. What the default error model costs even then is in the numbers.

    Args:
        comparisons: Arms beside the baseline.
        sigma: Standard deviation of a run around its arm's mean, within its seed.
        effect: An effect to be found with 80 % power.
        margin: An effect whose absence is to be shown with 80 % power.
        alpha: Family-wise error.
        error: As for `analysis.effects.effects.effects`.
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
        for seeds in range(2, MOST_SEEDS + 1)
    ]
    table = pd.DataFrame(rows)
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


def _row(
    seeds: int, comparisons: int, sigma: float, *, effect: float | None, margin: float | None,
    alpha: float, error: ErrorModel,
) -> dict[str, float]:  # fmt: skip
    """What so many seeds reach: one line of the plan's table."""
    none = _without_effects(seeds, comparisons, error)
    level = alpha / comparisons
    half = _critical(level / 2, none.df) * none.se
    inside = np.abs(none.size) + _critical(level, none.df) * none.se
    found = np.abs(none.size + effect / sigma) > half if effect is not None else math.nan
    absent = inside < margin / sigma if margin is not None else math.nan
    return {
        "seeds": seeds,
        "runs": seeds * (comparisons + 1),
        # An effect is found where it and its error pass the half width together.
        "detectable": sigma * float(np.quantile(half - none.size, POWER)),
        "power": float(np.mean(found)),
        "power_negligible": float(np.mean(absent)),
    }


def _critical(tail: float, df: Floats) -> Floats:
    """Critical t, computed once for each value of `df`: most comparisons share theirs."""
    values, at = np.unique(df, return_inverse=True)
    critical: Floats = np.asarray(stats.t.isf(tail, values))
    return critical[at].reshape(df.shape)


def _without_effects(seeds: int, comparisons: int, error: ErrorModel) -> Errors:
    """The errors in tables of nothing but noise of standard deviation 1."""
    draws = affordable_draws(DRAWS, 4 * seeds * (comparisons + 1))
    noise = np.random.default_rng(seeds).standard_normal((draws, seeds, comparisons + 1))
    return errors_of(noise, error=error)
