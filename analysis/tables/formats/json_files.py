"""JSON as a study folder holds it: an object in a file, or one on each line."""

import json
from pathlib import Path
from typing import Any

from analysis.errors import TableError


def json_object(path: Path) -> dict[str, Any]:
    """The object in a file.

    Raises:
        TableError: If there is something else in it.
        FileNotFoundError: If there is no such file.
    """
    try:
        loaded = json.loads(path.read_bytes())
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise TableError(f"{path} is not readable JSON: {error}.") from None
    if not isinstance(loaded, dict):
        raise TableError(f"{path} must hold an object, but holds a {type(loaded).__name__}.")
    return loaded


def json_lines(path: Path) -> list[dict[str, Any]]:
    """The whole lines of a file; a last line that was cut off while it was written is left out."""
    if not path.is_file():
        raise TableError(f"{path.parent} is no study: it has no {path.name}.")
    text = path.read_text(encoding="utf-8")
    lines = text.split("\n")
    whole = lines[:-1] if not text.endswith("\n") and not _is_json(lines[-1]) else lines
    records = []
    for number, line in enumerate(whole, start=1):
        if line.strip():
            try:
                records.append(json.loads(line))
            except json.JSONDecodeError as error:
                raise TableError(f"{path}, line {number}: {error}.") from None
    return records


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except json.JSONDecodeError:
        return False
    return True
