import errno
from pathlib import Path

import pytest

from plain_files.whole_files import write_text, written_whole


def test_a_file_is_written_whole_in_utf_8(tmp_path: Path) -> None:
    write_text(tmp_path / "a.csv", "é")
    write_text(tmp_path / "a.csv", "ö")
    assert (tmp_path / "a.csv").read_bytes() == "ö".encode()
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


@pytest.mark.parametrize("before", [None, "as it was"])
def test_on_a_full_disk_a_file_stays_as_it_was_and_nothing_else_is_left(
    tmp_path: Path, before: str | None
) -> None:
    path = tmp_path / "a.csv"
    if before is not None:
        path.write_text(before)
    with pytest.raises(OSError, match="No space left"):
        _half_written(path)
    assert [one.read_text() for one in tmp_path.iterdir()] == ([] if before is None else [before])


def _half_written(path: Path) -> None:
    with written_whole(path) as beside:
        beside.write_text("hal")
        raise OSError(errno.ENOSPC, "No space left on device")
