"""How `ablate show --verify` says what each arm changes of the baseline."""

from ablations.cli.words.console import make_console, make_table
from ablations.designs.expand import expand, verify
from ablations.designs.space import Space
from ablations.subjects.intervention import Intervention, refuse


def print_verified(space: Space, *, design: str) -> None:
    """The table of `ablate show --verify`: what each arm changes of the baseline's network.

    Raises:
        StudyError: After the table, if an arm changes nothing, is another arm's network, or changes what
            the space does not declare.
    """
    table = verify(space, expand(space, design=design))
    if table is None:
        print(
            f"Nothing was compared: the subject {space.subject!r} cannot say what its arms change."
        )
        return
    _print_table(table)
    refuse(table)


def _print_table(table: tuple[Intervention, ...]) -> None:
    shown = make_table(("arm", "changes", "modules", "reshaped"), ("params", "output"))
    for row in table:
        shown.add_row(
            row.label,
            ", ".join(name.partition(".")[2] for name in row.changed) or "-",
            f"+{len(row.added)} -{len(row.removed)}",
            str(len(row.reshaped)),
            f"{row.params_change:+,}",
            f"{row.output_change:.2g}",
        )
    make_console().print(shown)
