"""What a study that runs until r* is narrow will take, from a pilot or from known noise."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ablations.errors import SettingError
from plain_files.numbers import as_given, number

if TYPE_CHECKING:
    import pandas as pd

    from ablations.cli.options.planned_arms import PlannedArms
    from ablations.cli.options.study_plan import Pilot
    from analysis.sequential.until_width.rule import UntilWidth
    from analysis.sequential.until_width.seeds import Narrowing
    from analysis.tables.runs_table import RunsTable

ENOUGH = 0.5
"""Share of the studies below which larger ratios are spoken of."""
MOST = (10, 20, 40)
"""Numbers of seeds that are tried where none is named."""


@dataclass(frozen=True)
class WidthPlan:
    """How often studies are narrow enough, and after how many seeds, by what may be true and by the most seeds."""

    space: str
    frame: "pd.DataFrame"
    """`true, max_seeds, narrow, seeds, seeds_low, seeds_high, runs, runs_worst, fixed_seeds, fixed_runs` and, where the
    time of a run is known, `hours, hours_worst`."""
    target_width: float
    notes: tuple[str, ...]

    def sentences(self) -> list[str]:
        """What to expect, in plain words."""
        lines = []
        for row in self.frame.to_dict("records"):
            hours = (
                f", {number(row['hours'])} device hours, at worst {number(row['hours_worst'])}"
                if "hours" in row
                else ""
            )
            fixed = (
                f"a fixed design that is so as often takes {row['fixed_runs']:.0f} ({row['fixed_seeds']:.0f} seeds)"
                if math.isfinite(row["fixed_runs"])
                else "no fixed design looked at is so as often"
            )
            lines.append(
                f"At most {row['max_seeds']} seeds, {row['true']}: {row['narrow']:.0%} narrow enough, after "
                f"{row['seeds']:.0f} seeds on average ({row['seeds_low']:.0f} to {row['seeds_high']:.0f} with 80 %); "
                f"{row['runs']:.0f} runs expected, {row['runs_worst']} at worst{hours}; {fixed}."
            )
        return [*lines, *self.notes]

    def to_json(self) -> dict[str, Any]:
        """Plain values; infinity and undefined numbers are null."""
        from analysis.plain import records

        return {
            "space": self.space,
            "target_width": self.target_width,
            "until": records(self.frame),
            "sentences": self.sentences(),
        }


def plan_width(
    asked: "PlannedArms",
    *,
    target_width: float | None,
    max_seeds: int | None,
    pilot: "RunsTable | None",
    sigma: float | None,
    snr: float | None,
    hours_per_run: float | None,
) -> WidthPlan:
    """What it takes until the upper limit of r* lies within a share above it.

    Raises:
        SettingError: If nothing tells how far the loss rises with the ratio, in its noise.
        TableError: If a value breaks its rule, or there are fewer than two ratios.
    """
    import numpy as np
    import pandas as pd

    from ablations.cli.options.study_plan import pilot_of
    from analysis.planning.ratio_plan import slope_scale
    from analysis.sequential.until_width.rule import FIRST, TARGET, until_width
    from analysis.sequential.until_width.seeds import STUDIES, with_another

    arms = asked.arms
    tried = MOST if max_seeds is None else (max_seeds,)
    target = TARGET if target_width is None else target_width
    rule = until_width(max_seeds=max(tried), target_width=target)
    # The rule's own words for what is wrong with the arms or the metric.
    declared = rule.declared(arms, metric=asked.metric, direction=asked.direction)
    ratios = np.unique(list(declared["ratios"].values()))
    known = pilot_of(
        pilot, levels=ratios.tolist(), sigma=sigma, snr=snr, hours_per_run=hours_per_run
    )
    if known.snr is None:
        raise SettingError(
            "a plan until r* is narrow needs to know how far the loss rises over the ratios, in its noise: "
            + (" ".join(known.unused) or "give --snr or --pilot.")
        )
    noise = 1 / (known.snr * slope_scale(ratios))
    rows = [
        _row(true, one, arms=len(arms), hours=known.hours)
        for most in tried
        for true, one in _cases(rule, noise, most, known).items()
    ]
    rests = (
        f"From {STUDIES} simulated studies a row (Monte-Carlo error of *narrow* at most 0.8 points), normal noise; the "
        f"slope of one seed has a standard deviation of {number(noise, 2)} times kappa. The first look is at "
        f"{FIRST} seeds."
    )
    notes = [rests, *known.unused]
    if max(row["narrow"] for row in rows) < ENOUGH:
        more = 2 * float(ratios.max())
        cases = _cases(rule, noise * with_another(ratios, more), max(tried), known)
        often = max(one.reached for one in cases.values())
        notes.append(
            f"These ratios hardly carry an r* that narrow. With the ratio {as_given(more)} as well, if there is room "
            f"for it and the loss rises on as r², {often:.0%} would be with at most {max(tried)} seeds."
        )
    return WidthPlan(asked.name, pd.DataFrame(rows), target, tuple(notes))


def _cases(rule: "UntilWidth", noise: float, most: int, known: "Pilot") -> "dict[str, Narrowing]":
    """What may be true -> what studies take: the estimates, and whatever the pilot does not rule out."""
    from analysis.sequential.until_width.rule import WIDER
    from analysis.sequential.until_width.seeds import narrowings

    how: dict[str, Any] = {
        "target_width": rule.target_width, "wider": WIDER, "first": rule.first_look, "max_seeds": most,
    }  # fmt: skip
    if known.kappa_error is None:
        return {f"if the snr is {number(known.snr)}": narrowings(noise, **how)}
    drawn = narrowings(noise, **how, df=known.kappa_df, error=known.kappa_error)
    return {
        "if kappa and its noise are as the pilot estimates": narrowings(noise, **how),
        "over all that the pilot leaves likely": drawn,
    }


def _row(true: str, one: "Narrowing", *, arms: int, hours: float | None) -> dict[str, Any]:
    row: dict[str, Any] = {
        "true": true, "max_seeds": one.max_seeds, "narrow": one.reached, "seeds": one.seeds, "seeds_low": one.low,
        "seeds_high": one.high, "runs": one.seeds * arms, "runs_worst": one.max_seeds * arms,
        "fixed_seeds": one.fixed_seeds, "fixed_runs": one.fixed_seeds * arms,
    }  # fmt: skip
    if hours is not None:
        row |= {"hours": row["runs"] * hours, "hours_worst": row["runs_worst"] * hours}
    return row
