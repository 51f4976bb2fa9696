"""Files that are there whole or as they were before, whatever happens while they are written."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A path beside the file, to write to; at the end of the block it takes the file's place.

    Where the block fails (the disk is full) nothing of it stays, and whoever has the file open reads no half of it.
    """
    beside = path.with_name(f".{path.name}.part")
    try:
        yield beside
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write the text, in UTF-8, whole."""
    with written_whole(path) as beside:
        beside.write_text(text, encoding="utf-8")
