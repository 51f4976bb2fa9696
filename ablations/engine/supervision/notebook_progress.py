"""What the user sees in a notebook while a study runs: one output under the cell, redrawn in place."""

import io
import sys
import time
from html import escape
from typing import Any

from rich.console import Console

from ablations.engine.standing.snapshot import Snapshot
from ablations.engine.supervision.progress import Progress, make_progress, render
from plain_files.words import visible

REDRAWN_SECONDS = 1.0
"""A notebook's file keeps each output it is sent; once a second is enough to look at."""
WIDTH = 100
"""Characters of a line: what a cell's output shows without breaking it."""


class NotebookProgress:
    """The counts, a bar and what is on each slot, with what happened above."""

    def __init__(self, display: Any) -> None:
        """Take IPython's module `display`, which a notebook has."""
        self._html, self._pretty = display.HTML, display.display
        self._handle: Any = None
        self._drawn = 0.0
        self._lines: list[str] = []
        self._snapshot: Snapshot | None = None

    def show(self, snapshot: Snapshot) -> None:
        """Redraw, once a second at most, and when nothing is left to do."""
        self._snapshot = snapshot
        moment = time.monotonic()
        if moment - self._drawn >= REDRAWN_SECONDS or snapshot.ended == snapshot.total:
            self._drawn = moment
            self._draw()

    def line(self, text: str) -> None:
        """Keep what is worth keeping: failures and what the study does."""
        if text.split(" ", 2)[1:2] != ["complete"]:
            self._lines.append(escape(visible(text)))

    def close(self) -> None:
        """Leave the last state under the cell."""
        if self._snapshot is not None:
            self._draw()

    def _draw(self) -> None:
        assert self._snapshot is not None
        console = Console(record=True, width=WIDTH, file=io.StringIO())
        console.print(render(self._snapshot))
        drawn = console.export_html(inline_styles=True, code_format="<pre>{code}</pre>")
        shown = self._html("".join(f"<div>{line}</div>" for line in self._lines) + drawn)
        if self._handle is None:
            self._handle = self._pretty(shown, display_id=True)
        else:
            self._handle.update(shown)


def progress_here() -> Progress:
    """The display of a notebook in a notebook's kernel; elsewhere that of a terminal or a log."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if getattr(shell, "kernel", None) is None:
        return make_progress()
    from IPython import display

    return NotebookProgress(display)
