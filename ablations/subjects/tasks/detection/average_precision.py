"""Average precision by COCO's own evaluation (pycocotools): boxes that were found against those that are there."""

from collections.abc import Iterable
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablations.errors import MissingHere

EVERYWHERE = [0, 1e10]
"""Areas of boxes that count, in square pixels: small and large ones are not judged apart."""
MOST = 100
"""Boxes of an image that are judged, the surest first, as COCO does."""

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class AveragePrecision:
    """Means over the classes that the data have; 0 where nothing was found.

    Attributes:
        ap: Over overlaps (IoU) of 0.5, 0.55, ..., 0.95: what COCO calls AP.
        ap50: At an overlap of 0.5.
    """

    ap: float
    ap50: float


@dataclass(frozen=True, kw_only=True)
class Image:
    """One image's boxes as left, top, right, bottom: those there are (t), and those that were found (d)."""

    boxes_t4: Array
    labels_t: Array
    crowd_t: Array
    """Whether a box is of a crowd: finding any of its members is no mistake, and missing them neither."""
    found_d4: Array
    found_labels_d: Array
    scores_d: Array


def average_precision(images: Iterable[Image]) -> AveragePrecision:
    """AP and AP50 of the images.

    Raises:
        MissingHere: If pycocotools is not installed.
    """
    coco, evaluation = pycocotools()
    listed = list(images)
    truth = [row for number, one in enumerate(listed) for row in _truth(number, one)]
    found = [row for number, one in enumerate(listed) for row in _found(number, one)]
    categories = sorted({row["category_id"] for row in truth})
    with redirect_stdout(StringIO()):  # it tells of its progress
        judge = evaluation(
            _index(coco, truth, len(listed), categories),
            _index(coco, found, len(listed), categories),
            "bbox",
        )
        judge.params.areaRng, judge.params.areaRngLbl = [EVERYWHERE], ["all"]
        judge.params.maxDets = [MOST]
        if categories:
            judge.evaluate()
            judge.accumulate()
    if not categories:
        return AveragePrecision(ap=0.0, ap50=0.0)
    precision_orkam = judge.eval["precision"]  # overlap, recall, class, area, most boxes
    return AveragePrecision(ap=_mean(precision_orkam), ap50=_mean(precision_orkam[0]))


def pycocotools() -> tuple[Any, Any]:
    """Its classes `COCO` and `COCOeval`.

    Raises:
        MissingHere: If it is not installed.
    """
    try:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
    except ModuleNotFoundError:
        raise MissingHere(
            "average precision needs pycocotools: pip install 'ablations[detection]'."
        ) from None
    return COCO, COCOeval


def _mean(precision: Array) -> float:
    known = precision[precision > -1]
    return float(known.mean()) if known.size else 0.0


def _index(coco: Any, rows: list[dict[str, Any]], images: int, categories: list[int]) -> Any:
    made = coco()
    made.dataset = {
        "images": [{"id": number} for number in range(images)],
        "categories": [{"id": one} for one in categories],
        "annotations": [{**row, "id": number} for number, row in enumerate(rows, start=1)],
    }
    made.createIndex()
    return made


def _truth(number: int, image: Image) -> Iterable[dict[str, Any]]:
    rows = zip(image.boxes_t4, image.labels_t, image.crowd_t, strict=True)
    for box, label, crowd in rows:
        yield {**_row(number, box, label), "iscrowd": int(crowd)}


def _found(number: int, image: Image) -> Iterable[dict[str, Any]]:
    rows = zip(image.found_d4, image.found_labels_d, image.scores_d, strict=True)
    for box, label, score in rows:
        yield {**_row(number, box, label), "score": float(score), "iscrowd": 0}


def _row(number: int, box: Array, label: int) -> dict[str, Any]:
    left, top, right, bottom = map(float, np.asarray(box, dtype=float))
    sides = (right - left, bottom - top)
    return {
        "image_id": number,
        "category_id": int(label),
        "bbox": [left, top, *sides],
        "area": sides[0] * sides[1],
    }
