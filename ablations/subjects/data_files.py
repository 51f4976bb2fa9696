"""Files that a space declares to be its data, and the digest of their content."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from ablations.errors import SettingError

CHUNK = 2**20


def files_of(patterns: Sequence[str]) -> list[Path]:
    """The files that the patterns name, from the current folder.

    Raises:
        SettingError: If a pattern names none.
    """
    found: list[Path] = []
    for pattern in patterns:
        whole = Path(pattern)
        base, rest = (
            (Path(whole.anchor), whole.relative_to(whole.anchor))
            if whole.is_absolute()
            else (Path(), whole)
        )
        here = sorted(path for path in base.glob(str(rest)) if path.is_file())
        if not here:
            raise SettingError(
                f"`fingerprint` must name files that are there, but none is called {pattern!r} from {Path.cwd()}."
            )
        found += here
    return found


def digest_of(files: Sequence[Path]) -> str:
    """Sixteen hexadecimal digits of the files' names and content; empty where there are none."""
    if not files:
        return ""
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.name.encode() + b"\0")
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
    return digest.hexdigest()[:16]
