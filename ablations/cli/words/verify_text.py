"""How `ablate show --verify` says what each arm changes of the baseline."""

from ablations.cli.words.console import Rows, make_console
from ablations.designs.expand import expand, verify
from ablations.designs.space import Space
from ablations.subjects.intervention import Intervention, refuse
from plain_files.numbers import number


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
    for warning in dict.fromkeys(said for row in table for said in row.warnings):
        print(f"note: {warning}")
    refuse(table)


def _print_table(table: tuple[Intervention, ...]) -> None:
    if not any(row.params for row in table):  # of a function, which has no network that is known
        _print_changes(table)
        return
    paired = any(row.pairing for row in table)
    head = ("arm", "changes", "modules", "reshaped")
    shown = Rows(
        head,
        ("params", "output", *(("unnamed draws",) if paired else ())),
        ("shared with the baseline",) if paired else (),
    )
    for row in table:
        shown.add_row(
            row.label,
            _changed(row),
            f"+{len(row.added)} -{len(row.removed)}",
            str(len(row.reshaped)),
            f"{row.params_change:+,}",
            number(row.output_change, 2),
            *((str(row.unnamed), row.pairing or "-") if paired else ()),
        )
    make_console().print(shown)


def _print_changes(table: tuple[Intervention, ...]) -> None:
    shown = Rows(("arm", "changes"))
    for row in table:
        shown.add_row(row.label, _changed(row))
    make_console().print(shown)


def _changed(row: Intervention) -> str:
    return ", ".join(name.partition(".")[2] or name for name in row.changed) or "-"
