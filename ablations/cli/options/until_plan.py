"""What a study that runs until decided will take, beside the fixed design of equal power."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ablations.errors import SettingError
from plain_files.numbers import number

if TYPE_CHECKING:
    import pandas as pd

    from ablations.cli.options.planned_arms import PlannedArms
    from analysis.tables.runs_table import RunsTable

FOREIGN = {
    "decided": ("--target-width", "--snr", "--budget-hours"),
    "width": ("--margin", "--effect", "--budget-hours"),
}
"""Options that a plan for such a study would not read."""
MOST = (10, 20, 30, 40)
"""Numbers of seeds that are tried where none is named."""
STUDIES = 400


@dataclass(frozen=True)
class UntilPlan:
    """Expected and worst cost, by what may be true and by the most seeds."""

    space: str
    frame: "pd.DataFrame"
    """`true, max_seeds, settled, seeds, runs, runs_worst, fixed_seeds, fixed_runs, share` and, where the time
    of a run is
    known, `hours, hours_worst`."""
    notes: tuple[str, ...]

    def sentences(self) -> list[str]:
        """What to expect, in plain words."""
        lines = []
        for row in self.frame.to_dict("records"):
            fixed = (
                f"a fixed design of equal power takes {row['fixed_runs']:.0f} ({row['fixed_seeds']:.1f} seeds)"
                if math.isfinite(row["fixed_runs"])
                else "no fixed design looked at has that power"
            )
            hours = (
                f", {number(row['hours'])} device hours, at worst {number(row['hours_worst'])}"
                if "hours" in row
                else ""
            )
            lines.append(
                f"At most {row['max_seeds']} seeds, {row['true']}: {row['runs']:.0f} runs expected, "
                f"{row['runs_worst']} at worst{hours}; {row['settled']:.0%} settled, and rightly; {fixed}."
            )  # fmt: skip
        return [*lines, *self.notes]

    def to_json(self) -> dict[str, Any]:
        """Plain values; infinity and undefined numbers are null."""
        from analysis.plain import records

        return {"space": self.space, "until": records(self.frame), "sentences": self.sentences()}


def refuse_foreign(until: Literal["decided", "width"], given: Mapping[str, float | None]) -> None:
    """Refuse an option that such a plan would not read.

    Raises:
        SettingError: If one was given.
    """
    for option in FOREIGN[until]:
        if given[option] is not None:
            raise SettingError(
                f"`{option}` says nothing of a study that runs --until {until}: leave it out, or plan without --until."
            )


def plan_until(
    asked: "PlannedArms",
    *,
    margin: float | None,
    effect: float | None,
    max_seeds: int | None,
    pilot: "RunsTable | None",
    sigma: float | None,
    hours_per_run: float | None,
) -> UntilPlan:
    """What it takes to decide the comparisons of a space or a study, from a pilot or from given noise.

    Raises:
        SettingError: If noise or margin is not known, or there is the baseline alone.
        TableError: If a value breaks its rule.
    """
    import pandas as pd

    from ablations.cli.options.study_plan import pilot_of
    from analysis.sequential.expected import expected
    from analysis.sequential.rule import until_decided

    arms = asked.arms
    tried = MOST if max_seeds is None else (max_seeds,)
    # The rule's own words for what is wrong with a margin, the seeds or the arms.
    rule = until_decided(margin=margin, max_seeds=max(tried))
    rule.declared(arms, metric=asked.metric, direction=asked.direction)
    if max_seeds is not None:
        until_decided(margin=margin, max_seeds=max_seeds)
    assert margin is not None
    found = pilot_of(pilot, sigma=sigma, snr=None, hours_per_run=hours_per_run)
    known, hours, notes = found.sigma, found.hours, found.unused
    if known is None:
        raise SettingError(
            "a plan until decided needs the noise of a run: "
            + (" ".join(notes) or "give --sigma or --pilot.")
        )
    count, real = len(arms) - 1, 1.5 * margin if effect is None else effect
    cases = {
        "no arm differs": [0.0] * count,
        f"one arm differs by {number(real)}": [real, *[0.0] * (count - 1)],
        "every arm differs by the margin": [margin] * count,
    }
    rows = []
    for most in tried:
        for true, effects in cases.items():
            one = expected(
                effects, margin=margin, sd=math.sqrt(2) * known, max_seeds=most, studies=STUDIES
            )
            row = {
                "true": true, "max_seeds": most, "settled": one.decided, "seeds": one.seeds, "runs": one.runs,
                "runs_worst": one.runs_worst, "fixed_seeds": one.fixed_seeds, "fixed_runs": one.fixed_runs,
                "share": one.share,
            }  # fmt: skip
            if hours is not None:
                row |= {"hours": one.runs * hours, "hours_worst": one.runs_worst * hours}
            rows.append(row)
    basis = (
        f"From {STUDIES} simulated studies a row (Monte-Carlo error of *settled* at most 2.5 points), normal "
        f"noise, a paired "
        f"difference with a standard deviation of {number(math.sqrt(2) * known)}."
    )
    return UntilPlan(asked.name, pd.DataFrame(rows), (basis, *notes))
