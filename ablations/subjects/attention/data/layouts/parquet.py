"""Parquet files as on the Hugging Face Hub: a column of images `{bytes, path}`, and one of labels.

In a Parquet file an image cannot be read without the hundreds that are compressed with it. So the images are copied
once, one behind the other, to a file in the cache, as large as they are together.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ablations.errors import SettingError
from ablations.failures import words_of
from ablations.subjects.attention.data.layouts.kept import arrays_of, kept, key
from ablations.subjects.attention.data.layouts.listing import Members
from ablations.subjects.attention.data.layouts.names import Names
from ablations.subjects.attention.data.layouts.root import existing_root
from ablations.subjects.attention.settings.groups import Data

LABELS = ("label", "labels", "fine_label", "target")
"""Names of the column of labels, the first that is there."""
ROWS = 64
"""Read together."""
IMAGES, INDEX = "images", "index.npz"
"""The two files of a copy."""


def parquet(data: Data) -> Members:
    """The rows of the Parquet files in the folder `root`, in the order of their names, or of the file `root`.

    Of files that are named by their part, `train-00000-of-00004.parquet`, those of `train`.

    Raises:
        SettingError: If there is none, pyarrow is not installed, or the columns are others.
    """
    root = existing_root(data)
    files = [root]
    if root.is_dir():
        files = sorted(root.glob("train-*.parquet")) or sorted(root.glob("*.parquet"))
    if not files:
        raise SettingError(f"`data.root` must hold `.parquet` files, but {str(root)!r} holds none.")
    parts = [_copied(path) for path in files]
    return Members(
        files=tuple(part.files[0] for part in parts),
        written=tuple(part.written[0] for part in parts),
        names=Names.of(name for part in parts for name in part.names),
        y=np.concatenate([part.y for part in parts]),
        file=np.repeat(np.arange(len(parts)), [len(part.y) for part in parts]),
        offset=np.concatenate([part.offset for part in parts]),
        size=np.concatenate([part.size for part in parts]),
    )


def _copied(path: Path) -> Members:
    """The images of one file in the cache, and where each lies there."""
    state = path.stat()
    folder = kept(
        f"parquet/{key(str(path.resolve()), state.st_size, state.st_mtime_ns)}",
        lambda to: _copy(path, to),
    )
    images, index = folder / IMAGES, arrays_of(folder / INDEX)
    size, y = index["size"], index["y"]
    return Members(
        files=(images,),
        written=(images.stat().st_mtime_ns,),
        names=Names.of(f"{path.name}: row {row}" for row in range(len(y))),
        y=y,
        file=np.zeros(len(y), dtype=np.int64),
        offset=np.cumsum(size) - size,
        size=size,
    )


def _copy(path: Path, to: Path) -> None:
    to.mkdir()
    sizes, labels = [], []
    with (to / IMAGES).open("wb") as out:
        for image, label in _rows(path):
            out.write(image)
            sizes.append(len(image))
            labels.append(label)
    with (to / INDEX).open("wb") as out:
        np.savez(out, size=np.array(sizes, dtype=np.int64), y=np.array(labels, dtype=np.int64))


def _rows(path: Path) -> Iterator[tuple[bytes, int]]:
    """The encoded image and the label of each row."""
    reader, image, label = _opened(path)
    for at, (content, number) in enumerate(_pairs(path, reader, image, label)):
        if content is None or number is None:
            lacking = "image (only the path to one)" if content is None else "label"
            raise SettingError(
                f"each row of a Parquet file must hold its image and its label, but row {at} of {str(path)!r} "
                f"has no {lacking}. Write the file again with both."
            )
        yield content, number


def _pairs(
    path: Path, reader: Any, image: str, label: str
) -> Iterator[tuple[bytes | None, int | None]]:
    from pyarrow import ArrowException, types

    try:
        for batch in reader.iter_batches(batch_size=ROWS, columns=[image, label]):
            images = batch.column(image)
            if types.is_struct(images.type):
                images = images.field("bytes")
            yield from zip(images.to_pylist(), batch.column(label).to_pylist(), strict=True)
    except (ArrowException, OSError) as error:
        raise SettingError(_broken(path, error)) from error


def _opened(path: Path) -> tuple[Any, str, str]:
    """The file, and the names of its columns of images and labels."""
    try:
        import pyarrow as pa
        from pyarrow import parquet as pq
    except ModuleNotFoundError:
        raise SettingError(
            "the data set `parquet` needs pyarrow: pip install 'ablations[parquet]'."
        ) from None
    try:
        reader = pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise SettingError(_broken(path, error)) from error
    schema = reader.schema_arrow
    numbers = [field.name for field in schema if pa.types.is_integer(field.type)]
    images = [field.name for field in schema if _holds_images(field.type, pa)]
    label = next((name for name in LABELS if name in numbers), None)
    if label is None or len(images) != 1:
        raise SettingError(
            f"a Parquet file of images must have one column of bytes, or of {{bytes, path}}, and a column of labels "
            f"named {' or '.join(map(repr, LABELS))}, but {str(path)!r} has the columns "
            f"{', '.join(f'{field.name} ({field.type})' for field in schema)}."
        )
    return reader, images[0], label


def _broken(path: Path, error: Exception) -> str:
    return (
        f"`data.root` must hold Parquet files, but {str(path)!r} cannot be read as one: {words_of(error)}. Copy it "
        "again."
    )


def _holds_images(kind: Any, pa: Any) -> bool:
    if pa.types.is_struct(kind):
        return any(kind.field(i).name == "bytes" for i in range(kind.num_fields))
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))
