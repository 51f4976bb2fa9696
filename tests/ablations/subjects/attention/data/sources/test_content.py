from pathlib import Path

import numpy as np
import pytest

from ablations.errors import SettingError
from ablations.subjects.attention.data.sources.content import checked
from ablations.subjects.attention.data.sources.read import read
from ablations.subjects.attention.settings.groups import Data


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (
            np.zeros((4, 8)),
            np.zeros(4),
            r"must give x of shape .* but gave \(4, 8\) and \(4,\)",
        ),
        (np.full((2, 1, 2, 2), np.nan), [0, 1], "must be finite, but some are not"),
        (
            np.zeros((2, 1, 2, 2)),
            [0, 2],
            r"must be 0, 1, \.\.\. without a gap, but are \[0, 2\]: `numpy\.unique\(y, return_inverse=True\)\[1\]`",
        ),
        (np.zeros((2, 1, 2, 2)), [0, 2**60], r"without a gap, but are \[0, 1152921504606846976\]"),
        (np.zeros((2, 1, 2, 2)), [0, 0], r"must have two classes or more, but all 2 labels are 0"),
        (np.zeros((0, 1, 2, 2)), [], r"must give x of shape .* but gave \(0, 1, 2, 2\) and \(0,\)"),
        (
            np.zeros((2, 1, 2, 2)),
            np.eye(2),
            r"A number per class \(one-hot or soft labels\) is not trained on: give the class, `y\.argmax\(1\)`\.",
        ),
        (
            np.zeros((2, 8, 6, 3)),
            [0, 1],
            r"The channels stand last there, as in files of images: give `x\.transpose\(0, 3, 1, 2\)`\.",
        ),
    ],
)
def test_arrays_that_are_no_labelled_images_are_refused(x, y, message: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "bad.npz", x=x, y=np.asarray(y))
    with pytest.raises(SettingError, match=message):
        read(Data(name="npz", root=str(tmp_path / "bad.npz")))


def test_what_stands_beyond_a_sequence_may_be_nan_and_nothing_before_it() -> None:
    data, x, y = Data(name="mine"), np.ones((2, 1, 4)), np.array([0, 1])
    x[0, 0, 3] = np.nan
    content = checked(data, x, y, np.array([3, 4]))
    assert content.x[:, 0].tolist() == [[1, 1, 1, 0], [1, 1, 1, 1]]
    with pytest.raises(
        SettingError, match=r"^the x of data set 'mine' must be finite, but some are not\.$"
    ):
        checked(data, x, y, np.array([4, 4]))
    with pytest.raises(SettingError, match="must be finite"):
        checked(data, x, y)


@pytest.mark.parametrize(
    ("value", "kind"),
    [(255, "float32"), (0.1, "float64"), (2**24 + 1, "float64"), (1e39, "float64")],
)
def test_numbers_are_kept_exactly_and_in_single_precision_where_that_is_exact(
    value: float, kind: str
) -> None:
    x = np.array([[[[value]]], [[[0]]]])
    kept = checked(Data(name="mine"), x, np.array([0, 1])).x
    assert kept.dtype == kind
    assert kept[0, 0, 0, 0] == value
