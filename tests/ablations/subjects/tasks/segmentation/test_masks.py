"""A folder of images and masks: a small whole one, and everything that can be wrong with it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from ablations import SettingError
from ablations.subjects.own_module.two_steps import few_steps
from ablations.subjects.program import Program
from ablations.subjects.tasks.segmentation.dice import UNLABELLED
from ablations.subjects.tasks.segmentation.folder import MaskFolder

MASK = np.zeros((20, 40), dtype=np.uint8)
MASK[5:15, 10:30] = 1
MASK[0] = UNLABELLED


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for part in ("images", "masks"):
        (tmp_path / part).mkdir()
    for name, mask in (("a", MASK), ("b", MASK + (MASK == 1))):  # class 2 in the second
        Image.fromarray(np.where(mask == 0, 0, 200).astype(np.uint8)).save(
            tmp_path / "images" / f"{name}.png"
        )
        Image.fromarray(mask).save(tmp_path / "masks" / f"{name}.png")
    return tmp_path


def data(folder: Path, **settings: Any) -> MaskFolder:
    usual = {"classes": 3, "size": 32, "flip": False}
    return MaskFolder(str(folder), str(folder), **{**usual, **settings})


def test_a_batch_has_squares_and_their_masks_with_no_label_beside_the_image(folder) -> None:
    whole = data(folder)
    whole.prepare_data()
    (batch,) = whole.val_dataloader()
    assert batch["image"].shape == (2, 3, 32, 32)
    assert batch["mask"].shape == (2, 32, 32)
    assert (batch["mask"][:, 16:] == UNLABELLED).all()
    assert batch["mask"][0, 8, 16] == 1
    assert batch["mask"][1, 8, 16] == 2
    assert (batch["mask"][:, 8, 2] == 0).all()


def test_a_mask_lies_on_its_image_when_it_is_cropped_and_flipped(folder) -> None:
    for path in (folder / "masks").iterdir():
        Image.fromarray(np.where(MASK == UNLABELLED, 0, MASK)).save(path)
        Image.fromarray(np.where(MASK == 1, 200, 0).astype(np.uint8)).save(
            folder / "images" / path.name
        )
    torch.manual_seed(0)
    loader = data(folder, crop=True, flip=True, size=20).train_dataloader()
    for batch in (batch for _ in range(8) for batch in loader):
        assert torch.equal(batch["image"][:, 0] > 0.5, batch["mask"] == 1)


def test_the_indices_of_a_palette_are_the_classes(folder) -> None:
    mask = Image.new("P", (40, 20))
    mask.putdata(MASK.ravel().tolist())
    mask.putpalette([200, 100, 0] + [9] * 765)
    mask.save(folder / "masks" / "a.png")
    data(folder).prepare_data()
    (batch,) = data(folder).val_dataloader()
    assert batch["mask"][0, 8, 16] == 1


def test_what_the_data_are_follows_the_masks(folder) -> None:
    first = data(folder).fingerprint()
    assert first == data(folder, size=64).fingerprint()
    Image.fromarray(np.zeros_like(MASK)).save(folder / "masks" / "a.png")
    assert data(folder).fingerprint() != first


def unlinked(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def saved(mask: np.ndarray, name: str = "masks/a.png") -> Callable[[Path], None]:
    return lambda folder: Image.fromarray(mask).save(folder / name)


def cut(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        file = folder / name
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            unlinked("masks/b.png"),
            r"each image must have a mask of its name and each mask an image, but '.*images/b\.png' has no mask\.",
        ),
        (
            unlinked("images/b.png"),
            r"each image must have a mask of its name and each mask an image, but '.*masks/b\.png' has no image\.",
        ),
        (
            saved(MASK[:10]),
            r"a mask must be of its image's size, but '.*masks/a\.png' has 40 x 10 pixels where 'a\.png' has 40 x 20\.",
        ),
        (
            saved(np.full_like(MASK, 7)),
            r"the pixels of a mask must be class numbers from 0 to 2, or 255 for no label, but '.*masks/a\.png' has 7; "
            r"set `data\.classes`, or mend it\.",
        ),
        (
            saved(MASK, "masks/b.png"),
            r"each class must be in some mask to learn from, but class 2 is in none in '.*masks'; set `data\.classes`, "
            r"or add masks\.",
        ),
        (
            saved(np.zeros((20, 40, 3), dtype=np.uint8)),
            r"a mask must have one class number of 8 bits for each pixel \(grey, or a palette\), but '.*masks/a\.png' "
            r"is of Pillow's mode 'RGB'\.",
        ),
        (
            cut("masks/a.png"),
            r"each mask must be an image that can be read, but '.*masks/a\.png' cannot be read as one: .*\. "
            r"Mend or remove it\.",
        ),
        (
            cut("images/a.png"),
            r"each image must be one that can be read, but '.*images/a\.png' cannot be read as one: .*\. Mend or "
            r"remove it\.",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_the_path_before_the_first_run(folder, change, message) -> None:
    change(folder)
    with pytest.raises(SettingError, match=f"^{message}$"):
        data(folder).prepare_data()


def test_a_folder_without_masks_is_said(tmp_path) -> None:
    with pytest.raises(
        SettingError, match=r"^images must lie in a folder '.*images', but there is none\.$"
    ):
        data(tmp_path).prepare_data()


@pytest.mark.parametrize("classes", [1, 256])
def test_a_number_of_classes_that_cannot_be_is_refused(tmp_path, classes) -> None:
    with pytest.raises(
        SettingError, match=rf"^`2 <= data\.classes <= 255` must hold, but got {classes}\.$"
    ):
        data(tmp_path, classes=classes)


def test_the_u_net_takes_its_first_steps_on_them(folder) -> None:
    program = Program(
        data="ablations.subjects.tasks.segmentation.folder:MaskFolder",
        metric={"name": "val_iou", "direction": "maximize"},
    )
    arm = {
        "model.classes": 3,
        "model.channels": 3,
        "model.width": 4,
        "trainer.max_epochs": 1,
        "data.size": 32,
        "data.classes": 3,
        "data.train": str(folder),
        "data.val": str(folder),
    }
    steps = few_steps("ablations.subjects.tasks.segmentation.module:Segmenter", program, arm)
    assert 0 <= steps.metric <= 1
    assert len(steps.started.batches) == 1
