import pickle
import re
from pathlib import Path

import numpy as np
import pytest

from ablations.errors import SettingError
from ablations.subjects.attention.data.sources.read import read
from ablations.subjects.attention.settings.groups import Data

X = np.random.default_rng(0).integers(0, 256, (20, 3, 32, 32), dtype=np.uint8)
Y = np.arange(20, dtype=np.uint8) % 10


def write_binary(root: Path) -> None:
    for i in range(5):
        rows = slice(4 * i, 4 * i + 4)
        records = np.concatenate([Y[rows, None], X[rows].reshape(4, -1)], axis=1)
        (root / f"data_batch_{i + 1}.bin").write_bytes(records.tobytes())


def write_python(root: Path) -> None:
    for i in range(5):
        rows = slice(4 * i, 4 * i + 4)
        batch = {b"data": X[rows].reshape(4, -1), b"labels": Y[rows].tolist()}
        (root / f"data_batch_{i + 1}").write_bytes(pickle.dumps(batch, protocol=2))


@pytest.mark.parametrize("write", [write_binary, write_python])
def test_both_versions_of_cifar_give_the_same_images(write, tmp_path: Path) -> None:
    write(tmp_path)
    content = read(Data(name="cifar10", root=str(tmp_path)))
    assert (content.pixels == X.transpose(0, 2, 3, 1)).all()
    assert (content.y == Y).all()


def test_cifar_100_has_fine_labels(tmp_path: Path) -> None:
    coarse = np.zeros(20, dtype=np.uint8)
    records = np.concatenate([coarse[:, None], Y[:, None], X.reshape(20, -1)], axis=1)
    (tmp_path / "train.bin").write_bytes(records.tobytes())
    content = read(Data(name="cifar100", root=str(tmp_path)))
    assert (content.pixels == X.transpose(0, 2, 3, 1)).all()
    assert (content.y == Y).all()


def test_a_malicious_cifar_file_runs_nothing(tmp_path: Path) -> None:
    canary = tmp_path / "canary"

    class Evil:
        def __reduce__(self):
            return (canary.write_text, ("ran",))

    write_python(tmp_path)
    (tmp_path / "data_batch_1").write_bytes(pickle.dumps({b"data": Evil()}))
    with pytest.raises(SettingError, match="a CIFAR file must hold arrays only, but names"):
        read(Data(name="cifar10", root=str(tmp_path)))
    assert not canary.exists()


def test_a_binary_cifar_file_that_is_cut_off_is_told(tmp_path: Path) -> None:
    write_binary(tmp_path)
    path = tmp_path / "data_batch_2.bin"
    path.write_bytes(path.read_bytes()[:-5])
    message = (
        f"a binary CIFAR file must hold whole records of 3073 bytes, but '{path}' has {4 * 3073 - 5} bytes; "
        "unpack the archive again."
    )
    with pytest.raises(SettingError, match=re.escape(message)):
        read(Data(name="cifar10", root=str(tmp_path)))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"no pickle", "UnpicklingError: "),
        (b"", "EOFError: "),
        (pickle.dumps({b"data": X[:2].reshape(2, -1)}), "KeyError: b'labels'."),
        (
            pickle.dumps({b"data": X[:2].reshape(2, -1), b"labels": [1]}),
            "ValueError: cannot reshape",
        ),
    ],
)
def test_a_python_cifar_file_that_is_broken_is_told(
    content: bytes, why: str, tmp_path: Path
) -> None:
    write_python(tmp_path)
    path = tmp_path / "data_batch_3"
    path.write_bytes(content)
    message = f"'{path}' cannot be read as a file of CIFAR's Python version: {why}"
    with pytest.raises(SettingError, match=re.escape(message)):
        read(Data(name="cifar10", root=str(tmp_path)))


@pytest.mark.parametrize(
    ("name", "file", "labels", "most"),
    [("cifar10", "data_batch_1.bin", [10], 9), ("cifar100", "train.bin", [0, 100], 99)],
)
def test_labels_that_cifar_does_not_have_are_told(
    name: str, file: str, labels: list[int], most: int, tmp_path: Path
) -> None:
    write_binary(tmp_path)
    (tmp_path / file).write_bytes(bytes(labels) + X[0].tobytes())
    message = (
        f"the labels of {name} must be from 0 to {most}, but '{tmp_path / file}' holds {most + 1}; unpack the "
        "archive again."
    )
    with pytest.raises(SettingError, match=re.escape(message)):
        read(Data(name=name, root=str(tmp_path)))
