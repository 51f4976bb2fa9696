"""The record of a look: what it read, as a hash, and whether two looks say the same.

`looks.jsonl` has a line for each look: `seeds`; `read`, the SHA-256 of what it read as canonical JSON (arm -> its
metric seed by seed, null where a run gave none); and `decided`, what it said of each arm.
"""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

CLOSE = 1e-6
"""Relative: other builds of the same libraries add in another order."""


class SeedRows:
    """Arm -> its metric seed by seed. Each value is made JSON once, and not again at every look that reads it."""

    def __init__(self, values: Mapping[str, Iterable[float | None]]) -> None:
        """Begin with these values."""
        self._values: dict[str, list[float | None]] = {arm: [] for arm in values}
        self._texts: dict[str, list[str]] = {arm: [] for arm in values}
        for arm, row in values.items():
            for value in row:
                self.append(arm, value)

    def append(self, arm: str, value: float | None) -> None:
        """The value of the arm's next seed."""
        self._values[arm].append(value)
        self._texts[arm].append(json.dumps(value))

    def seeds(self, arms: Iterable[str]) -> int:
        """How many seeds all these arms have."""
        return min(len(self._values[arm]) for arm in arms)

    def first(self, seeds: int, arms: Iterable[str]) -> dict[str, list[float | None]]:
        """What a look at so many seeds reads."""
        return {arm: self._values[arm][:seeds] for arm in arms}

    def fingerprint(self, seeds: int, arms: Iterable[str]) -> str:
        """SHA-256 of that, as canonical JSON."""
        rows = (f"{json.dumps(arm)}:[{','.join(self._texts[arm][:seeds])}]" for arm in sorted(arms))
        return hashlib.sha256(f"{{{','.join(rows)}}}".encode()).hexdigest()


def alike(a: Any, b: Any) -> bool:
    """Whether two records say the same, numbers but for rounding."""
    # On the machine that wrote it a record is the same to the last digit.
    if a == b:
        return True
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(alike(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(alike(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=CLOSE, abs_tol=1e-12)
    return False
