"""Who a run is: a hash of its canonical settings, the data's fingerprint and the seed."""

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any

VERSION = 1


def canonical(
    arm: Mapping[str, Any], *, left_out: Collection[str], neutral: Mapping[str, Any]
) -> dict[str, Any]:
    """The settings that make an arm what it is, sorted by name; 8 and 8.0 are one value.

    Args:
        arm: The whole assignment.
        left_out: Settings that it does not use, or that change no number.
        neutral: Setting -> the value that is left out.
    """
    return {
        name: _plain(value)
        for name, value in sorted(arm.items())
        if name not in left_out and not (name in neutral and neutral[name] == value)
    }


def digest(settings: Mapping[str, Any], *, data: str, **more: Any) -> str:
    """Ten hexadecimal digits of the canonical settings, the data's fingerprint and what else there is."""
    content = {"version": VERSION, "settings": settings, "data": data, **more}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def _plain(value: Any) -> Any:
    is_whole = isinstance(value, float) and value.is_integer() and abs(value) < 2**53
    return int(value) if is_whole else value
