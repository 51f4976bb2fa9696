"""The boundaries of a rule, computed once and stored with it.

For hundreds of seeds they cost seconds, and no machine decides otherwise than the one that started the study. They are
stored with a digest of what they were computed from and of themselves. Where that does not fit, because a
file is damaged or was edited, they are computed again: what is not known to follow from the rule decides nothing.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from analysis.sequential.boundaries import CELLS, DIGITS, POWER, boundaries
from plain_files.stopping_rules import NUMBERS

BOUNDARIES, DIGEST = NUMBERS


def with_boundaries(
    declared: Mapping[str, Any], stored: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A rule with its boundaries and their digest.

    Args:
        declared: The rule.
        stored: The rule as `study.json` has it, whose boundaries are taken if their digest fits this rule.
    """
    if stored is not None and is_sound(declared, stored):
        return {**declared, **{name: stored[name] for name in NUMBERS}}
    made = boundaries_of(
        len(declared["comparisons"]), alpha=float(declared["alpha"]),
        first=int(declared["first_look"]), last=int(declared["max_seeds"]),
    )  # fmt: skip
    return {**declared, BOUNDARIES: made, DIGEST: digest(declared, made)}


def is_sound(declared: Mapping[str, Any], stored: Mapping[str, Any]) -> bool:
    """Whether the stored boundaries are those that were once computed for this rule."""
    return DIGEST in stored and stored[DIGEST] == digest(declared, stored.get(BOUNDARIES))


def digest(declared: Mapping[str, Any], made: Any) -> str:
    """SHA-256 of what boundaries are computed from, and of themselves."""
    numbers = {name: declared[name] for name in ("alpha", "first_look", "max_seeds")}
    content = {
        **numbers, "comparisons": len(declared["comparisons"]), "cells": CELLS, "power": POWER, "digits": DIGITS,
        BOUNDARIES: made,
    }  # fmt: skip
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def boundaries_of(comparisons: int, *, alpha: float, first: int, last: int) -> dict[str, Any]:
    """Both families' boundaries: row m - 1 is for m comparisons that are left, an entry per number of pairs."""
    left = range(1, comparisons + 1)
    levels = sorted({alpha / m / sides for m in left for sides in (1, 2)})
    at = dict(zip(levels, boundaries(levels, first=first, last=last), strict=True))
    return {"differs": [at[alpha / m / 2] for m in left], "small": [at[alpha / m] for m in left]}
