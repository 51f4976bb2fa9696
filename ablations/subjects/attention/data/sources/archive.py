"""A NumPy archive of the user's own."""

import numpy as np

from ablations.archives import UNREADABLE
from ablations.errors import SettingError
from ablations.subjects.attention.data.layouts.root import existing_root
from ablations.subjects.attention.data.sources.content import Arrays
from ablations.subjects.attention.settings.groups import Data


def npz(data: Data) -> Arrays:
    """A NumPy archive at `root` with arrays `x`, `y` and, for padded sequences, `lengths`."""
    path = existing_root(data)
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            x, y = archive["x"], archive["y"]
            return (x, y, archive["lengths"]) if "lengths" in archive else (x, y)
    except UNREADABLE as error:
        raise SettingError(
            f"`data.root` must be an .npz archive with the arrays `x` and `y`, but {str(path)!r}: "
            f"{error}"
        ) from None
