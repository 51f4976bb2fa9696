"""COCO annotations: a small whole set, what becomes of it, and everything that can be wrong with it."""

import json
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
from ablations.subjects.tasks.detection.coco_data import CocoBoxes

Content = dict[str, Any]


def content() -> Content:
    return {
        "images": [
            {"id": 7, "file_name": "a.png", "width": 40, "height": 20},
            {"id": 3, "file_name": "b.png", "width": 20, "height": 20},
        ],
        "categories": [{"id": 18, "name": "dog"}, {"id": 2, "name": "cat"}],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 18, "bbox": [10, 5, 20, 10]},
            {"id": 2, "image_id": 7, "category_id": 2, "bbox": [0, 0, 4, 4.5], "iscrowd": 1},
            {"id": 3, "image_id": 3, "category_id": 2, "bbox": [1, 2, 3, 4]},
        ],
    }


def write(folder: Path, told: Content) -> None:
    for name, side in (("a.png", 40), ("b.png", 20)):
        Image.new("RGB", (side, 20), (255, 0, 0)).save(folder / name)
    (folder / "boxes.json").write_text(json.dumps(told))


def data(folder: Path, **settings: Any) -> CocoBoxes:
    file, images = str(folder / "boxes.json"), str(folder)
    return CocoBoxes(images, file, images, file, **{"size": 32, "flip": False, **settings})


def test_a_batch_has_squares_boxes_in_their_pixels_and_labels_by_the_order_of_ids(tmp_path) -> None:
    write(tmp_path, content())
    (batch,) = data(tmp_path).val_dataloader()
    assert batch["image"].shape == (2, 3, 32, 32)
    assert batch["image"][0, 0, :16].min() == 1  # the image lies above its padding
    assert batch["image"][0, :, 17:].max() == 0
    assert batch["labels"].tolist() == [[1, 0], [0, -1]]
    assert batch["crowd"].tolist() == [[False, True], [False, False]]
    assert batch["boxes"][0, 0].tolist() == pytest.approx([8, 4, 24, 12])
    assert batch["boxes"][1].tolist() == [pytest.approx([1.6, 3.2, 6.4, 9.6]), [0, 0, 0, 0]]


def test_a_cropped_image_keeps_the_boxes_whose_centre_it_shows_cut_at_its_edge(tmp_path) -> None:
    told = content()
    told["annotations"] = [
        {
            "image_id": 7,
            "category_id": 18,
            "bbox": [8, 5, 8, 10],
        },  # from 8 to 16 of the middle, 10 to 30
        {"image_id": 7, "category_id": 18, "bbox": [4, 5, 11, 10]},  # its centre lies at 9.5
        {"image_id": 3, "category_id": 2, "bbox": [0, 0, 20, 20]},
    ]
    write(tmp_path, told)
    (batch,) = data(tmp_path, crop=True, size=20).val_dataloader()
    assert batch["labels"].tolist() == [[1, -1], [0, -1]]
    assert batch["boxes"][0, 0].tolist() == [0, 5, 6, 15]


def test_training_flips_every_other_image_and_its_boxes(tmp_path) -> None:
    write(tmp_path, content())
    torch.manual_seed(0)
    loader = data(tmp_path, flip=True).train_dataloader()
    lefts = {round(float(b["boxes"][0, 0, 0]), 1) for _ in range(20) for b in [next(iter(loader))]}
    assert lefts == {8.0, 1.6, 32 - 6.4}


def test_workers_give_the_same_batch(tmp_path) -> None:
    write(tmp_path, content())
    (here,), (there,) = (data(tmp_path, workers=n).val_dataloader() for n in (0, 1))
    assert all(torch.equal(here[name], there[name]) for name in here)


def test_what_the_data_are_follows_the_annotations_and_the_images(tmp_path) -> None:
    write(tmp_path, content())
    first = data(tmp_path).fingerprint()
    assert first == data(tmp_path, size=64).fingerprint()
    told = content()
    told["annotations"][0]["bbox"][0] = 11
    write(tmp_path, told)
    assert data(tmp_path).fingerprint() != first


def removed(*path: Any) -> Callable[[Content], None]:
    def change(told: Any) -> None:
        for step in path[:-1]:
            told = told[step]
        del told[path[-1]]

    return change


def put(value: Any, *path: Any) -> Callable[[Content], None]:
    def change(told: Any) -> None:
        for step in path[:-1]:
            told = told[step]
        told[path[-1]] = value

    return change


