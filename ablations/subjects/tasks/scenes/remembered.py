"""Scenes that were composed once lie in the user's folder of caches, and are read from there."""

import hashlib
import json
import os
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import numpy as np
from platformdirs import user_cache_path

from ablations.archives import UNREADABLE
from ablations.subjects.tasks.scenes.compose import Scenes, compose
from ablations.subjects.tasks.scenes.glyphs import Part
from ablations.subjects.tasks.scenes.settings import SceneSettings

VERSION = 1
"""Counts up where `compose` makes other scenes of the same settings."""
KEPT = 4
"""Sets of scenes that a process keeps."""


def scenes(settings: SceneSettings, *, part: Part, count: int) -> Scenes:
    """The scenes that `compose` makes, read from the cache where they lie there whole.

    A cache that cannot be read is made again; where none can be written, none is.
    """
    return _scenes(settings, part, count, user_cache_path("ablations"))


@lru_cache(maxsize=KEPT)
def _scenes(settings: SceneSettings, part: Part, count: int, folder: Path) -> Scenes:
    path = folder / f"scenes-{_key(settings, part, count)}.npz"
    found = _read(path)
    if found is None:
        found = compose(settings, part=part, count=count)
        _write(found, path)
    return found


def digest(found: Scenes) -> str:
    """Sixteen hexadecimal digits of what the scenes are."""
    hashed = hashlib.sha256()
    for name, array in found.arrays().items():
        hashed.update(f"{name} {array.dtype} {array.shape}".encode())
        hashed.update(np.ascontiguousarray(array).data)
    return hashed.hexdigest()[:16]


def _key(settings: SceneSettings, part: Part, count: int) -> str:
    """Of all that decides what is drawn; numpy may change what a seed gives between versions."""
    told = [VERSION, np.__version__, settings.model_dump(), part, count]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def _read(path: Path) -> Scenes | None:
    """None where there is nothing whole: an archive tells by its checksums."""
    try:
        # Opened here, since numpy leaves a damaged file open.
        with path.open("rb") as file, np.load(file) as archive:
            return Scenes(**dict(archive))
    except UNREADABLE:
        return None


def _write(found: Scenes, path: Path) -> None:
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Beside it, then in its place: another process reads all or nothing.
        with beside.open("wb") as file:
            np.savez(file, allow_pickle=False, **found.arrays())
        beside.replace(path)
    except OSError:
        with suppress(OSError):
            beside.unlink()
