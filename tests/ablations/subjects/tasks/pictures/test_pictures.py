"""Image files of any size on their way to squares, and damaged ones."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ablations import SettingError
from ablations.subjects.tasks.pictures.files import listed, size_of
from ablations.subjects.tasks.pictures.frame import frame
from ablations.subjects.tasks.pictures.framed import Framing, check_sizes


def with_box(width: int, height: int, box: tuple[int, int, int, int]) -> Image.Image:
    pixels = np.zeros((height, width), dtype=np.uint8)
    left, top, right, bottom = box
    pixels[top:bottom, left:right] = 255
    return Image.fromarray(pixels)


@pytest.mark.parametrize("flipped", [False, True])
@pytest.mark.parametrize("crop", [False, True])
@pytest.mark.parametrize("sides", [(80, 40), (40, 80), (30, 30), (301, 97)])
def test_a_box_moves_as_its_pixels_do(sides, crop, flipped) -> None:
    width, height = sides
    box = (width // 3, height // 3, 2 * width // 3, 2 * height // 3)
    for at in ((0.5, 0.5), (0.3, 0.8)):
        placed = frame(width, height, size=64, crop=crop, at=at, flipped=flipped)
        seen = placed.picture(with_box(width, height, box), fill=0, smooth=False) > 127
        assert seen.shape == (64, 64)
        across, down = np.flatnonzero(seen.any(0)), np.flatnonzero(seen.any(1))
        edges = [across[0], down[0], across[-1] + 1, down[-1] + 1]
        (found,) = placed.boxes(np.array([box], dtype=np.float32), cut=True)
        assert found == pytest.approx(edges, abs=1.01)


def test_a_padded_image_is_whole_and_a_cropped_one_fills_its_square() -> None:
    white = Image.new("RGB", (40, 20), (255, 255, 255))
    padded = frame(40, 20, size=32, crop=False).picture(white, fill=(9, 9, 9), smooth=True)
    assert (padded[:16] == 255).all()
    assert (padded[16:] == 9).all()
    assert (
        frame(40, 20, size=32, crop=True).picture(white, fill=(9, 9, 9), smooth=True) == 255
    ).all()


def test_training_draws_where_to_cut_and_validation_takes_the_middle() -> None:
    framing = Framing(size=16, crop=True, flip=True)
    torch.manual_seed(0)
    drawn = {framing.draw(64, 16, training=True) for _ in range(20)}
    assert len(drawn) > 10
    assert {one.flipped for one in drawn} == {False, True}
    (middle,) = {framing.draw(64, 16, training=False) for _ in range(5)}
    assert middle.corner == (-24, 0)
    assert not middle.flipped
    still = Framing(size=16, crop=True, flip=False)
    assert not any(still.draw(64, 16, training=True).flipped for _ in range(20))


@pytest.mark.parametrize("ending", ["jpg", "png", "bmp"])
def test_the_size_of_a_whole_file_and_a_truncated_one_with_its_path(tmp_path, ending) -> None:
    file = tmp_path / f"one.{ending}"
    pixels = np.random.default_rng(0).integers(255, size=(30, 50, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file)
    assert size_of(file) == (50, 30)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(
        SettingError,
        match=rf"^each image must be one that can be read, but '.*one\.{ending}' cannot be read as one: .*\. Mend or "
        r"remove it\.$",
    ):
        size_of(file)


def test_a_jpeg_with_something_behind_its_end_is_whole(tmp_path) -> None:
    file = tmp_path / "one.jpg"
    Image.new("RGB", (8, 4)).save(file)
    file.write_bytes(file.read_bytes() + b"a camera's note")
    assert size_of(file) == (8, 4)


def test_an_image_that_its_camera_says_lies_on_its_side_has_the_size_that_is_seen(tmp_path) -> None:
    file, exif = tmp_path / "one.jpg", Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (8, 4)).save(file, exif=exif)
    assert size_of(file) == (4, 8)


def test_what_is_no_image_is_said_with_its_path(tmp_path) -> None:
    file = tmp_path / "one.png"
    file.write_text("no image")
    with pytest.raises(
        SettingError,
        match=r"^each image must be one that can be read, but '.*one\.png' cannot be read as one: "
        r"UnidentifiedImageError: .*\. Mend or remove it\.$",
    ):
        size_of(file)


def test_files_are_listed_by_name_and_hidden_ones_do_not_count(tmp_path) -> None:
    for name in ("b.png", "a.png", ".hidden"):
        (tmp_path / name).touch()
    assert list(listed(tmp_path, what="images")) == ["a", "b"]
    (tmp_path / "a.jpg").touch()
    with pytest.raises(
        SettingError,
        match=r"^images are told apart by their names without the ending, but '.*a\.jpg' and 'a\.png' have one name; "
        r"rename or remove one\.$",
    ):
        listed(tmp_path, what="images")


def test_a_folder_that_is_missing_or_empty_is_said(tmp_path: Path) -> None:
    with pytest.raises(
        SettingError, match=r"^masks must lie in a folder '.*none', but there is none\.$"
    ):
        listed(tmp_path / "none", what="masks")
    with pytest.raises(SettingError, match=r"^masks must lie in '.*', but the folder is empty\.$"):
        listed(tmp_path, what="masks")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("size", 30, r"`data\.size` must be a multiple of 4, but got 30\."),
        ("size", 0, r"`data\.size` must be a multiple of 4, but got 0\."),
        ("batch_size", 0, r"`data\.batch_size >= 1` must hold, but got 0\."),
        ("workers", -1, r"`data\.workers >= 0` must hold, but got -1\."),
    ],
)
def test_numbers_out_of_their_range_are_refused(name, value, message) -> None:
    usual = {"size": 32, "multiple": 4, "batch_size": 1, "workers": 0}
    with pytest.raises(SettingError, match=f"^{message}$"):
        check_sizes(**{**usual, name: value})