AS = r"must hold COCO annotations \(`images`, `categories` and `annotations` with a `bbox` each\), but does not"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (removed("annotations"), rf"'.*boxes\.json' {AS}: annotations: field required\."),
        (put([], "images"), rf"'.*boxes\.json' {AS}: images: list should have at least 1 item .*\."),
        (
            put([1, 2, 3], "annotations", 1, "bbox"),
            rf"'.*boxes\.json' {AS}: annotations\.1\.bbox: list should have at least 4 items .*\.",
        ),
        (
            put("x", "images", 0, "width"),
            rf"'.*boxes\.json' {AS}: images\.0\.width: input should be a valid integer.*\.",
        ),
        (
            put(9, "annotations", 2, "image_id"),
            r"each annotation must be of an image of its file, but annotation 3 in '.*boxes\.json' has the `image_id` "
            r"9, which no image has\.",
        ),
        (
            put(1, "annotations", 2, "category_id"),
            r"each annotation must be of a category of its file, but annotation 3 in '.*boxes\.json' has the "
            r"`category_id` 1; known are 2, 18\.",
        ),
        (
            put(7, "images", 1, "id"),
            r"each image must have an id of its own, but two in '.*boxes\.json' have 7\.",
        ),
        (
            put(2, "categories", 0, "id"),
            r"each category must have an id of its own, but two in '.*boxes\.json' have 2\.",
        ),
        (
            put([10, 5, 32, 10], "annotations", 0, "bbox"),
            r"each box must lie within its image, but that of annotation 1 in '.*boxes\.json' is \[10\.0, 5\.0, 32\.0, "
            r"10\.0\] \(left, top, width, height\) in 'a\.png' of 40 x 20 pixels\.",
        ),
        (
            put([10, 5, -3, 10], "annotations", 0, "bbox"),
            r"each box must lie within its image, but that of annotation 1 .* is \[10\.0, 5\.0, -3\.0, 10\.0\] .*\.",
        ),
        (
            put([10, 5, 0, 10], "annotations", 0, "bbox"),
            r"each box must have an area, but that of annotation 1 in '.*boxes\.json' is \[10\.0, 5\.0, 0\.0, 10\.0\] "
            r"\(left, top, width, height\); mend the file, or leave such boxes out with `data\.drop_empty=true`\.",
        ),
        (
            put("c.png", "images", 1, "file_name"),
            r"each image of '.*boxes\.json' must lie in its folder, but there is no '.*c\.png'\.",
        ),
        (
            put(30, "images", 1, "width"),
            r"each image must be of the size that its annotations say, but '.*b\.png' has 20 x 20 pixels where they "
            r"say 30 x 20\.",
        ),
        (
            removed("annotations", 0),
            r"each category must have a box to learn from, but 'dog' has none in '.*boxes\.json'; remove it from both "
            r"files, or add boxes\.",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_the_path_before_the_first_run(
    tmp_path, change, message
) -> None:
    told = content()
    change(told)
    write(tmp_path, told)
    with pytest.raises(SettingError, match=f"^{message}$"):
        data(tmp_path).prepare_data()


def test_a_whole_set_passes_and_empty_boxes_may_be_left_out(tmp_path) -> None:
    told = content()
    told["annotations"].append({"id": 9, "image_id": 3, "category_id": 2, "bbox": [5, 5, 0, 3]})
    write(tmp_path, told)
    whole = data(tmp_path, drop_empty=True)
    whole.prepare_data()
    assert whole.val_dataloader().dataset[1]["labels"].tolist() == [0, -1]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b'{"images": [{"id"', rf"'.*boxes\.json' {AS}: Expecting ':' delimiter: .*\."),
        (b"\xff\xfe\x00", rf"'.*boxes\.json' {AS}: .* can't decode byte.*\."),
        (b"[" * 100_000, rf"'.*boxes\.json' {AS}: .*\."),
        (b"3", rf"'.*boxes\.json' {AS}: the whole: input should be .*\."),
    ],
)
def test_what_is_no_json_is_said(tmp_path, raw, message) -> None:
    write(tmp_path, content())
    (tmp_path / "boxes.json").write_bytes(raw)
    with pytest.raises(SettingError, match=f"^{message}$"):
        data(tmp_path).prepare_data()


def test_a_file_of_annotations_that_is_not_there_is_said(tmp_path) -> None:
    with pytest.raises(
        SettingError,
        match=r"^COCO annotations must be a file, but there is none at '.*boxes\.json'\.$",
    ):
        data(tmp_path).fingerprint()


def test_a_truncated_image_is_said(tmp_path) -> None:
    write(tmp_path, content())
    file = tmp_path / "b.png"
    Image.fromarray(np.random.default_rng(0).integers(255, size=(20, 20, 3), dtype=np.uint8)).save(
        file
    )
    file.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(
        SettingError, match=r"^each image must be one that can be read, but '.*b\.png' cannot"
    ):
        data(tmp_path).prepare_data()


def test_both_files_must_have_the_same_categories(tmp_path) -> None:
    write(tmp_path, content())
    told = content()
    told["categories"][0]["name"] = "hound"
    (tmp_path / "val.json").write_text(json.dumps(told))
    images = str(tmp_path)
    both = CocoBoxes(images, str(tmp_path / "boxes.json"), images, str(tmp_path / "val.json"))
    with pytest.raises(
        SettingError,
        match=r"^both files of annotations must have the same categories, but '.*boxes\.json' and '.*val\.json' "
        r"differ\.$",
    ):
        both.prepare_data()


def test_the_detector_takes_its_first_steps_on_them(tmp_path) -> None:
    write(tmp_path, content())
    named = {"images": str(tmp_path), "annotations": str(tmp_path / "boxes.json")}
    program = Program(
        data="ablations.subjects.tasks.detection.coco_data:CocoBoxes",
        metric={"name": "val_ap", "direction": "maximize"},
    )
    arm = {
        "model.classes": 2,
        "model.channels": 3,
        "model.width": 4,
        "trainer.max_epochs": 1,
        "data.size": 32,
        **{f"data.{prefix}{name}": path for prefix in ("", "val_") for name, path in named.items()},
    }
    steps = few_steps("ablations.subjects.tasks.detection.module:BoxFinder", program, arm)
    assert 0 <= steps.metric <= 1
    assert len(steps.started.batches) == 1
