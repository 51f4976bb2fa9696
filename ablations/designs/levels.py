"""A factor's level where only a text, a number or a truth value can stand: in the runs table, in W&B, in Optuna.

None is `None` there, since a cell without a value says that an arm does not use the factor; a list is its text.
"""

import math
from collections import Counter
from typing import Any

from plain_files.words import is_name

Level = bool | int | float | str | None | list[Any]


def told(level: Any) -> bool | int | float | str:
    """The level as a table has it: `None`, `[64, 64]`, all else as it is."""
    return str(level) if level is None or isinstance(level, list) else level


def fault(name: str, levels: list[Any]) -> str | None:
    """Why these cannot be the levels of a factor, in a sentence; None where they can."""
    for level in levels:
        for value in _parts(level):
            if isinstance(value, str) and not is_name(value):
                return (
                    f"factor `{name}` must have levels of one line without control characters, but has "
                    f"{value!r:.80}."
                )
            if not isinstance(value, bool | int | float | str | None):
                return (
                    f"factor `{name}` must have levels that are texts, numbers, true, false, null, or lists of these, "
                    f"but has {level!r:.80}. Let what varies inside be a factor of its own, `{name}.{_first(value)}` "
                    "say, or name the whole by a word that your program knows."
                )
            if isinstance(value, float) and not math.isfinite(value):
                return f"factor `{name}` must have levels that are finite, but has {level!r:.80}."
    if len({_key(level) for level in levels}) != len(levels):
        return f"factor `{name}` must name each level once: {tuple(levels)}."
    counts = Counter(map(told, levels))
    if alike := [word for word, count in counts.items() if count > 1]:
        return (
            f"factor `{name}` must have levels that read differently, but two of them are {alike[0]!r} in tables: "
            f"{tuple(levels)}. Write one of them otherwise."
        )
    return None


def _key(level: Any) -> Any:
    """Equal for equal levels; a list has no hash."""
    return tuple(map(_key, level)) if isinstance(level, list) else level


def _parts(level: Any) -> list[Any]:
    """The values in a level: those of a list and of the lists in it, else the level alone."""
    return [part for one in level for part in _parts(one)] if isinstance(level, list) else [level]


def _first(value: Any) -> str:
    return str(next(iter(value), "name")) if isinstance(value, dict) else "name"
