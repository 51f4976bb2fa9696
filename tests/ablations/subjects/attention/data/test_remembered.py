import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ablations.subjects.attention.data.remembered import remembered
from ablations.subjects.attention.settings.groups import Data


def counted(most: int = 4) -> tuple[Callable[[Data, str], str], list[str]]:
    """A function that remembers, and what it was computed for."""
    computed: list[str] = []

    @remembered(most=most)
    def answer(data: Data, word: str) -> str:
        computed.append(word)
        return f"{data.name} {word}"

    return answer, computed


def test_an_answer_is_computed_once_for_each_question() -> None:
    answer, computed = counted()
    assert [answer(Data(), word) for word in "abab"] == ["digits a", "digits b"] * 2
    assert answer(Data(name="npz"), "a") == "npz a"
    assert computed == ["a", "b", "a"]


def test_only_the_last_answers_are_kept() -> None:
    answer, computed = counted(most=1)
    for word in "aaba":
        answer(Data(), word)
    assert computed == ["a", "b", "a"]


@pytest.mark.parametrize("root", ["mine.npz", "images", "images/cat/deep"])
def test_an_answer_is_computed_again_when_a_file_was_written(root: str, tmp_path: Path) -> None:
    photo = tmp_path / "images" / "cat" / "deep" / "0.png"
    photo.parent.mkdir(parents=True)
    photo.write_bytes(b"before")
    (tmp_path / "mine.npz").write_bytes(b"")
    data = Data(name="npz", root=str(tmp_path / root))
    answer, computed = counted()
    answer(data, "a")
    answer(data, "a")
    assert computed == ["a"]
    for written in (tmp_path / "mine.npz", photo):
        kept = written.stat()
        written.write_bytes(b"after."[: kept.st_size])
        os.utime(written, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    answer(data, "a")
    assert computed == ["a", "a"]


def test_an_error_is_not_kept() -> None:
    calls = 0

    @remembered(most=1)
    def fails_once(data: Data) -> str:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise OSError(data.name)
        return "read"

    with pytest.raises(OSError, match=r"^digits$"):
        fails_once(Data())
    assert fails_once(Data()) == "read"
