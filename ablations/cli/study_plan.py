"""From a space (and a pilot) to the seeds that its questions need."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ablations.errors import SettingError

if TYPE_CHECKING:
    import pandas as pd

    from analysis.effect_plan import EffectPlan
    from analysis.estimation import ErrorModel
    from analysis.ratio_plan import RatioPlan
    from analysis.runs_table import RunsTable

RATIO = "attention.reduction"
SHOWN = (3, 5, 8, 10, 15, 20, 30)


@dataclass(frozen=True)
class Plans:
    """The plans for r* and for effects; None where the space or the numbers do not ask for one."""

    space: str
    ratio: "RatioPlan | None"
    by_snr: "pd.DataFrame | None"
    """Seeds for +10, +20 and +50 % on r* by signal-to-noise ratio, where no pilot says which holds."""
    effects: "EffectPlan | None"

    def sentences(self) -> list[str]:
        """What to run, in plain words."""
        lines = self.ratio.sentences() if self.ratio else []
        lines += self.effects.sentences() if self.effects else []
        if self.by_snr is not None:
            lines.append(
                "Without a pilot or --snr: seeds by snr, the rise of the loss over the ratios in standard "
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
            "sentences": self.sentences(),
        }


def plan_space(
    text: str,
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
    design: str,
    error: "ErrorModel",
) -> Plans:
    """The seeds that a space's questions need, from a pilot or from given noise.

    Raises:
        SettingError: If the space has nothing to plan for.
    """
    from ablations.designs.expand import expand
    from ablations.spaces import load_space
    from analysis.effect_plan import plan_effects
    from analysis.ratio_plan import plan_ratio, snr_table

    space = load_space(text)
    arms = len(expand(space, design=design.replace("-", "_")).arms)
    ratios = next((f.levels for f in space.factors if f.name == RATIO), ())
    levels = [float(r) for r in ratios]
    if pilot is not None:
        sigma, snr, hours_per_run = _from_pilot(pilot, levels, sigma, snr, hours_per_run)
    effect_plan = None
    if sigma is not None and arms > 1:
        effect_plan = plan_effects(
            comparisons=arms - 1, sigma=sigma, effect=effect, margin=margin, error=error,
            hours_per_run=hours_per_run, budget_hours=budget_hours,
        )  # fmt: skip
    if len(levels) < 2:
        if effect_plan is None:
            raise SettingError(
                f"space {text!r} does not vary the ratio, and effects need their noise: give --sigma or --pilot."
            )
        return Plans(text, None, None, effect_plan)
    if snr is None:
        return Plans(text, None, snr_table(levels, assurance=assurance), effect_plan)
    ratio = plan_ratio(
        levels, snr=snr, target_width=target_width, assurance=assurance, controls=len(space.controls),
        hours_per_run=hours_per_run, budget_hours=budget_hours,
    )  # fmt: skip
    return Plans(text, ratio, None, effect_plan)


def _from_pilot(
    pilot: "RunsTable",
    levels: list[float],
    sigma: float | None,
    snr: float | None,
    hours: float | None,
) -> tuple[float | None, float | None, float | None]:
    """Noise, rise over noise and hours per run; what was given by hand stays."""
    from analysis.effects import effects
    from analysis.errors import TableError
    from analysis.tradeoff import fit_reduction

    seconds = pilot.complete()["seconds"].mean()
    hours = hours if hours is not None else (seconds / 3600 if math.isfinite(seconds) else None)
    try:
        fit = fit_reduction(pilot)
        sigma = sigma if sigma is not None else (fit.sigma if math.isfinite(fit.sigma) else None)
        if snr is None and len(levels) > 1 and sigma and fit.kappa > 0:
            snr = fit.kappa * (max(levels) ** 2 - min(levels) ** 2) / 2 / sigma
    except TableError:
        # A pilot without a ratio still tells the noise.
        noise = effects(pilot, calibration_draws=0)
        row = noise.frame.iloc[0]
        sigma = sigma if sigma is not None else float(row["se"]) * math.sqrt(noise.seeds / 2)
    return sigma, snr, hours
