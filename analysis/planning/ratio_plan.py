"""How many seeds r* needs: its upper 95 % limit within a share of it, with a given assurance.

sigma   standard deviation of one run around its arm's mean, within its seed
snr     (L(r_max) - L(r_min)) / sigma

A pilot of few seeds knows sigma badly, and a plan by its estimate falls short whenever the estimate is too low. So a
plan from a pilot takes the upper end of an interval of sigma.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from analysis.contrasts.cr2 import codes_of
from analysis.errors import TableError
from analysis.plain import plain, records
from analysis.planning.budget import MOST_SEEDS, affordable
from analysis.tradeoff.curves.lack_of_fit import ALTERNATIVES, lof_power, shape
from analysis.tradeoff.curves.reduced import Reduced, reduce_grid
from plain_files.numbers import as_given, number

Floats = NDArray[np.float64]
DRAWS = 40_000
SNR = (1.0, 2.0, 3.0, 5.0, 10.0)
SURE = 0.8
"""Of the interval of a pilot's sigma."""


@dataclass(frozen=True)
class PilotNoise:
    """What a pilot knows of sigma."""

    df: float
    """Degrees of freedom of its estimate."""
    snr: float
    """By its estimates; the plan is for less."""
    seeds: int | None
    """That the estimates alone would ask for; None above 60."""
    low: float
    high: float
    """Ends of the 80 % interval of sigma, as factors of the estimate."""


def sigma_interval(df: float) -> tuple[float, float]:
    """The 80 % interval of a standard deviation as factors of its estimate (chi², equal tails)."""
    most, least = (float(stats.chi2.ppf((1 + side * SURE) / 2, df)) for side in (1, -1))
    return math.sqrt(df / most), math.sqrt(df / least)


@dataclass(frozen=True)
class RatioPlan:
    """Seeds and runs for r*."""

    r: list[float]
    snr: float
    target_width: float
    assurance: float
    seeds: int | None
    """Smallest number of seeds that reaches the target; None above 60."""
    runs: int | None
    """Of the complete grid and the controls, with that many seeds."""
    table: pd.DataFrame
    """Per number of seeds: `seeds, runs, upper_width` (reached with the assurance; infinite where the
    upper limit is open), `lower_bound_only` (chance of an open interval), `lof_linear, lof_r^1.5,
    lof_r^3, lof_log` (power of the lack-of-fit test), `hours`."""
    allocation: pd.DataFrame
    """`r, seeds, leverage`: the complete grid plus extra seeds at the ends and at half the largest."""
    leverage: dict[float, float]
    efficiency: float
    """Information about kappa per run of the equal grid, against half the runs at each end."""
    affordable: int | None
    """Seeds that the budget pays for; None without a budget."""
    pilot: PilotNoise | None = None
    """Where the noise is a pilot's."""

    def sentences(self) -> list[str]:
        """What to run, in plain words."""
        goal = f"the upper limit of r* within +{self.target_width:.0%} (assurance {self.assurance:.0%})"
        if self.seeds is None:
            lines = [f"More than {MOST_SEEDS} seeds would be needed for {goal} at snr {number(self.snr)}: "
                     "widen the range of ratios, or accept a lower bound."]  # fmt: skip
        else:
            lines = [f"{self.seeds} seeds ({self.runs} runs) for {goal} at snr {number(self.snr)}."]
        if self.pilot is not None:
            lines.append(self._pilot(self.pilot))
        if self.affordable is not None:
            lines.append(self._budget())
        extra = self.allocation[self.allocation["seeds"] > self.allocation["seeds"].min()]
        if len(extra):
            where = ", ".join(f"r={as_given(r)}" for r in extra["r"])
            lines.append(f"Spend further seeds at {where}: there they say most about the curve.")
        top = max(self.leverage, key=self.leverage.__getitem__)
        lines.append(
            f"r={as_given(top)} has leverage {self.leverage[top]:.2f} on kappa: check the answer without it."
        )
        return lines

    def _pilot(self, known: PilotNoise) -> str:
        few = f"{known.seeds} seeds" if known.seeds else f"more than {MOST_SEEDS} seeds"
        return (
            f"The pilot knows sigma to {known.low:.2f} to {known.high:.2f} times its estimate ({SURE:.0%}, "
            f"{as_given(known.df)} degrees of freedom), so this is planned for {known.high:.2f} times it; if the "
            f"estimate were exact (snr {number(known.snr)}), {few} would do."
        )

    def _budget(self) -> str:
        paid = self.affordable or 0
        row = self.table[self.table["seeds"] == min(max(paid, 2), MOST_SEEDS)]
        if paid < 3:
            return f"The budget pays for {paid} seed{'s' * (paid != 1)}; below 3 no interval can be given."
        width = float(row["upper_width"].iloc[0])
        reached = f"+{width:.0%}" if math.isfinite(width) else "a lower bound only"
        return f"The budget pays for {paid} seeds: {reached}."

    def to_json(self) -> dict[str, Any]:
        """Plain values; infinity and undefined numbers are null."""
        return {
            "r": self.r,
            "snr": plain(self.snr),
            "target_width": self.target_width,
            "assurance": self.assurance,
            "seeds": self.seeds,
            "runs": self.runs,
            "table": records(self.table),
            "allocation": records(self.allocation),
            "leverage": {f"{r:g}": h for r, h in self.leverage.items()},
            "efficiency": self.efficiency,
            "affordable": self.affordable,
            "pilot": None if self.pilot is None else asdict(self.pilot),
            "sentences": self.sentences(),
        }


