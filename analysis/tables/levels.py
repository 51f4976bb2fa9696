"""What a factor's level is, in whatever form a reader meets it.

One rule for all readers: a cell that is not there, or empty, or NaN beside numbers, says that the arm does not use the
factor; the value None, where a source can tell it from that, is the level called None.
"""

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

NONE = "None"
"""How the value None is written as a level."""
NUMBER = re.compile(r"[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|inf|infinity)", re.I | re.ASCII)


def level_of(values: Mapping[str, Any], name: str) -> Any:
    """The level of a factor in a run's values: missing (None) where it is not there, the word where it is None."""
    if name not in values:
        return None
    return NONE if values[name] is None else plain_level(values[name])


def plain_level(value: Any) -> Any:
    """A level as a value that can be compared: a list, a tuple or a dict as its text."""
    if isinstance(value, list | tuple | dict | set) or hasattr(value, "__array__"):
        return str(
            value.tolist() if hasattr(value, "tolist") and not isinstance(value, list) else value
        )
    return value


def with_plain_levels(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """A column whose levels can be compared."""
    if column.dtype != object:
        return column
    return column.map(plain_level, na_action="ignore") if len(column) else column


def level_named(levels: list[Any], word: object) -> Any | None:
    """The level that a word means: the one that is written so, or is equal as a number, or but for case.

    In this order, so that `12` is never `1_2`. None where there is none.
    """
    for same in (_written, _equal, _but_for_case):
        found = [level for level in levels if same(level, word)]
        if found:
            return found[0]
    return None


def _written(level: object, word: object) -> bool:
    return str(level) == str(word)


def _equal(level: object, word: object) -> bool:
    texts = [str(value).strip() for value in (level, word)]
    return all(map(NUMBER.fullmatch, texts)) and float(texts[0]) == float(texts[1])


def _but_for_case(level: object, word: object) -> bool:
    return str(level).lower() == str(word).lower()  # True, as a shell writes it
