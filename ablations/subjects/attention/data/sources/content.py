"""What a source gives, and what must hold of it.

A source gives x, of shape (n, channels, height, width) for images and (n, channels, length) for sequences, and
labels of shape (n,); for sequences padded to one length also the true lengths, of shape (n,).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablations.errors import SettingError
from ablations.failures import words_of
from ablations.subjects.attention.data.layouts.labels import check_labels
from ablations.subjects.attention.data.layouts.listing import Labels
from ablations.subjects.attention.settings.groups import Data

Values = NDArray[np.float32] | NDArray[np.float64]
Arrays = tuple[Values, Labels] | tuple[Values, Labels, Labels]


@dataclass(frozen=True)
class Content:
    """All examples of a data set."""

    x: Values
    """As float32 where that is exact, else as float64."""
    y: Labels
    lengths: Labels | None = None
    """Of sequences that are padded to one length."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Channels, and height and width or length, of each example."""
        return tuple(self.x.shape[1:])


def checked(data: Data, values: Any, labels: Any, lengths: Any = None) -> Content:
    """What a source gave, as the arrays that the rest computes with.

    Raises:
        SettingError: If it is not images or sequences with a label each.
    """
    x, given = _numbers(data, "x", values), _numbers(data, "labels", labels)
    _check_shapes(data, x.shape, given.shape)
    y = _whole(data, "labels", given)
    true = None if lengths is None else _checked_lengths(data, x.shape, lengths)
    finite = np.isfinite(x)
    if true is not None:
        # What stands beyond a sequence's length is nobody's number: NaN is a usual mark of it.
        finite |= (np.arange(x.shape[2]) >= true[:, None])[:, None]
        x = np.where(np.isfinite(x), x, 0)
    if not finite.all():
        raise SettingError(f"the x of data set {data.name!r} must be finite, but some are not.")
    check_labels(data, y)
    return Content(_exact(x), y, true)


def _check_shapes(data: Data, x: tuple[int, ...], y: tuple[int, ...]) -> None:
    rule = (
        f"data set {data.name!r} must give x of shape (n, channels, height, width) or "
        f"(n, channels, length) and labels of shape (n,), but gave {x} and {y}."
    )
    if len(x) not in (3, 4) or y[:1] != x[:1] or len(y) > 2 or 0 in x:
        raise SettingError(rule)
    if len(y) == 2:
        raise SettingError(
            f"{rule} A number per class (one-hot or soft labels) is not trained on: give the class, `y.argmax(1)`."
        )
    if len(x) == 4 and x[3] in (1, 3, 4) and min(x[1], x[2]) > 4:
        raise SettingError(
            f"{rule} The channels stand last there, as in files of images: give `x.transpose(0, 3, 1, 2)`."
        )


def _exact(x: NDArray[Any]) -> Values:
    """As float32 where that is the same number, so that 8-bit pixels take a half of the memory."""
    with np.errstate(over="ignore"):  # then it is another number
        single = x.astype(np.float32)
    return single if np.array_equal(single, x) else x.astype(np.float64)


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


def _checked_lengths(data: Data, shape: tuple[int, ...], lengths: Any) -> Labels:
    whole = _whole(data, "`lengths`", _numbers(data, "`lengths`", lengths))
    if len(shape) != 3 or whole.shape != shape[:1]:
        raise SettingError(
            f"`lengths` of data set {data.name!r} must have shape (n,), beside sequences of shape "
            f"(n, channels, length), but have {whole.shape} beside {shape}."
        )
    if whole.min() < 1 or whole.max() > shape[2]:
        raise SettingError(
            f"`lengths` of data set {data.name!r} must be from 1 to {shape[2]}, but are from "
            f"{whole.min()} to {whole.max()}."
        )
    return whole