def plan_ratio(
    r: Sequence[float],
    *,
    snr: float,
    target_width: float = 0.2,
    assurance: float = 0.8,
    controls: int = 1,
    hours_per_run: float | None = None,
    budget_hours: float | None = None,
    pilot_df: float | None = None,
) -> RatioPlan:
    """Seeds for r* on a complete grid of ratios times seeds.

    Args:
        r: Ratios; each seed runs all of them.
        snr: Rise of the loss from the smallest to the largest ratio, in standard deviations of a run.
        target_width: How far the upper 95 % limit may lie above r*, as a share of it.
        assurance: Chance that the target is reached.
        controls: Arms without a ratio that every seed runs too.
        hours_per_run: Device hours of one run.
        budget_hours: Device hours there are.
        pilot_df: Degrees of freedom of sigma where `snr` rests on a pilot's; the plan is then by the upper end
            of sigma's 80 % interval.

    Raises:
        TableError: If an option breaks its rule.
    """
    levels = _checked(r, snr=snr, target_width=target_width, assurance=assurance)
    per_seed = len(levels) + controls
    pilot = None
    if pilot_df is not None:
        low, high = sigma_interval(pilot_df)
        exact = _table(levels, snr=snr, assurance=assurance, per_seed=per_seed)
        pilot = PilotNoise(pilot_df, snr, _needed(exact, target_width), low, high)
        snr = snr / high
    table = _table(levels, snr=snr, assurance=assurance, per_seed=per_seed)
    table["hours"] = table["runs"] * (hours_per_run if hours_per_run is not None else math.nan)
    needed = _needed(table, target_width)
    return RatioPlan(
        r=[float(x) for x in levels],
        snr=snr,
        target_width=target_width,
        assurance=assurance,
        seeds=needed,
        runs=needed * per_seed if needed else None,
        table=table,
        allocation=allocate(levels, seeds=needed or MOST_SEEDS),
        leverage=grid_leverage(levels),
        efficiency=equal_efficiency(levels),
        affordable=affordable(per_seed, hours_per_run, budget_hours),
        pilot=pilot,
    )


def _needed(table: pd.DataFrame, target_width: float) -> int | None:
    """The smallest number of seeds that reaches the width; None where none does."""
    enough = table.loc[table["upper_width"] <= target_width, "seeds"]
    return int(enough.iloc[0]) if len(enough) else None


def snr_table(r: Sequence[float], *, assurance: float = 0.8) -> pd.DataFrame:
    """Seeds for +10, +20 and +50 % on r* by signal-to-noise ratio; `seeds_10`, ... are NaN above 60."""
    rows = []
    for snr in SNR:
        table = plan_ratio(r, snr=snr, assurance=assurance).table
        row: dict[str, float] = {"snr": snr}
        for width in (0.1, 0.2, 0.5):
            enough = table.loc[table["upper_width"] <= width, "seeds"]
            row[f"seeds_{width:.0%}".rstrip("%")] = (
                float(enough.iloc[0]) if len(enough) else math.nan
            )
        rows.append(row)
    return pd.DataFrame(rows)


def sxx(r: Floats) -> float:
    """Sum of squares of r^2/2 around its mean, one run per ratio."""
    x = np.asarray(r, dtype=float) ** 2 / 2
    return float(np.sum((x - x.mean()) ** 2))


