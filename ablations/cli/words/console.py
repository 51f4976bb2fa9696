"""Where commands print, and their tables with labels: folded on a terminal, in one line elsewhere, never cut."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

UNFOLDED = 10_000
"""Columns of a file or pipe, whose lines a script reads; rich itself would take 80."""


def make_console() -> Console:
    """A console that leaves the wrapping of text to the terminal."""
    # Names are shown as they are: `[x]` in one is no markup.
    console = Console(soft_wrap=True, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = UNFOLDED
    return console


def make_table(left: Iterable[str], right: Iterable[str] = ()) -> Table:
    """An empty table with columns of words, then columns of numbers."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    # Rich would cut a word that is longer than its column: two arms could then read the same.
    for column in left:
        table.add_column(column, overflow="fold")
    for column in right:
        table.add_column(column, justify="right", overflow="fold")
    return table
