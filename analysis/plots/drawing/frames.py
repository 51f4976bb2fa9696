"""Frames as figures need them: rows with named fields, and the lengths of error bars."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def rows(frame: pd.DataFrame) -> list[Any]:
    """The rows as named tuples; a field is whatever its column holds."""
    return list(frame.itertuples(index=False))


def spread(frame: pd.DataFrame, *, middle: str) -> NDArray[np.float64]:
    """Lengths of the bars below and above `middle`, shape (2, rows); NaN where there is no interval.

    Args:
        frame: Columns `low`, `high` and the one that `middle` names.
        middle: The column that the bars surround.
    """
    centre = frame[middle].to_numpy(dtype=float)
    ends = frame[["low", "high"]].to_numpy(dtype=float).T
    return np.asarray(np.abs(ends - centre))
