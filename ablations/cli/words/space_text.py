"""How `ablate show` says what a space is and what a design makes of it."""

from rich.console import Console
from rich.table import Table

from ablations.cli.words.console import make_console, make_table
from ablations.designs.assignments import baseline
from ablations.designs.expand import Expansion, PlannedArm, expand
from ablations.designs.fractional import aliases
from ablations.designs.space import Factor, Space
from ablations.subjects.attention.settings import Attention
from ablations.subjects.attention.sites.own_attention import usual_attention


def print_space(space: Space, *, design: str, seeds: int | None) -> None:
    """The space, and what the design makes of it."""
    console = make_console()
    console.print(f"[bold]{space.name}[/]  {space.question}")
    base = baseline(space)
    table = make_table(("factor", "levels", "baseline"))
    for factor in space.factors:
        table.add_row(factor.name, _levels(factor), str(base[factor.name]))
    console.print(table)
    _print_own_attention(console, space)
    if design == "search":
        console.print(
            "\nA search draws arms from these factors; it proposes, `ablate confirm` concludes."
        )
        return
    expansion = expand(space, design=design)
    count = len(space.block(seeds))
    total = count * len(expansion.arms)
    console.print(
        f"\n{design.replace('_', '-')}: {len(expansion.arms)} arms x {count} seed{'s' * (count > 1)} = {total} runs, "
        f"{expansion.arms[0].arm.training.epochs} epochs each"
    )
    console.print(_arms(expansion.arms))
    _print_left_out(console, space, expansion)
    if design == "fractional":
        for group in aliases([factor.name for factor in space.factors]):
            console.print(f"aliased: {' = '.join(group)}")


def _print_own_attention(console: Console, space: Space) -> None:
    """What the baseline has of its network, where that is not the plain block's."""
    name = space.baseline.backbone.name
    usual, plain = usual_attention(name), Attention()
    if usual == plain:
        return
    fields = [
        field for field in Attention.model_fields if getattr(usual, field) != getattr(plain, field)
    ]
    kept = [
        f"{field}={getattr(usual, field)}"
        for field in fields
        if getattr(usual, field) == getattr(space.baseline.attention, field)
    ]
    console.print(
        f"Attention of {name} where the space says nothing else: {', '.join(kept) or 'none'}"
    )


def _arms(arms: tuple[PlannedArm, ...]) -> Table:
    table = make_table(("arm", "label"), ("hidden widths", "params", "of attention", "MACs"))
    for arm in arms:
        cost = arm.cost
        widths = dict.fromkeys(width for width in cost["hidden"] if width is not None)
        hidden = " ".join(map(str, widths)) or "-"
        numbers = (f"{cost[name]:,}" for name in ("params", "attention_params", "macs"))
        table.add_row(arm.id, arm.label, hidden, *numbers)
    return table


def _print_left_out(console: Console, space: Space, expansion: Expansion) -> None:
    for label, same in expansion.folded:
        console.print(f"folded: {label} is the same arm as {same}")
    for label, why in expansion.illegal:
        console.print(f"cannot be built: {label}: {why}", style="yellow")
    if any(factor.name == "attention.reduction" for factor in space.factors):
        widths = [arm.cost["channels"] for arm in expansion.arms if arm.cost["channels"]]
        narrowest = min((min(channels) for channels in widths), default=None)
        if narrowest is not None:
            console.print(
                f"The narrowest block has {narrowest} channels: ratios up to {narrowest} that divide "
                "every width can be built. Larger ratios need a wider network (--set backbone.width=64)."
            )


def _levels(factor: Factor) -> str:
    if factor.levels:
        return ", ".join(str(level) for level in factor.levels)
    return f"{factor.low:g} to {factor.high:g}{', logarithmic' if factor.log else ''}"
