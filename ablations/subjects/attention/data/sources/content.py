"""What a source gives, and what must hold of it.

A source gives x, of shape (n, channels, height, width) for images and (n, channels, length) for sequences, and
labels of shape (n,); for sequences padded to one length also the true lengths, of shape (n,).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablations.errors import SettingError
from ablations.import_path import words_of
from ablations.subjects.attention.settings.groups import Data

Values = NDArray[np.float32]
Labels = NDArray[np.int64]
Arrays = tuple[Values, Labels] | tuple[Values, Labels, Labels]


@dataclass(frozen=True)
class Content:
    """All examples of a data set."""

    x: Values
    y: Labels
    lengths: Labels | None = None
    """Of sequences that are padded to one length."""


def checked(data: Data, values: Any, labels: Any, lengths: Any = None) -> Content:
    """What a source gave, as the arrays that the rest computes with.

    Raises:
        SettingError: If it is not images or sequences with a label each.
    """
    x, given = _numbers(data, "x", values), _numbers(data, "labels", labels)
    if x.ndim not in (3, 4) or given.shape != (len(x),):
        raise SettingError(
            f"data set {data.name!r} must give x of shape (n, channels, height, width) or "
            f"(n, channels, length) and labels of shape (n,), but gave {x.shape} and {given.shape}."
        )
    x, y = np.asarray(x, dtype=np.float32), _whole(data, "labels", given)
    if not np.isfinite(x).all():
        raise SettingError(f"the x of data set {data.name!r} must be finite, but some are not.")
    found = np.unique(y)
    # Compared by their number: a label of 2e15 would make a range of gigabytes.
    if len(y) == 0 or found[0] != 0 or found[-1] != len(found) - 1:
        raise SettingError(
            f"the labels of data set {data.name!r} must be 0, 1, ... without a gap, but are "
            f"{np.unique(y)[:12].tolist()}."
        )
    return Content(x, y, None if lengths is None else _checked_lengths(data, x, lengths))


def _numbers(data: Data, what: str, given: Any) -> NDArray[Any]:
    rule = f"`data.name` {data.name!r} must give {what} as an array of numbers, but"
    try:
        array = np.asarray(given)
    except Exception as error:  # of rows of several lengths, of a tensor on a GPU
        raise SettingError(f"{rule} it is none: {words_of(error)}.") from error
    if array.dtype.kind not in "biuf":
        raise SettingError(f"{rule} it is of type {array.dtype}.")
    return array


def _whole(data: Data, what: str, given: NDArray[Any]) -> Labels:
    with np.errstate(invalid="ignore"):  # NaN is none, which is told below
        whole = given.astype(np.int64)
    if not np.array_equal(whole, given):
        raise SettingError(
            f"{what} of data set {data.name!r} must be whole numbers, but are {given.ravel()[:5].tolist()}, ..."
        )
    return whole


def _checked_lengths(data: Data, x: Values, lengths: Any) -> Labels:
    whole = _whole(data, "`lengths`", _numbers(data, "`lengths`", lengths))
    if x.ndim != 3 or whole.shape != (len(x),):
        raise SettingError(
            f"`lengths` of data set {data.name!r} must have shape (n,), beside sequences of shape "
            f"(n, channels, length), but have {whole.shape} beside {x.shape}."
        )
    if whole.min() < 1 or whole.max() > x.shape[2]:
        raise SettingError(
            f"`lengths` of data set {data.name!r} must be from 1 to {x.shape[2]}, but are from "
            f"{whole.min()} to {whole.max()}."
        )
    return whole
