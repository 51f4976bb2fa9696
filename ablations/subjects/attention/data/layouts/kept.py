"""What was found out about files once, kept in the user's cache folder (`~/.cache/ablations`, or `XDG_CACHE_HOME`).

All of it can be computed again: the folder may be deleted at any time.
"""

import hashlib
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_path

from ablations.archives import UNREADABLE
from ablations.errors import SettingError

Arrays = dict[str, NDArray[Any]]


def cache_folder() -> Path:
    """Where it is kept."""
    return user_cache_path("ablations")


def key(*parts: object) -> str:
    """Thirty-two hexadecimal digits of what an answer depends on, bytes or anything with a telling `repr`."""
    digest = hashlib.sha256()
    for part in parts:
        content = part if isinstance(part, bytes) else repr(part).encode()
        digest.update(len(content).to_bytes(8, "big") + content)
    return digest.hexdigest()[:32]


def kept(name: str, write: Callable[[Path], None]) -> Path:
    """The file or folder of this name in the cache, which `write` makes where it is not there; whole or not at all.

    Raises:
        SettingError: If the cache cannot be written.
    """
    path = cache_folder() / name
    if path.exists():
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".") as made:
            write(Path(made) / "new")
            if not path.exists():  # another process may have been faster
                (Path(made) / "new").replace(path)
    except OSError as error:
        if path.exists():
            return path
        raise SettingError(
            f"the cache folder must have room and be writable, but {str(path)!r} cannot be written "
            f"({error.strerror}); free some room, or name another folder by the variable XDG_CACHE_HOME."
        ) from error
    return path


def kept_arrays(name: str, compute: Callable[[], Arrays]) -> Arrays:
    """The arrays of this name in the cache, computed where they are not there; where none can be written, none are."""
    path = cache_folder() / name
    try:
        return arrays_of(path)
    except FileNotFoundError:
        pass
    except UNREADABLE:  # a disk was full, a machine fell
        with suppress(OSError):
            path.unlink()
    arrays = compute()

    def write(to: Path) -> None:
        with to.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]

    with suppress(SettingError):
        kept(name, write)
    return arrays


def arrays_of(path: Path) -> Arrays:
    """The arrays of a file that `numpy.savez` wrote."""
    with np.load(path, allow_pickle=False) as archive:
        return {part: archive[part] for part in archive.files}
