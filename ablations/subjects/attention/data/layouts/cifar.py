"""CIFAR-10 and CIFAR-100, in their binary and in their Python version."""

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablations.errors import SettingError
from ablations.failures import words_of
from ablations.subjects.attention.data.layouts.listing import Held, Labels
from ablations.subjects.attention.data.layouts.root import existing_root
from ablations.subjects.attention.settings.groups import Data


def cifar10(data: Data) -> Held:
    """CIFAR-10's 50 000 training images; `root` is the unpacked folder, in either version."""
    names = [f"data_batch_{i}" for i in range(1, 6)]
    return _either_version(
        data,
        binary=[f"{name}.bin" for name in names],
        label_bytes=1,
        python=names,
        key=b"labels",
        classes=10,
    )


def cifar100(data: Data) -> Held:
    """CIFAR-100's 50 000 training images with their fine labels; `root` as for CIFAR-10."""
    return _either_version(
        data, binary=["train.bin"], label_bytes=2, python=["train"], key=b"fine_labels", classes=100
    )


def cifar10_test(data: Data) -> Held:
    """CIFAR-10's 10 000 test images, from the same folder."""
    return _either_version(
        data, binary=["test_batch.bin"], label_bytes=1, python=["test_batch"], key=b"labels", classes=10
    )  # fmt: skip


def cifar100_test(data: Data) -> Held:
    """CIFAR-100's 10 000 test images with their fine labels, from the same folder."""
    return _either_version(
        data, binary=["test.bin"], label_bytes=2, python=["test"], key=b"fine_labels", classes=100
    )


def _either_version(
    data: Data, *, binary: list[str], label_bytes: int, python: list[str], key: bytes, classes: int
) -> Held:
    root = existing_root(data)
    if all((root / name).exists() for name in binary):
        parts = [_read_binary(root / name, label_bytes=label_bytes) for name in binary]
        names = binary
    elif all((root / name).exists() for name in python):
        parts = [_read_python(root / name, key=key) for name in python]
        names = python
    else:
        raise SettingError(
            f"`data.root` must hold {binary[0]} or {python[0]} of {data.name}, but {str(root)!r} "
            "holds neither; unpack the archive and name the folder inside it."
        )
    for name, (_, labels) in zip(names, parts, strict=True):
        wrong = labels[(labels < 0) | (labels >= classes)]
        if len(wrong):
            raise SettingError(
                f"the labels of {data.name} must be from 0 to {classes - 1}, but {str(root / name)!r} holds "
                f"{wrong[0]}; unpack the archive again."
            )
    pixels = np.concatenate([pixels for pixels, _ in parts])
    labels = np.concatenate([labels for _, labels in parts])
    return Held(data.name, pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), labels)


def _read_binary(path: Path, *, label_bytes: int) -> tuple[NDArray[np.uint8], Labels]:
    content = np.fromfile(path, dtype=np.uint8)
    record = label_bytes + 3072
    if len(content) == 0 or len(content) % record:
        raise SettingError(
            f"a binary CIFAR file must hold whole records of {record} bytes, but {str(path)!r} has "
            f"{len(content)} bytes; unpack the archive again."
        )
    rows = content.reshape(-1, record)
    return rows[:, label_bytes:], rows[:, label_bytes - 1].astype(np.int64)


def _read_python(path: Path, *, key: bytes) -> tuple[NDArray[np.uint8], Labels]:
    try:
        batch = _ArraysOnly(io.BytesIO(path.read_bytes())).load()
        labels = np.asarray(batch[key], dtype=np.int64)
        return np.asarray(batch[b"data"], dtype=np.uint8).reshape(len(labels), 3072), labels
    except Exception as error:  # what a broken pickle raises is open
        why = str(error) if isinstance(error, SettingError) else f"{words_of(error)}."
        raise SettingError(
            f"{str(path)!r} cannot be read as a file of CIFAR's Python version: {why} Unpack the archive again."
        ) from error


class _ArraysOnly(pickle.Unpickler):
    """Reads the pickles of CIFAR's Python version without running what else a pickle may hold."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file, encoding="bytes")

    def find_class(self, module: str, name: str) -> Any:
        is_array = module.startswith("numpy") and name in ("_reconstruct", "ndarray", "dtype")
        if is_array or (module, name) == ("_codecs", "encode"):
            return super().find_class(module, name)
        raise SettingError(f"a CIFAR file must hold arrays only, but names {module}.{name}.")
