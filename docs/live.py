"""Draws the live display of a run of the preset `demo` into docs/images/live.svg: `python docs/live.py`.

The study lies in a temporary folder and is stopped once the picture is taken.
"""

import io
import re
import tempfile
from contextlib import suppress
from pathlib import Path

from rich.console import Console

from ablations import Execution, load_space, run
from ablations.engine.supervision.progress import render
from ablations.engine.supervision.snapshot import Snapshot

PICTURE = Path(__file__).parent / "images" / "live.svg"
ENDED = 6
"""Runs that have ended when the picture is taken."""


class Picture:
    """Shows nothing, and draws the display once enough has happened."""

    def show(self, snapshot: Snapshot) -> None:
        """Draw it, and stop the study, when runs are under way and some have ended."""
        if snapshot.ended < ENDED or not all(busy.epoch for busy in snapshot.busy):
            return
        console = Console(record=True, width=112, file=io.StringIO(), force_terminal=True)
        console.print(render(snapshot))
        drawn = console.export_svg(title="ablate run demo --design loco")
        # The letters are those of the reader's system: a picture asks for nothing outside.
        PICTURE.write_text(re.sub(r"@font-face \{.*?\}", "", drawn, flags=re.DOTALL))
        raise KeyboardInterrupt

    def line(self, text: str) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, suppress(KeyboardInterrupt):
        how = Execution(progress=Picture(), wandb="disabled")
        run(load_space("demo"), study="demo", design="loco", root=Path(folder), execution=how)
    print(PICTURE)
