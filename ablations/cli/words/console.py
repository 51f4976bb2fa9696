"""Where commands print, and their tables with labels: folded on a terminal, in one line elsewhere, never cut."""

from collections.abc import Iterable
from typing import Literal

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from ablations.cli.words.aligned import aligned
from plain_files.words import one_line

UNFOLDED = 10_000
"""Columns of a file or pipe, whose lines a script reads; rich itself would take 80."""


def make_console() -> Console:
    """A console that leaves the wrapping of text to the terminal."""
    # Names are shown as they are: `[x]` in one is no markup.
    console = Console(soft_wrap=True, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = UNFOLDED
    return console


class Rows:
    """A table: on a terminal its long cells are folded; elsewhere a row is a line, as `aligned` has it.

    Args:
        left: Columns of words.
        right: Columns of numbers, after them.
        last: Columns of words again.
    """

    def __init__(
        self, left: Iterable[str], right: Iterable[str] = (), last: Iterable[str] = ()
    ) -> None:
        left, right, last = tuple(left), tuple(right), tuple(last)
        self._head = [Text(name, style="bold") for name in (*left, *right, *last)]
        self._right = range(len(left), len(left) + len(right))
        self._rows: list[list[Text]] = []

    def add_row(self, *cells: str | Text) -> None:
        """A cell for each column; a text may hold anything, a terminal is told nothing by it."""
        self._rows.append([Text(one_line(c)) if isinstance(c, str) else c for c in cells])

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if console.is_terminal:
            yield self._folded()
        else:
            plain = [[cell.plain for cell in row] for row in (self._head, *self._rows)]
            yield Text("\n".join(aligned(plain, right=self._right)))

    def _folded(self) -> Table:
        table = Table(box=None, padding=(0, 2, 0, 0))
        for i, head in enumerate(self._head):
            side: Literal["left", "right"] = "right" if i in self._right else "left"
            # Rich would cut a word that is longer than its column: two arms could then read the same.
            table.add_column(head, justify=side, overflow="fold")
        for row in self._rows:
            table.add_row(*row)
        return table
