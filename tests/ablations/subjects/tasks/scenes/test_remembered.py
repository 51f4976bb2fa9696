import numpy as np
import pytest

from ablations.subjects.tasks.scenes import remembered
from ablations.subjects.tasks.scenes.compose import compose
from ablations.subjects.tasks.scenes.settings import SceneSettings

SETTINGS = SceneSettings()


def scenes(settings=SETTINGS):
    remembered._scenes.cache_clear()  # as another process
    return remembered.scenes(settings, part="val", count=4)


@pytest.fixture
def composed(monkeypatch) -> list[SceneSettings]:
    """What was composed, in order."""
    told = []

    def note(settings, **rest):
        told.append(settings)
        return compose(settings, **rest)

    monkeypatch.setattr(remembered, "compose", note)
    return told


def test_scenes_are_composed_once_and_read_by_other_processes(cache, composed) -> None:
    first, again = scenes(), scenes()
    assert composed == [SETTINGS]
    assert remembered.digest(first) == remembered.digest(again)
    assert len(list(cache.iterdir())) == 1


def test_other_settings_have_a_file_of_their_own(cache, composed) -> None:
    other = SceneSettings(seed=1)
    assert remembered.digest(scenes()) != remembered.digest(scenes(other))
    assert composed == [SETTINGS, other]
    assert len(list(cache.iterdir())) == 2


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flipped(content: bytes) -> bytes:
    at = len(content) // 3  # within the pixels
    return content[:at] + bytes([content[at] ^ 255]) + content[at + 1 :]


def other(content: bytes) -> bytes:
    return b"no archive " + content


def pickled(content: bytes) -> bytes:
    return b"\x80\x04N."


@pytest.mark.parametrize("damage", [cut, flipped, other, pickled])
def test_a_damaged_cache_is_made_again(cache, composed, damage) -> None:
    whole = remembered.digest(scenes())
    (path,) = cache.iterdir()
    path.write_bytes(damage(path.read_bytes()))
    assert remembered.digest(scenes()) == whole
    assert len(composed) == 2
    assert remembered.digest(scenes()) == whole
    assert len(composed) == 2


def test_an_archive_of_something_else_is_made_again(cache, composed) -> None:
    whole = remembered.digest(scenes())
    (path,) = cache.iterdir()
    with path.open("wb") as file:
        np.savez(file, images=np.zeros(3))
    assert remembered.digest(scenes()) == whole
    assert len(composed) == 2


def test_where_nothing_can_be_written_scenes_are_made_all_the_same(cache, composed) -> None:
    cache.write_text("a file where the folder would be")
    assert remembered.digest(scenes()) == remembered.digest(scenes())
    assert len(composed) == 2
