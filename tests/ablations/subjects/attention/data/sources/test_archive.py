from pathlib import Path

import numpy as np
import pytest

from ablations.errors import SettingError
from ablations.subjects.attention.data.sources.read import read
from ablations.subjects.attention.settings.groups import Data

X = np.random.default_rng(0).integers(0, 256, (20, 3, 32, 32), dtype=np.uint8)
Y = np.arange(20, dtype=np.uint8) % 10


def test_an_archive_of_arrays_is_a_data_set(tmp_path: Path) -> None:
    np.savez(tmp_path / "mine.npz", x=X, y=Y)
    content = read(Data(name="npz", root=str(tmp_path / "mine.npz")))
    assert (content.x == X).all()
    assert (content.y == Y).all()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", None])
def test_a_file_that_is_no_archive_is_told(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "bad.npz"
    if content is None:
        np.save(tmp_path / "one.npy", X)
        (tmp_path / "one.npy").rename(path)
    else:
        path.write_bytes(content)
    with pytest.raises(SettingError, match=r"must be an \.npz archive with the arrays `x` and `y`"):
        read(Data(name="npz", root=str(path)))
