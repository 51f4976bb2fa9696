"""What the user sees while a study runs: a live display on a terminal, plain lines elsewhere."""

import sys
import time
from contextlib import suppress
from typing import IO, Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ablations.engine.standing.snapshot import Busy, Snapshot
from plain_files.numbers import loss, number
from plain_files.words import visible

LINE_SECONDS = 30.0
"""Between two summary lines where there is no terminal."""
SLOTS_SHOWN = 16
RUN_BAR = 16
"""Characters of a run's own bar."""


class Progress(Protocol):
    """Is shown snapshots and told what happened in one line each."""

    def show(self, snapshot: Snapshot) -> None:
        """How the study stands now."""

    def line(self, text: str) -> None:
        """Something happened."""

    def close(self) -> None:
        """No more will come."""


class NoProgress:
    """Shows nothing."""

    def show(self, snapshot: Snapshot) -> None:
        """Nothing."""

    def line(self, text: str) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class PlainProgress:
    """One line per event and now and then one with the counts; for logs."""

    def __init__(self, stream: IO[str] | None = None, *, every: float = LINE_SECONDS) -> None:
        """Write to a stream, standard error by default.

        Args:
            stream: Where to.
            every: Seconds between two lines with the counts.
        """
        self._stream = sys.stderr if stream is None else stream
        self._every = every
        self._said = time.monotonic()

    def show(self, snapshot: Snapshot) -> None:
        """Write the counts if the last ones are old or nothing is left to do."""
        moment = time.monotonic()
        if moment - self._said >= self._every or snapshot.ended == snapshot.total:
            self._said = moment
            self.line(summary_line(snapshot))

    def line(self, text: str) -> None:
        """Write a line with the time of day."""
        # A reader that went away (`ablate run ... 2>&1 | head`) ends the lines and not the study.
        with suppress(BrokenPipeError):
            print(f"{time.strftime('%H:%M:%S')} {visible(text)}", file=self._stream, flush=True)

    def close(self) -> None:
        """Nothing is left to do."""


class LiveProgress:
    """A display that stays in place: counts, a bar, what is on each slot."""

    def __init__(self, console: Console | None = None) -> None:
        """Draw on a console, standard error by default."""
        self._console = Console(stderr=True) if console is None else console
        self._live = Live(console=self._console, refresh_per_second=4, transient=False)
        self._started = False

    def show(self, snapshot: Snapshot) -> None:
        """Redraw."""
        if not self._started:
            self._live.start()
            self._started = True
        self._live.update(render(snapshot))

    def line(self, text: str) -> None:
        """Print above the display what is worth keeping: failures and what the study does."""
        state = text.split(" ", 2)[1:2]
        if state != ["complete"]:
            style = "red" if state == ["failed"] else ""
            self._console.print(Text(visible(text), style=style))

    def close(self) -> None:
        """Leave the last state on the screen."""
        if self._started:
            self._live.stop()


def make_progress(stream: IO[str] | None = None) -> Progress:
    """The live display on a terminal, plain lines elsewhere; on standard error by default."""
    stream = sys.stderr if stream is None else stream
    return LiveProgress(Console(file=stream)) if stream.isatty() else PlainProgress(stream)


def render(snapshot: Snapshot) -> RenderableType:
    """The live display's content."""
    return Group(
        Text.assemble((snapshot.study, "bold"), "  ", summary_line(snapshot)),
        ProgressBar(total=max(1, snapshot.total), completed=snapshot.done),
        Text(""),  # a bar does not end its own line: the titles would stand beyond its right edge
        _slots(snapshot),
    )


def summary_line(snapshot: Snapshot) -> str:
    """The counts, the best arm, throughput and time left in one line."""
    parts = [f"{snapshot.ended}/{snapshot.total} runs"]
    parts += [f"{snapshot.pruned} pruned"] if snapshot.pruned else []
    parts += [f"{snapshot.failed} failed"] if snapshot.failed else []
    parts += [f"{len(snapshot.busy)} running", f"{snapshot.waiting} waiting"]
    if snapshot.best is not None:
        best = snapshot.best
        seeds = f"{best.seeds} seed{'s' if best.seeds != 1 else ''} each"
        parts.append(f"best so far {best.label}: {snapshot.metric} {loss(best.value)} ({seeds})")
    if snapshot.ended < snapshot.total and snapshot.seconds_left is not None:
        parts.append(f"{number(snapshot.runs_per_hour, 2)} runs/h")
        parts.append(f"{duration(snapshot.seconds_left)} left")
    return ", ".join(parts)


def duration(seconds: float) -> str:
    """A time in the two largest units: `under 1 s`, `45 s`, `3 min 20 s`, `2 h 05 min`."""
    if 0 < seconds < 0.5:
        return "under 1 s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


def _slots(snapshot: Snapshot) -> Table:
    # Idle places when nothing is left to do say nothing.
    if not snapshot.busy and not snapshot.waiting:
        return Table(box=None)
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("slot", "arm", "seed", "epoch", "", snapshot.metric):
        table.add_column(column, overflow="fold")
    on = {busy.slot: busy for busy in snapshot.busy}
    for slot in snapshot.slots[:SLOTS_SHOWN]:
        table.add_row(slot, *_cells(on.get(slot)))
    if len(snapshot.slots) > SLOTS_SHOWN:
        table.add_row(f"and {len(snapshot.slots) - SLOTS_SHOWN} more")
    return table


def _cells(busy: Busy | None) -> tuple[RenderableType, ...]:
    if busy is None:
        return ("idle", "", "", "", "")
    value = loss(busy.value)
    bar = ProgressBar(total=1.0, completed=busy.share, width=RUN_BAR)
    return (busy.label, str(busy.seed), f"{busy.epoch}/{busy.epochs}", bar, value)
