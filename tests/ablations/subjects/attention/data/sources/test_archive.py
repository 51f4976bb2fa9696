import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from ablations.errors import SettingError
from ablations.subjects.attention.data.sources import archive
from ablations.subjects.attention.data.sources.read import read
from ablations.subjects.attention.settings.groups import Data

X = np.random.default_rng(0).integers(0, 256, (20, 3, 32, 32), dtype=np.uint8)
Y = np.arange(20, dtype=np.uint8) % 10


def test_an_archive_of_arrays_is_a_data_set(tmp_path: Path) -> None:
    np.savez(tmp_path / "mine.npz", x=X, y=Y)
    content = read(Data(name="npz", root=str(tmp_path / "mine.npz")))
    assert (content.x == X).all()
    assert (content.y == Y).all()


def with_a_part(header: bytes) -> bytes:
    """An archive whose `x` begins like this."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        length = len(header).to_bytes(2, "little")
        archive.writestr("x.npy", b"\x93NUMPY\x01\x00" + length + header)
    return made.getvalue()


def with_torn_numbers() -> bytes:
    made = io.BytesIO()
    np.savez_compressed(made, x=X, y=Y)
    content = bytearray(made.getvalue())
    content[200:1200] = bytes(1000)
    return bytes(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04 cut off",
        None,
        with_a_part(b"{'descr': ("),
        with_a_part(b"{'descr': '<f8', 'fortran_order': False, 'shape': (10000000000000,)}\n"),
        with_torn_numbers(),
    ],
    ids=["empty", "cut", "npy", "header", "terabytes", "numbers"],
)
def test_a_file_that_is_no_archive_is_told(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "bad.npz"
    if content is None:
        np.save(tmp_path / "one.npy", X)
        (tmp_path / "one.npy").rename(path)
    else:
        path.write_bytes(content)
    with pytest.raises(SettingError, match=r"must be an \.npz archive with the arrays `x` and `y`"):
        read(Data(name="npz", root=str(path)))


def test_arrays_beyond_the_machines_memory_are_refused_before_they_are_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "zeros.npz"
    np.savez_compressed(path, x=np.zeros((20, 1, 100, 100)), y=Y, another=np.zeros(10**6))
    assert read(Data(name="npz", root=str(path))).x.shape == (20, 1, 100, 100)
    memory = {"SC_PAGE_SIZE": 1000, "SC_PHYS_PAGES": 1600}
    monkeypatch.setattr(archive.os, "sysconf", lambda name: memory[name])
    monkeypatch.setattr(archive, "GB", 1e6)
    with pytest.raises(
        SettingError, match=r"zeros\.npz' are 1\.6 GB, and this machine has 1\.6 GB"
    ):
        read(Data(name="npz", root=str(path)))
    memory["SC_PHYS_PAGES"] = 1601
    assert read(Data(name="npz", root=str(path))).y.tolist() == Y.tolist()
