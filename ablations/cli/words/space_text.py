"""How `ablate show` says what a space is and what a design makes of it."""

from typing import Any

from rich.console import Console
from rich.text import Text

from ablations.cli.words.console import Rows, make_console
from ablations.designs.assignments import baseline
from ablations.designs.expand import Expansion, PlannedArm, expand
from ablations.designs.fractional import aliases
from ablations.designs.space import Factor, Space
from ablations.subjects.subject import Subject
from plain_files.numbers import as_given
from plain_files.words import visible


def print_space(space: Space, *, design: str, seeds: int | None) -> None:
    """The space, and what the design makes of it."""
    console = make_console()
    console.print(Text.assemble((visible(space.name), "bold"), "  ", visible(space.question)))
    base = baseline(space)
    table = Rows(("factor", "levels", "baseline"))
    for factor in space.factors:
        table.add_row(factor.name, _levels(factor), as_given(base[factor.name]))
    console.print(table)
    for note in space.about.notes(space.baseline):
        console.print(note)
    if space.about.identify is not None:
        console.print(space.about.identify(space.baseline).sentence())
    if design == "search":
        console.print(
            "\nA search draws arms from these factors; it proposes, `ablate confirm` concludes."
        )
        return
    expansion = expand(space, design=design)
    count = len(space.first_seeds(seeds))
    total = count * len(expansion.arms)
    epochs = space.about.epochs(space.baseline)
    console.print(
        f"\n{design.replace('_', '-')}: {len(expansion.arms)} arms x {count} seed{'s' * (count > 1)} = {total} runs, "
        f"{epochs} epoch{'s' * (epochs != 1)} each"
    )
    console.print(_arms(space.about, expansion.arms))
    _print_left_out(console, space, expansion)
    if design == "fractional":
        for group in aliases([factor.name for factor in space.factors]):
            console.print(f"aliased: {' = '.join(group)}")


def _arms(about: Subject, arms: tuple[PlannedArm, ...]) -> Rows:
    table = Rows(("arm", "label"), tuple(about.cost_titles.values()))
    for arm in arms:
        table.add_row(arm.id, arm.label, *(_cost(arm.cost[name]) for name in about.cost_titles))
    return table


def _cost(value: Any) -> str:
    """Each number of a list once, and of several digits in groups of three; what is not known is a dash."""
    if isinstance(value, list | tuple):
        return " ".join(map(str, dict.fromkeys(x for x in value if x is not None))) or "-"
    return "-" if value is None else f"{value:,}"


def _print_left_out(console: Console, space: Space, expansion: Expansion) -> None:
    for label, same in expansion.folded:
        console.print(f"folded: {label} is the same arm as {same}")
    for label, why in expansion.illegal:
        console.print(f"cannot be built: {label}: {why}", style="yellow")
    names = [factor.name for factor in space.factors]
    for remark in space.about.remarks(names, [arm.cost for arm in expansion.arms]):
        console.print(remark)


def _levels(factor: Factor) -> str:
    if factor.levels:
        return ", ".join(map(as_given, factor.levels))
    return (
        f"{as_given(factor.low)} to {as_given(factor.high)}{', logarithmic' if factor.log else ''}"
    )
