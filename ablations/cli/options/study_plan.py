"""From a space (and a pilot) to the seeds that its questions need."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ablations.errors import SettingError
from plain_files.numbers import number

if TYPE_CHECKING:
    import pandas as pd

    from ablations.cli.options.planned_arms import PlannedArms
    from analysis.contrasts.estimation import ErrorModel
    from analysis.planning.effect_plan import EffectPlan
    from analysis.planning.ratio_plan import RatioPlan
    from analysis.tables.runs_table import RunsTable

TARGET = 0.2
"""How far the upper limit of r* may lie above it, where nobody says."""
SHOWN = (3, 5, 8, 10, 15, 20, 30)


@dataclass(frozen=True)
class Plans:
    """The plans for r* and for effects; None where the space or the numbers do not ask for one."""

    space: str
    ratio: "RatioPlan | None"
    by_snr: "pd.DataFrame | None"
    """Seeds for +10, +20 and +50 % on r* by signal-to-noise ratio, where no pilot says which holds."""
    effects: "EffectPlan | None"
    unused: tuple[str, ...] = ()
    """What the pilot does not say, and why."""
    relative: bool = False
    """Whether the plan for effects is in units of a noise that nobody named."""

    def sentences(self) -> list[str]:
        """What to run, in plain words."""
        lines = self.ratio.sentences() if self.ratio else []
        if self.relative:
            lines.append(
                "Nobody named the noise, so effects are in units of sigma, the standard deviation of one run within "
                "its seed and arm; `--pilot auto` measures it with a few runs, --sigma names it."
            )
        lines += self.effects.sentences() if self.effects else []
        lines += self.unused
        if self.by_snr is not None:
            without = "Without it" if self.unused else "Without a pilot or --snr"
            lines.append(
                f"{without}: seeds by snr, the rise of the loss over the ratios in standard "
                "deviations of a run. Run 3 seeds at the smallest and the largest ratio first, then plan."
            )
        return lines

    def tables(self) -> "list[tuple[str, pd.DataFrame]]":
        """Titled tables."""
        found = []
        if self.ratio:
            near = [*SHOWN, self.ratio.seeds, self.ratio.affordable]
            table = self.ratio.table
            found.append(("Seeds for r*", table[table["seeds"].isin(near)]))
            found.append(("Allocation", self.ratio.allocation))
        if self.by_snr is not None:
            found.append(("Seeds for the upper limit of r* within +10, +20, +50 %", self.by_snr))
        if self.effects:
            near = [*SHOWN, self.effects.seeds, self.effects.affordable]
            table = self.effects.table
            found.append(
                ("Seeds for effects", table[table["seeds"].isin(near)].dropna(axis=1, how="all"))
            )
        return found

    def to_json(self) -> dict[str, Any]:
        """Plain values; infinity and undefined numbers are null."""
        from analysis.plain import records

        return {
            "space": self.space,
            "ratio": self.ratio.to_json() if self.ratio else None,
            "by_snr": records(self.by_snr) if self.by_snr is not None else None,
            "effects": self.effects.to_json() if self.effects else None,
            "in_units_of_sigma": self.relative,
            "sentences": self.sentences(),
        }


def plan_arms(
    asked: "PlannedArms",
    *,
    pilot: "RunsTable | None",
    sigma: float | None,
    snr: float | None,
    effect: float | None,
    margin: float | None,
    target_width: float,
    assurance: float,
    budget_hours: float | None,
    hours_per_run: float | None,
    error: "ErrorModel",
) -> Plans:
    """The seeds that the questions of a space or a study need, from a pilot or from given noise.

    Raises:
        SettingError: If there is nothing to plan for.
    """
    from analysis.planning.effect_plan import plan_effects
    from analysis.planning.ratio_plan import plan_ratio, snr_table

    name, arms, levels = asked.name, len(asked.arms), asked.ratios
    known = pilot_of(pilot, levels=levels, sigma=sigma, snr=snr, hours_per_run=hours_per_run)
    effect_plan = None
    sized = effect is not None or margin is not None
    # A pilot that was given and does not tell the noise is told why instead.
    relative = known.sigma is None and len(levels) < 2 and not sized and not known.unused
    if arms > 1 and (relative or known.sigma is not None):
        effect_plan = plan_effects(
            comparisons=arms - 1, sigma=known.sigma or 1.0, effect=effect, margin=margin, error=error,
            hours_per_run=known.hours, budget_hours=budget_hours, pilot_df=known.sigma_df,
        )  # fmt: skip
    if len(levels) < 2:
        if effect_plan is None:
            raise SettingError(
                f"{asked.kind} {name!r} does not vary the ratio, and effects need their noise: "
                + (" ".join(known.unused) or "give --sigma, or --pilot auto to measure it.")
            )
        return Plans(name, None, None, effect_plan, known.unused, relative)
    if known.snr is None:
        by_snr = snr_table(levels, assurance=assurance)
        return Plans(name, None, by_snr, effect_plan, known.unused)
    ratio = plan_ratio(
        levels, snr=known.snr, target_width=target_width, assurance=assurance, controls=asked.controls,
        hours_per_run=known.hours, budget_hours=budget_hours, pilot_df=known.df,
    )  # fmt: skip
    return Plans(name, ratio, None, effect_plan, known.unused)


@dataclass(frozen=True)
class Pilot:
    """What is known before a plan; None where it is not."""

    sigma: float | None
    """Standard deviation of one run within its seed and arm."""
    snr: float | None
    """Rise of the loss over the ratios in units of sigma."""
    hours: float | None
    """Of one run."""
    sigma_df: float | None = None
    """Degrees of freedom of sigma where it is the pilot's."""
    df: float | None = None
    """The same where the snr rests on it."""
    kappa_error: float | None = None
    """Standard error of kappa as a share of it, where the snr rests on the pilot's."""
    kappa_df: float = math.nan
    """Degrees of freedom of that error."""
    unused: tuple[str, ...] = ()
    """Why the pilot says less than it was asked."""


