"""Results as plain values, for JSON: infinity and undefined numbers are null."""

import math
from typing import Any

import pandas as pd


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as dicts of plain values."""
    return [{str(k): plain(v) for k, v in row.items()} for row in frame.to_dict("records")]


def pair(interval: tuple[float, float] | None) -> list[Any] | None:
    """[low, high]; null for infinity, and as a whole where there is no interval."""
    if interval is None or math.isnan(interval[0]):
        return None
    return [plain(end) for end in interval]


def plain(value: Any) -> Any:
    """The value for JSON: numpy scalars as Python's, NaN and infinity as null, the rest as it is."""
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
