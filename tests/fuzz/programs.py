"""What inputs are changes of beside studies and tables: claims, stored images, a user's programs."""

import io
import json
import shutil
from pathlib import Path
from typing import Any

import yaml
from PIL import Image

SUBJECTS = Path(__file__).parents[1] / "subjects"

CLAIMS: dict[str, Any] = {
    "title": "a page",
    "studies": {"gate": {"space": "space.yaml", "set": {"training.epochs": 2}, "seeds": 2, "on": "made up"}},
    "claims": [
        {"id": "a", "sentence": "One is better.", "source": "1",
         "measured": {"study": "table.csv", "factor": "gate", "levels": ["sigmoid", "tanh"], "direction": "lower",
                      "margin": 0.02}},
        {"id": "b", "sentence": "It bends.", "source": "2",
         "measured": {"study": "s", "fit": "kappa", "direction": "higher", "than": 0}},
        {"id": "c", "sentence": "It is said so.", "source": "3",
         "published": {"numbers": {"x": 1.51, "y": 0.48}, "at_least": 0.5, "unit": "points", "source": "a table"}},
        {"id": "e", "sentence": "It helps.", "source": "5",
         "measured": {"study": "gate", "factor": "attention.reduction", "levels": [4, 8], "direction": "lower"}},
        {"id": "d", "sentence": "It is elegant.", "source": "4", "not_testable": "No number says it."},
    ],
}  # fmt: skip
CONFIG: dict[str, Any] = {
    "seed_everything": 42,
    "trainer": {"max_epochs": 1, "devices": 2, "logger": False, "callbacks": [
        {"class_path": "lightning.pytorch.callbacks.EarlyStopping", "init_args": {"monitor": "val_mae"}}]},
    "model": {"class_path": "houses.Prices", "init_args": {"hidden": 8, "norm": "batch"}},
    "data": {"class_path": "houses.Houses", "init_args": {"batch_size": 100}},
    "optimizer": {"class_path": "torch.optim.SGD", "init_args": {"lr": 0.001, "momentum": 0.9}},
    "ckpt_path": None,
}  # fmt: skip
CLI = """\
metric: {name: val_mae, direction: minimize}
baseline: config.yaml
factors:
  - {name: optimizer.init_args.lr, levels: [0.001, 0.01]}
  - {name: model.norm, levels: [batch, none]}
seeds: 1
"""
TOY = """\
subject: toy:SUBJECT
baseline: {x: 2.0}
factors:
  - {name: x, levels: [2.0, 3.0]}
  - {name: curve.kind, levels: [plain, raised]}
seeds: 1
"""
PICTURES = """\
baseline:
  attention: {reduction: 4}
  data: {name: folder, root: pictures, image_size: 16}
  training: {epochs: 1, warmup_epochs: 0, batch_size: 4}
factors:
  - {name: attention.reduction, levels: [4, 8]}
"""
COCO = """\
subject: ablations.subjects.tasks.detection.module:BoxFinder
data: ablations.subjects.tasks.detection.coco_data:CocoBoxes
metric: {name: val_ap, direction: maximize}
trainer: {max_epochs: 1}
baseline:
  model: {classes: 2, channels: 3, width: 8, deep: 1}
  data: {images: boxes, annotations: boxes.json, val_images: boxes, val_annotations: boxes.json, size: 32}
factors: [{name: model.width, levels: [8, 16]}]
seeds: 1
"""
BOXES: dict[str, Any] = {
    "images": [{"id": 7, "file_name": "a.png", "width": 40, "height": 20},
               {"id": 3, "file_name": "b.png", "width": 20, "height": 20}],
    "categories": [{"id": 18, "name": "dog"}, {"id": 2, "name": "cat"}],
    "annotations": [
        {"id": 1, "image_id": 7, "category_id": 18, "bbox": [10, 5, 20, 10]},
        {"id": 2, "image_id": 7, "category_id": 2, "bbox": [0, 0, 4, 4.5], "iscrowd": 1},
        {"id": 3, "image_id": 3, "category_id": 2, "bbox": [1, 2, 3, 4]},
    ],
}  # fmt: skip


def build_programs(folder: Path) -> None:
    """Write all of it."""
    texts = {"cli.yaml": CLI, "toy.yaml": TOY, "pictures.yaml": PICTURES, "coco.yaml": COCO}
    for name, text in texts.items():
        (folder / name).write_text(text)
    (folder / "claims.yaml").write_text(yaml.safe_dump(CLAIMS))
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    (folder / "boxes.json").write_text(json.dumps(BOXES))
    for name in ("toy.py", "houses.py"):
        shutil.copyfile(SUBJECTS / name, folder / name)
    (folder / "boxes").mkdir()
    for name, side in (("a.png", 40), ("b.png", 20)):
        (folder / "boxes" / name).write_bytes(picture(side, 20, side))
    for number in range(12):
        at = folder / "pictures" / f"class{number % 3}" / f"{number}.png"
        at.parent.mkdir(parents=True, exist_ok=True)
        at.write_bytes(picture(20, 16, 20 * number))


def picture(width: int, height: int, shade: int) -> bytes:
    held = io.BytesIO()
    Image.new("RGB", (width, height), (shade, 255 - shade, shade // 2)).save(held, "PNG")
    return held.getvalue()
