import re
from pathlib import Path

import numpy as np
import pytest

from ablations.errors import SettingError
from ablations.subjects.attention.data.sources.read import read
from ablations.subjects.attention.settings.groups import Data

X = np.random.default_rng(0).integers(0, 256, (20, 3, 32, 32), dtype=np.uint8)
HWC = X.transpose(0, 2, 3, 1)


def test_a_folder_of_images_is_a_data_set(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    for label in ("cat", "dog"):
        (tmp_path / label).mkdir()
    image.fromarray(X[0].transpose(1, 2, 0)).save(tmp_path / "dog" / "a.png")
    image.fromarray(X[1].transpose(1, 2, 0)).save(tmp_path / "cat" / "b.png")
    content = read(Data(name="folder", root=str(tmp_path)))
    assert (content.pixels == HWC[[1, 0]]).all()
    assert content.y.tolist() == [0, 1]


def write_images(root: Path, *names: str) -> None:
    image = pytest.importorskip("PIL.Image")
    for i, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        image.fromarray(X[i].transpose(1, 2, 0)).save(root / name)


def test_hidden_files_and_folders_are_no_images_and_no_classes(tmp_path: Path) -> None:
    write_images(tmp_path, "cat/a.png", "dog/b.png", ".ipynb_checkpoints/c.png")
    (tmp_path / "cat" / ".DS_Store").write_text("no image")
    content = read(Data(name="folder", root=str(tmp_path)))
    assert (content.pixels == HWC[:2]).all()
    assert content.y.tolist() == [0, 1]


def test_grey_is_repeated_and_transparency_dropped(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    image.fromarray(X[0, 0]).save(tmp_path / "a" / "0.png")
    see_through = np.concatenate([X[1], np.zeros((1, 32, 32), np.uint8)])
    image.fromarray(see_through.transpose(1, 2, 0)).save(tmp_path / "b" / "1.png")
    pixels = read(Data(name="folder", root=str(tmp_path))).pixels
    assert (pixels[0] == HWC[0, :, :, :1]).all()
    assert (pixels[1] == HWC[1]).all()


def test_a_photo_lies_as_its_exif_orientation_says(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    turned = image.Exif()
    turned[0x112] = 6  # stored with its left side up: upright is a quarter turn clockwise
    pixels = X[0].transpose(1, 2, 0)[:20]
    for label in "ab":
        (tmp_path / label).mkdir()
        image.fromarray(pixels).save(tmp_path / label / "0.png", exif=turned)
    found = read(Data(name="folder", root=str(tmp_path))).pixels
    assert (found[0] == np.rot90(pixels, -1)).all()


@pytest.mark.parametrize(
    ("kind", "name", "mode"),
    [("uint16", "0.tiff", "I;16"), ("int32", "0.tiff", "I"), ("float32", "0.tiff", "F")],
)
def test_images_of_more_than_8_bits_are_refused(
    kind: str, name: str, mode: str, tmp_path: Path
) -> None:
    image = pytest.importorskip("PIL.Image")
    (tmp_path / "a").mkdir()
    image.fromarray(1000 * X[0, 0].astype(kind)).save(tmp_path / "a" / name)
    message = (
        f"`data.root` must hold images only, but '{tmp_path / 'a' / name}' cannot be read as one: images must have 8 "
        f"bits per channel, and it has more (Pillow's mode '{mode}'): scale it to 8 bits, or put its numbers into an "
        "archive (`data.name=npz`). Mend or remove it, or leave it out (--set data.skip_corrupt=true)."
    )
    with pytest.raises(SettingError, match=re.escape(message)):
        read(Data(name="folder", root=str(tmp_path)))


@pytest.mark.parametrize(
    ("root", "message"),
    [
        (
            "notes",
            "`data.root` must hold images only, but '{}/notes/a/0.txt' cannot be read as one: "
            "UnidentifiedImageError: cannot identify image file",
        ),
        (
            "cut",
            "`data.root` must hold images only, but '{}/cut/a/0.png' cannot be read as one: OSError: ",
        ),
        (
            "empty",
            "each folder in `data.root` must hold the images of one class, but '{}/empty/b' is empty; remove it, "
            "or fill it.",
        ),
        (
            "nested",
            "`data.root` must hold a folder per class with nothing but its images, but '{}/nested/train/a' is a "
            "folder in one. If the classes are the folders in '{}/nested/train', set `data.root` to that.",
        ),
        (
            "nested/train/a/0.png",
            "`data.root` must be a folder that holds a folder of images per class, but '{}/nested/train/a/0.png' "
            "is a file.",
        ),
        (
            "empty/b",
            "`data.root` must hold a folder of images per class, but '{}/empty/b' holds no folder.",
        ),
    ],
)
def test_a_folder_of_something_else_is_told(root: str, message: str, tmp_path: Path) -> None:
    write_images(tmp_path, "cut/a/0.png", "empty/a/0.png", "nested/train/a/0.png")
    cut = tmp_path / "cut" / "a" / "0.png"
    cut.write_bytes(cut.read_bytes()[:1000])
    (tmp_path / "notes" / "a").mkdir(parents=True)
    (tmp_path / "notes" / "a" / "0.txt").write_text("no image")
    (tmp_path / "empty" / "b").mkdir()
    with pytest.raises(SettingError, match=re.escape(message.replace("{}", str(tmp_path)))):
        read(Data(name="folder", root=str(tmp_path / root)))
