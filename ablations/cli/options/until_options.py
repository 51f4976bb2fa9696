"""From the command line's words to a rule that says when a study is settled."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cyclopts import Parameter

from ablations.cli.options.arguments import Flag, Whole
from ablations.errors import SettingError

if TYPE_CHECKING:
    from ablations.designs.space import Space
    from ablations.studies.until import StoppingRule

MOST_SEEDS = 24
OF_DECIDED, OF_WIDTH = ("margin",), ("target_width",)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class UntilOptions:
    """When a study ends by itself; None where nothing was said."""

    until: Literal["decided", "width"] | None = None
    """Run until every comparison is settled, or until r* is known to within a width."""
    margin: float | None = None
    """With --until decided: the largest difference that does not matter, in the metric's unit."""
    max_seeds: Whole | None = None
    """With --until: seeds after which the study ends, 24 by default."""
    budget_hours: float | None = None
    """With --until: no further seeds once the runs have taken so many hours together."""
    target_width: float | None = None
    """With --until width: how far the upper 95 % limit of r* may lie above it, as a share; 0.3 by default."""
    change_rule: Flag = False
    """With --until: go on by another margin, width or most seeds than the study was started with; what is
    settled after it is exploratory."""


NOT_ASKED = UntilOptions()


def rule_for(
    options: UntilOptions, *, planned: dict[str, Any] | None, seeds: int | None
) -> "StoppingRule | None":
    """The rule that the options ask for; None where --until was not given.

    Raises:
        SettingError: If an option belongs to another way of ending, or to none.
        TableError: If a value breaks its rule, or the planned comparisons contradict it.
    """
    said = {name for name, value in asdict(options).items() if value not in (None, False)}
    if options.until is None:
        if said:
            option = "--" + sorted(said)[0].replace("_", "-")
            raise SettingError(
                f"`{option}` says when a study is settled: add --until decided (or --until width)."
            )
        return None
    wrong = said & set(OF_WIDTH if options.until == "decided" else OF_DECIDED)
    if wrong:
        option = "--" + sorted(wrong)[0].replace("_", "-")
        other = "width" if options.until == "decided" else "decided"
        raise SettingError(
            f"`{option}` belongs to --until {other}, but --until is {options.until}."
        )
    if seeds is not None:
        raise SettingError(
            f"`--seeds` is {seeds}, but a study with --until has as many as its rule asks for. Give "
            f"--max-seeds instead."
        )
    most = MOST_SEEDS if options.max_seeds is None else options.max_seeds
    if options.until == "decided":
        from analysis.sequential.rule import until_decided

        content = None if planned is None else planned["planned"]
        if content is not None and options.max_seeds is None and content["seeds"] is not None:
            most = int(content["seeds"])
        return until_decided(margin=options.margin, max_seeds=most, planned=content)
    if planned is not None:
        raise SettingError(
            "`--planned` comparisons are settled by --until decided; --until width asks how large r* is."
        )
    from analysis.sequential.until_width.rule import TARGET, until_width

    target = TARGET if options.target_width is None else options.target_width
    return until_width(max_seeds=most, target_width=target)


def refuse_misfit(
    rule: "StoppingRule", space: "Space", *, design: str, extend: bool, budget_hours: float | None
) -> None:
    """Refuse a rule that does not fit the arms before workers start.

    Raises:
        SettingError: If the design, an extension or the budget cannot go with it.
        TableError: If no arm can be compared.
    """
    from ablations.designs.expand import expand
    from ablations.studies.until import refuse_unsuitable

    refuse_unsuitable(design=design, seeds=None, extend=extend, retry=(), budget_hours=budget_hours)
    about = space.about
    direction = next(one.direction for one in about.metrics if one.name == about.metric)
    rule.declared(expand(space, design=design).arms, metric=about.metric, direction=direction)


def what_is_open(folder: Path) -> list[str]:
    """What a study that ran by one of our rules left open, and what it would take; none where nothing is."""
    from analysis.sequential.stopped import report_stopped
    from analysis.sequential.until_width.words import what_is_open as r_star_is_open
    from analysis.tables.study_table import read_study

    table = read_study(folder)
    stopped = report_stopped(table)
    return r_star_is_open(table) if stopped is None else stopped.still_open()
