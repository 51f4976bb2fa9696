"""What must hold of the labels of any data set."""

import numpy as np
from numpy.typing import NDArray

from ablations.errors import SettingError
from ablations.subjects.attention.settings.groups import Data


def check_labels(data: Data, y: NDArray[np.int64]) -> None:
    """Refuse labels that are not 0, 1, ..., each of them at least once, or all one.

    Raises:
        SettingError: If so.
    """
    found = np.unique(y)
    if len(y) == 0 or not np.array_equal(found, np.arange(len(found))):
        raise SettingError(
            f"the labels of data set {data.name!r} must be 0, 1, ... without a gap, but are "
            f"{found[:12].tolist()}: `numpy.unique(y, return_inverse=True)[1]` numbers them so."
        )
    if len(found) == 1:
        raise SettingError(
            f"data set {data.name!r} must have two classes or more, but all {len(y)} labels are 0: there is nothing "
            "to tell apart."
        )
