"""What failed in code that a user brings, in one line: what it raised, and at which line of their own files."""

import re
import traceback
from pathlib import Path

from ablations.errors import message_of
from ablations.installed import is_installed

PLACE = Path(__file__).resolve().parents[1]
OURS = tuple(PLACE / name for name in ("ablations", "analysis", "plain_files", "search_spaces"))
IN_A_WORKER = "Original Traceback (most recent call last):"
"""How torch hands on what a process of a loader raised: with its whole traceback as the message."""
FRAME = re.compile(r'^  File "(.+)", line (\d+)', re.MULTILINE)


def words_of(error: BaseException) -> str:
    """An error's type and message, and its line, in one line without the full stop."""
    said = f"{type(error).__name__}: {told_by(error)}"
    return f"{' '.join(said.split()).rstrip('.')}{own_line(error)}"


def told_by(error: BaseException) -> str:
    """What an error says; what a process of a loader raised, without the traceback that torch puts around it."""
    message = message_of(error)
    if IN_A_WORKER not in message:
        return message
    lines = message.partition(IN_A_WORKER)[2].splitlines()
    said = " ".join(line for line in lines if not line.startswith("  ")).strip()
    return said.removeprefix(f"{type(error).__name__}: ") or message


def own_line(error: BaseException) -> str:
    """`line_of`, as a sentence ends with it: ` (houses.py, line 12)`; empty where there is none."""
    line = line_of(error)
    return "" if line is None else f" ({line})"


def line_of(error: BaseException) -> str | None:
    """The innermost line of the user's own at which it arose, as `houses.py, line 12`; None where there is none."""
    frames = [
        (frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    message = message_of(error)
    if IN_A_WORKER in message:
        frames += [(file, int(line)) for file, line in FRAME.findall(message)]
    own = [(Path(file), line) for file, line in frames if _is_own(Path(file))]
    if not own:
        return None
    file, line = own[-1]
    here = Path.cwd()
    return f"{file.relative_to(here) if file.is_relative_to(here) else file.name}, line {line}"


def _is_own(file: Path) -> bool:
    """Whether it is a file, and neither an installed one nor of this project."""
    whole = file.resolve()
    ours = any(whole.is_relative_to(place) for place in OURS)
    return whole.is_file() and not ours and not is_installed(whole)
