from pathlib import Path

import numpy as np
import pytest

from ablations.errors import SettingError
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
        (np.zeros((2, 1, 2, 2)), [0, 2], r"must be 0, 1, \.\.\. without a gap, but are \[0, 2\]"),
    ],
)
def test_arrays_that_are_no_labelled_images_are_refused(x, y, message: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "bad.npz", x=x, y=np.asarray(y))
    with pytest.raises(SettingError, match=message):
        read(Data(name="npz", root=str(tmp_path / "bad.npz")))
