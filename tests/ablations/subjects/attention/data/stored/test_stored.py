import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ablations.errors import SettingError
from ablations.subjects.attention.data.layouts.folder import folder
from ablations.subjects.attention.data.sources.read import read
from ablations.subjects.attention.data.stored import survey as module
from ablations.subjects.attention.data.stored.decode import View
from ablations.subjects.attention.data.stored.survey import row, survey
from ablations.subjects.attention.settings.groups import Data

WriteFolder = Callable[..., Path]
STREAM = pytest.mark.parametrize("stream", ["resident", "streamed"])


def test_a_look_at_an_image_keeps_exact_sums() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    seen, whole = row(pixels), pixels.astype(object)
    assert seen["size"].tolist() == [5, 7]
    assert seen["sum"].tolist() == whole.sum((0, 1)).tolist()
    assert seen["square"].tolist() == (whole**2).sum((0, 1)).tolist()
    assert seen["low"].tolist() == pixels.min((0, 1)).tolist()
    assert seen["high"].tolist() == pixels.max((0, 1)).tolist()


def test_worker_processes_see_what_one_process_sees(write_folder: WriteFolder, monkeypatch) -> None:
    listing = folder(Data(name="folder", root=str(write_folder(40))))
    alone = survey(listing, View())
    monkeypatch.setattr(module, "IN_PROCESS", 1)
    monkeypatch.setattr(module, "cores", lambda: 2)
    (together,) = [module._look(listing, View())]  # not from the cache
    assert np.array_equal(alone.rows, together["rows"])
    assert alone.rows["size"].tolist() == [[8, 8]] * 80


def test_a_data_set_is_looked_at_once_until_a_file_is_written(
    write_folder: WriteFolder, monkeypatch
) -> None:
    root = write_folder()
    data = Data(name="folder", root=str(root))
    first = survey(folder(data), View())
    monkeypatch.setattr(module, "decoded", None)
    assert np.array_equal(survey(folder(data), View()).rows, first.rows)
    for view in (View(4), View(4, 0.5)):
        with pytest.raises(TypeError):
            survey(folder(data), view)
    (root / "cat" / "000.png").touch()
    with pytest.raises(TypeError):
        survey(folder(data), View())


@STREAM
def test_images_that_cannot_be_read_are_counted_and_named(
    stream: str, write_folder: WriteFolder
) -> None:
    root = write_folder(5)
    data = Data(name="folder", root=str(root), stream=stream)
    whole = (root / "dog" / "000.png").read_bytes()
    (root / "dog" / "000.png").write_bytes(whole[:60])

    def message(text: str) -> str:
        return text.replace("ROOT", re.escape(str(root)))

    one = message(
        r"^`data\.root` must hold images only, but 'ROOT/dog/000\.png' cannot be read as one: .*\. Mend or remove it, "
        r"or leave it out \(--set data\.skip_corrupt=true\)\.$"
    )
    with pytest.raises(SettingError, match=one):
        read(data)
    (root / "cat" / "003.png").write_text("no image")
    (root / "cat" / "004.png").unlink()
    (root / "cat" / "004.png").symlink_to("nowhere")
    many = message(
        r"^`data\.root` must hold images only, but 3 of 10 cannot be read: 'ROOT/cat/003\.png' cannot be read as one: "
        r"UnidentifiedImageError: .*; also 'ROOT/cat/004\.png', 'ROOT/dog/000\.png'\. Mend or remove them, or leave "
        r"them out \(--set data\.skip_corrupt=true\)\.$"
    )
    with pytest.raises(SettingError, match=many):
        read(data)
    left = read(data.model_copy(update={"skip_corrupt": True}))
    assert left.y.tolist() == [0, 0, 0, 1, 1, 1, 1]
    assert left.places.tolist() == [0, 1, 2, 6, 7, 8, 9]
    assert len(left.left_out) == 3
    assert np.stack(list(left.each())).shape == (7, 8, 8, 3)


@STREAM
@pytest.mark.parametrize("skip", [False, True])
def test_a_folder_without_a_single_image_is_told(stream: str, skip: bool, tmp_path: Path) -> None:
    for label in "ab":
        (tmp_path / "data" / label).mkdir(parents=True)
        (tmp_path / "data" / label / "notes.txt").write_text("no image")
    with pytest.raises(SettingError, match="must hold images only, but none can be read: "):
        read(Data(name="folder", root=str(tmp_path / "data"), stream=stream, skip_corrupt=skip))


@STREAM
def test_a_class_that_loses_all_its_images_is_told(stream: str, write_folder: WriteFolder) -> None:
    root = write_folder(1)
    (root / "cat" / "000.png").write_text("no image")
    data = Data(name="folder", root=str(root), stream=stream, skip_corrupt=True)
    with pytest.raises(SettingError, match=r"must be 0, 1, \.\.\. without a gap, but are \[1\]"):
        read(data)


@STREAM
@pytest.mark.parametrize("settings", [{}, {"image_size": 4}])
def test_images_of_several_sizes_are_told_or_scaled(
    stream: str, settings: dict[str, Any], write_folder: WriteFolder
) -> None:
    root = write_folder(2)
    other = write_folder(1, size=(9, 5), name="others")
    (other / "cat" / "000.png").rename(root / "cat" / "zzz.png")
    data = Data(name="folder", root=str(root), stream=stream, **settings)
    if settings:
        assert read(data).shape == (3, 4, 4)
        return
    with pytest.raises(
        SettingError,
        match=r"zzz\.png' is \(9, 5\) where the first is \(8, 8\) \(1 of 5 are not as the first\)\. .*data\.image_size",
    ):
        read(data)
