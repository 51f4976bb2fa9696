"""COCO's annotations: a JSON file of images, categories and boxes, read strictly."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ablations.errors import SettingError

OUTSIDE = 1.0
"""Pixels that a box may reach beyond its image: annotations are rounded."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One image: its file, its size as the annotations have it, and its m boxes (left, top, right, bottom)."""

    path: Path
    width: int
    height: int
    boxes_m4: NDArray[np.float32]
    labels_m: NDArray[np.int64]
    crowd_m: NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Coco:
    """What a file says.

    Attributes:
        classes: Id -> name of each category, by its id; a label is the place in this order.
        pictures: In the file's order; one without boxes is an image where nothing is to be found.
        digest: Of the file's content and of the images' names and sizes.
    """

    classes: dict[int, str]
    pictures: tuple[Picture, ...]
    digest: str


def read_coco(annotations: Path, *, images: Path, drop_empty: bool) -> Coco:
    """The annotations of a file, checked, with the images that lie in a folder.

    Args:
        annotations: The JSON file.
        images: The folder that its file names are within.
        drop_empty: Leave boxes without an area out, as COCO's training set of 2017 has two; else they are refused.

    Raises:
        SettingError: If something in it is missing or wrong, with the path.
    """
    if not annotations.is_file():
        raise SettingError(
            f"COCO annotations must be a file, but there is none at {str(annotations)!r}."
        )
    told = annotations.stat()
    return _read(annotations, images, drop_empty, (told.st_size, told.st_mtime_ns))


class _Row(BaseModel):
    model_config = ConfigDict(extra="ignore", allow_inf_nan=False, frozen=True)


class _Category(_Row):
    id: int
    name: str


class _Image(_Row):
    id: int
    file_name: str
    width: int = Field(ge=1)
    height: int = Field(ge=1)


class _Annotation(_Row):
    id: int | None = None
    image_id: int
    category_id: int
    bbox: Annotated[list[float], Field(min_length=4, max_length=4)]
    iscrowd: int = 0


class _File(_Row):
    images: list[_Image] = Field(min_length=1)
    categories: list[_Category] = Field(min_length=1)
    annotations: list[_Annotation] = Field(min_length=1)


@lru_cache(maxsize=4)
def _read(path: Path, images: Path, drop_empty: bool, _: tuple[int, int]) -> Coco:
    content = path.read_bytes()
    file = _parsed(content, path)
    _each_once((one.id for one in file.images), "image", path)
    _each_once((one.id for one in file.categories), "category", path)
    labels = {one: label for label, one in enumerate(sorted(x.id for x in file.categories))}
    by_id = {one.id: one for one in file.images}
    rows: dict[int, list[_Annotation]] = {one.id: [] for one in file.images}
    for number, row in enumerate(file.annotations):
        called = f"annotation {number if row.id is None else row.id} in {str(path)!r}"
        if row.image_id not in by_id:
            raise SettingError(
                f"each annotation must be of an image of its file, but {called} has the `image_id` {row.image_id}, "
                "which no image has."
            )
        if row.category_id not in labels:
            raise SettingError(
                f"each annotation must be of a category of its file, but {called} has the `category_id` "
                f"{row.category_id}; known are {', '.join(map(str, list(labels)[:12]))}."
            )
        if _has_area(row, by_id[row.image_id], called, drop_empty=drop_empty):
            rows[row.image_id].append(row)
    pictures = tuple(_picture(one, rows[one.id], labels, images, path) for one in file.images)
    names = {one.id: one.name for one in file.categories}
    sizes = [f"{one.path.name} {one.path.stat().st_size}" for one in pictures]
    return Coco(
        classes={one: names[one] for one in labels},
        pictures=pictures,
        digest=hashlib.sha256(content + "\n".join(sizes).encode()).hexdigest()[:16],
    )


def _parsed(content: bytes, path: Path) -> _File:
    try:
        return _File.model_validate(json.loads(content))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        reason = f"{where}: {first['msg'][0].lower()}{first['msg'][1:]}"
    except (ValueError, RecursionError) as error:
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    raise SettingError(
        f"{str(path)!r} must hold COCO annotations (`images`, `categories` and `annotations` with a `bbox` each), but "
        f"does not: {reason}."
    )


def _each_once(ids: Iterable[int], what: str, path: Path) -> None:
    twice = [one for one, count in Counter(ids).items() if count > 1]
    if twice:
        raise SettingError(
            f"each {what} must have an id of its own, but two in {str(path)!r} have {twice[0]}."
        )


def _has_area(row: _Annotation, image: _Image, called: str, *, drop_empty: bool) -> bool:
    """Whether the box has an area; one outside its image is refused."""
    left, top, width, height = row.bbox
    inside = (
        min(left, top) >= -OUTSIDE
        and left + width <= image.width + OUTSIDE
        and top + height <= image.height + OUTSIDE
    )
    if width < 0 or height < 0 or not inside:
        raise SettingError(
            f"each box must lie within its image, but that of {called} is {row.bbox} (left, top, width, height) in "
            f"{image.file_name!r} of {image.width} x {image.height} pixels."
        )
    # At its edge, a box that begins there has none either.
    has_area = min(width, height) > 0 and left < image.width and top < image.height
    if not has_area and not drop_empty:
        raise SettingError(
            f"each box must have an area, but that of {called} is {row.bbox} (left, top, width, height); mend the "
            "file, or leave such boxes out with `data.drop_empty=true`."
        )
    return has_area


def _picture(
    image: _Image, rows: list[_Annotation], labels: dict[int, int], folder: Path, path: Path
) -> Picture:
    file = folder / image.file_name
    if not file.is_file():
        raise SettingError(
            f"each image of {str(path)!r} must lie in its folder, but there is no {str(file)!r}."
        )
    corners_m4 = np.array([row.bbox for row in rows], dtype=np.float32).reshape(-1, 4)
    corners_m4[:, 2:] += corners_m4[:, :2]
    edges = np.tile([image.width, image.height], 2).astype(np.float32)
    return Picture(
        path=file,
        width=image.width,
        height=image.height,
        boxes_m4=np.clip(corners_m4, 0, edges),
        labels_m=np.array([labels[row.category_id] for row in rows], dtype=np.int64),
        crowd_m=np.array([bool(row.iscrowd) for row in rows], dtype=bool),
    )
