"""WebDataset: tar files (shards) with an image and its label one behind the other, `KEY.jpg` and `KEY.cls`.

A tar is not read from its beginning each time: where its members lie is found out once and kept in the cache.
"""

import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ablations.errors import SettingError
from ablations.failures import words_of
from ablations.subjects.attention.data.layouts.kept import Arrays, kept_arrays, key
from ablations.subjects.attention.data.layouts.listing import Members
from ablations.subjects.attention.data.layouts.names import Names
from ablations.subjects.attention.data.layouts.root import existing_root
from ablations.subjects.attention.settings.groups import Data

IMAGES = frozenset({"jpg", "jpeg", "png", "webp", "bmp", "gif", "ppm", "pgm", "tif", "tiff"})
LABEL = "cls"
Member = tuple[str, int, int, int]
"""Key, place of the image's first byte, its size, label."""


def webdataset(data: Data) -> Members:
    """The samples of the `.tar` files in the folder `root`, in the order of their names, or of the file `root`.

    Raises:
        SettingError: If there is none, or one is compressed, cut off, or lacks an image or a label.
    """
    root = existing_root(data)
    shards = sorted(root.glob("*.tar")) if root.is_dir() else [root]
    if not shards:
        raise SettingError(
            f"`data.root` must hold `.tar` files (unpacked with gunzip if they are compressed), but {str(root)!r} "
            "holds none."
        )
    states = [
        (str(shard.resolve()), shard.stat().st_size, shard.stat().st_mtime_ns) for shard in shards
    ]
    found = kept_arrays(f"shards/{key(states)}.npz", lambda: _index(shards))
    return Members(
        files=tuple(shards),
        written=tuple(state[2] for state in states),
        names=Names(found["text"], found["ends"]),
        y=found["y"],
        file=found["shard"],
        offset=found["offset"],
        size=found["size"],
    )


def _index(shards: list[Path]) -> Arrays:
    rows: list[tuple[int, int, int, int]] = []

    def names() -> Iterator[str]:
        for number, shard in enumerate(shards):
            for member, offset, size, label in _samples(shard):
                rows.append((number, offset, size, label))
                yield f"{shard.name}: {member}"

    packed = Names.of(names())
    file, offset, size, y = np.array(rows, dtype=np.int64).reshape(-1, 4).T.copy()
    return {
        "text": packed.text,
        "ends": packed.ends,
        "shard": file,
        "offset": offset,
        "size": size,
        "y": y,
    }


def _samples(shard: Path) -> Iterator[Member]:
    """Each image of a shard with its label."""
    image: tuple[str, int, int] | None = None
    label: int | None = None
    current = ""
    for name, offset, size, content in _members(shard):
        # A key is the whole path to the first dot of the name.
        folder, _, base = name.rpartition("/")
        key_in_folder, _, kind = base.partition(".")
        sample = f"{folder}/{key_in_folder}" if folder else key_in_folder
        if sample != current:
            if current:
                yield _whole(shard, current, image, label)
            current, image, label = sample, None, None
        if kind.rpartition(".")[2].lower() in IMAGES:
            image = (name, offset, size)
        elif kind == LABEL:
            label = _label(shard, name, content)
    if current:
        yield _whole(shard, current, image, label)


def _whole(
    shard: Path, sample: str, image: tuple[str, int, int] | None, label: int | None
) -> Member:
    if image is None or label is None:
        lacking = "an image (`.jpg`, `.png`, ...)" if image is None else f"a label (`.{LABEL}`)"
        raise SettingError(
            f"each sample of a shard must have an image and, beside it, its label in a `.{LABEL}` file, but "
            f"{sample!r} in {str(shard)!r} has not {lacking}. Write the shard again."
        )
    return *image, label


def _label(shard: Path, name: str, content: bytes) -> int:
    try:
        return int(content)
    except ValueError:
        raise SettingError(
            f"a `.{LABEL}` file must hold the number of a class, but {name!r} in {str(shard)!r} holds "
            f"{content[:20]!r}. Write the shard again."
        ) from None


def _members(shard: Path) -> Iterator[tuple[str, int, int, bytes]]:
    """Name, first byte, size, and content where it is a label, of each file in a shard."""
    end = shard.stat().st_size
    try:
        # Without a compression: in a compressed tar nothing has a place.
        with tarfile.open(shard, "r:") as archive, shard.open("rb") as file:
            while (member := archive.next()) is not None:
                archive.members.clear()  # type: ignore[attr-defined]  # it would keep them all
                if not member.isfile():
                    continue
                if member.offset_data + member.size > end:
                    raise tarfile.ReadError(f"it ends in {member.name!r}")
                is_label = member.name.endswith(f".{LABEL}")
                content = (
                    os.pread(file.fileno(), member.size, member.offset_data) if is_label else b""
                )
                yield member.name, member.offset_data, member.size, content
    except (tarfile.TarError, OSError) as error:
        raise SettingError(
            f"a shard must be a whole `.tar` file that is not compressed, but {str(shard)!r} cannot be read as one: "
            f"{words_of(error)}. Unpack or copy it again."
        ) from error
