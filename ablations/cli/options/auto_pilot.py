"""A pilot of a few runs for `ablate plan --pilot auto`: the noise, and how far the loss rises with the ratio."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ablations.cli.options.planned_arms import RATIO
from ablations.errors import StudyError

if TYPE_CHECKING:
    from ablations.designs.space import Factor, Space

SEEDS = 4


def run_pilot(text: str, *, root: Path) -> str:
    """Run it, or go on with it, and return its study's name.

    Args:
        text: The space that is planned.
        root: Where studies lie.

    Raises:
        StudyError: If some of its runs failed.
        SettingError: If the space has no factor with levels.
    """
    from ablations.cli.options.execution_options import USUAL, execution
    from ablations.cli.options.executors import ready_executor
    from ablations.designs.spaces import load_space
    from ablations.studies import study as studies

    space = pilot_space(load_space(text))
    how = replace(USUAL, wandb="disabled", root=root)
    with ready_executor(how, train=space.about.train, runs=3 * SEEDS) as make:
        summary = studies.run(
            space, study=space.name, seeds=SEEDS, root=root, execution=execution(how, make)
        )
    if summary.exit_code:
        raise StudyError(
            f"the pilot {root / space.name} is not whole ({summary.failed} of its runs failed); `ablate status "
            f"{space.name}` says why. Mend it and give the command again."
        )
    return space.name


def pilot_space(space: "Space") -> "Space":
    """The smallest and the largest ratio, or else two levels of the first factor, and the baseline's."""
    from ablations.designs.assignments import baseline

    base = baseline(space)
    levelled = [factor for factor in space.factors if factor.levels]
    if not levelled:
        raise StudyError(
            f"space {space.name!r} has no factor with levels, so there is no pilot to run; search it instead."
        )
    factor = next((one for one in levelled if one.name == RATIO), levelled[0])
    kept = _levels(factor, base[factor.name])
    said = space.model_dump()
    name = f"{space.name}-pilot"
    factors = [{**factor.model_dump(), "levels": kept}]
    return type(space)(**{**said, "name": name, "factors": factors, "controls": {}})


def _levels(factor: "Factor", base: object) -> tuple[object, ...]:
    """At most three: the ends of a scale, else the first other one, and the baseline's."""
    if factor.ordered:
        ends = (factor.ranked[0], factor.ranked[-1])
        return tuple(level for level in factor.levels if level in (*ends, base))
    other = next((level for level in factor.levels if level != base), base)
    return tuple(level for level in factor.levels if level in (base, other))
