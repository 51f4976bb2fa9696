"""How `ablate list` says which studies there are."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.text import Text

from ablations.cli.words.console import Rows, make_console
from ablations.engine.standing.status import StudyStatus


def print_studies(
    found: Sequence[tuple[str, StudyStatus | None, Mapping[str, Any]]], *, root: Path
) -> None:
    """A line for each study, and what to do next.

    Args:
        found: The name of each, how it stands (None where it cannot be read), and its `study.json`.
        root: Where they lie.
    """
    console = make_console()
    if not found:
        console.print(
            f"No study in {root}/ yet. `ablate spaces` lists what can be asked, `ablate run gate` begins one, "
            "`ablate --help` lists all commands."
        )
        return
    table = Rows(("study", "state", "runs", "failed", "question"))
    for name, now, info in found:
        if now is None:
            table.add_row(name, "not readable", "", "", "")
            continue
        question = str((info.get("space") or {}).get("question", ""))
        failed = Text(str(now.failed or ""), style="red")
        table.add_row(name, state(now), f"{now.ended}/{now.planned}", failed, question)
    console.print(table)
    console.print(
        "`ablate status STUDY` says more of one, `ablate report STUDY` reads it.", style="dim"
    )


def state(now: StudyStatus) -> str:
    """How a study stands, in a word or two."""
    if now.supervisor is not None:
        return "running"
    if now.planned == now.ended:
        return "ended" if now.planned else "empty"
    return "stopped" if now.ended or now.interrupted else "not begun"