def pilot_of(
    pilot: "RunsTable | None",
    *,
    levels: Sequence[float] = (),
    sigma: float | None,
    snr: float | None,
    hours_per_run: float | None,
) -> Pilot:
    """What is known: given by hand, and for the rest from a pilot.

    Args:
        pilot: The pilot's runs.
        levels: The ratios that are planned, over which the snr is meant.
        sigma: Given by hand.
        snr: Likewise.
        hours_per_run: Likewise.
    """
    known = Pilot(sigma, snr, hours_per_run)
    return known if pilot is None else _from_pilot(pilot, list(levels), known)


def _from_pilot(pilot: "RunsTable", levels: list[float], given: Pilot) -> Pilot:
    """What a pilot tells of noise, rise over noise and hours per run; what was given by hand stays."""
    from analysis.errors import TableError
    from analysis.tables.equal.repetition import REPEATS
    from analysis.tradeoff.tradeoff import fit_reduction

    seconds = pilot.complete()["seconds"].mean()
    sigma, snr, hours = given.sigma, given.snr, given.hours
    hours = seconds / 3600 if hours is None and math.isfinite(seconds) else hours
    kappa, kappa_se, kappa_df, sigma_df, unused = None, math.nan, math.nan, math.nan, []
    noise: float | None
    try:
        fit = fit_reduction(pilot)
        noise, kappa, sigma_df = fit.sigma, fit.kappa, float(fit.shape.grid.df)
        kappa_se, kappa_df = fit.se, fit.df
    except TableError as error:
        # A pilot without a ratio still tells the noise.
        noise = sigma
        if sigma is None:
            noise, sigma_df = _residual_noise(pilot)
        if snr is None and len(levels) > 1:
            unused.append(f"The pilot gives no snr: {error}")
    if sigma is None and noise is not None and noise > 0:
        sigma = noise
    if sigma is None:
        alike = noise == 0 or REPEATS in pilot.excluded
        why = "repeated runs of an arm do not differ" if alike else "no run of it is repeated"
        unused.append(
            f"The pilot does not tell the noise: {why}; run every arm with at least 2 seeds, or give --sigma."
        )
    elif snr is None and len(levels) > 1 and kappa is not None:
        if kappa > 0:
            snr = kappa * (max(levels) ** 2 - min(levels) ** 2) / 2 / sigma
        else:
            unused.append(
                f"The pilot gives no snr: its loss does not rise with r (kappa = {number(kappa)}); "
                "give --snr, or run a pilot with larger ratios or more seeds."
            )
    mine = sigma_df if given.sigma is None and sigma is not None and sigma_df > 0 else None
    by_snr = mine if given.snr is None and snr is not None else None
    share = kappa_se / kappa if by_snr is not None and kappa and kappa_se > 0 else None
    return Pilot(sigma, snr, hours, mine, by_snr, share, kappa_df, tuple(unused))


def _residual_noise(pilot: "RunsTable") -> tuple[float, float]:
    """The standard deviation of one run within its seed and arm, and its degrees of freedom; NaN without repeats."""
    from analysis.contrasts.cells import cells_of
    from analysis.contrasts.seed_blocks import residual_noise

    return residual_noise(cells_of(pilot).y)