def slope_scale(r: Floats) -> float:
    """sqrt(Sxx) / (x_max - x_min): kappa / se of one seed at snr 1."""
    x = np.asarray(r, dtype=float) ** 2 / 2
    return math.sqrt(sxx(r)) / float(x[-1] - x[0])


def grid_leverage(r: Floats) -> dict[float, float]:
    """Leverage of each ratio on level and curvature in an equal grid."""
    x = np.asarray(r, dtype=float) ** 2 / 2
    h = 1 / len(x) + (x - x.mean()) ** 2 / sxx(r)
    return {float(ratio): float(value) for ratio, value in zip(r, h, strict=True)}


def equal_efficiency(r: Floats) -> float:
    """Information about kappa per run: the equal grid against half the runs at each end."""
    x = np.asarray(r, dtype=float) ** 2 / 2
    best = float(x[-1] - x[0]) ** 2 / 4
    return sxx(r) / len(x) / best


def allocate(r: Floats, *, seeds: int) -> pd.DataFrame:
    """The complete grid, plus half as many seeds again at r_min, r_max/2 and r_max."""
    levels = np.asarray(r, dtype=float)
    extra = max(seeds // 2, 1)
    middle = float(levels[np.argmin(np.abs(np.log(levels / (levels[-1] / 2))))])
    chosen = {float(levels[0]), middle, float(levels[-1])}
    leverage = grid_leverage(levels)
    return pd.DataFrame(
        {
            "r": levels,
            "seeds": [seeds + (extra if x in chosen else 0) for x in levels],
            "leverage": [leverage[float(x)] for x in levels],
        }
    )


def _checked(r: Sequence[float], *, snr: float, target_width: float, assurance: float) -> Floats:
    levels = np.unique(np.asarray(r, dtype=float))
    for name, value in (("snr", snr), ("target_width", target_width)):
        if not value > 0:
            raise TableError(f"`{name} > 0` must hold, but got {value!r}.")
    if not 0 < assurance < 1:
        raise TableError(f"`0 < assurance < 1` must hold, but got {assurance!r}.")
    if len(levels) < 2 or levels[0] < 1:
        raise TableError(f"at least two ratios >= 1 are needed, but got {levels.tolist()}.")
    return levels


def _table(levels: Floats, *, snr: float, assurance: float, per_seed: int) -> pd.DataFrame:
    """What each number of seeds reaches."""
    seeds = np.arange(2, MOST_SEEDS + 1)
    relative_se = 1 / (snr * slope_scale(levels)) / np.sqrt(seeds)
    widths = [
        _width(float(se), int(s), assurance) for se, s in zip(relative_se, seeds, strict=True)
    ]
    return pd.DataFrame(
        {
            "seeds": seeds,
            "runs": seeds * per_seed,
            "upper_width": [w for w, _ in widths],
            "lower_bound_only": [open_ for _, open_ in widths],
            **{f"lof_{name}": power for name, power in _lof_columns(levels, seeds, snr).items()},
        }
    )


def _width(relative_se: float, seeds: int, assurance: float) -> tuple[float, float]:
    """Width above r* that is reached with the assurance, and the chance of an open upper limit."""
    z, root = _draws(seeds - 1)
    kappa = 1 + relative_se * z
    half = stats.t.ppf(0.975, seeds - 1) * relative_se * root
    low = np.maximum(kappa - half, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        width = np.where(low > 0, np.cbrt(np.maximum(kappa, 0) / low) - 1, np.inf)
    # inf - inf must not be met inside the quantile: an order statistic is enough.
    return float(np.sort(width)[math.ceil(assurance * len(width)) - 1]), float(np.mean(low <= 0))


@lru_cache(maxsize=128)
def _draws(df: int) -> tuple[Floats, Floats]:
    random = np.random.default_rng(0)
    return random.standard_normal(DRAWS), np.sqrt(random.chisquare(df, DRAWS) / df)


def _lof_columns(levels: Floats, seeds: NDArray[np.int_], snr: float) -> dict[str, list[float]]:
    if len(levels) < 3:
        return {name: [math.nan] * len(seeds) for name in ALTERNATIVES}
    grids = [_grid(levels, int(s)) for s in seeds]
    return {
        name: [lof_power(g, shape=shape(levels, p) * snr, sigma2=1.0, alpha=0.05) for g in grids]
        for name, p in ALTERNATIVES.items()
    }


def _grid(levels: Floats, seeds: int) -> Reduced:
    r = np.tile(levels, seeds)
    groups = codes_of(np.repeat(np.arange(seeds), len(levels)))
    return reduce_grid(r, np.zeros(len(r)), groups, blocked=True)
