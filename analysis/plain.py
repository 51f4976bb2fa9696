"""Results as plain values, for JSON: infinity and undefined numbers are null; and a time in words."""

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


def duration(seconds: float) -> str:
    """Seconds in the largest fitting unit."""
    if 0 < seconds < 0.05:
        return "less than 0.1 s"
    if seconds < 120:
        return f"{seconds:.1f} s"
    if seconds < 7200:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h"
