"""Assignments as records and files hold them: a tree of groups for `group.field`."""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted names as a tree: `{"a.b": 1}` is `{"a": {"b": 1}}`."""
    tree: dict[str, Any] = {}
    for name, value in values.items():
        *groups, last = name.split(".")
        place = tree
        for group in groups:
            place = place.setdefault(group, {})
        place[last] = value
    return tree


def flat(tree: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse; names that are dotted already stay as they are."""
    found: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, Mapping):
            found |= {f"{name}.{inner}": x for inner, x in flat(value).items()}
        else:
            found[str(name)] = value
    return found


def listed(value: Any) -> Any:
    """The value with every tuple as a list, as JSON and YAML give it back."""
    return [listed(one) for one in value] if isinstance(value, list | tuple) else value


def plain(text: str) -> Any:
    """A text as the plain value that one writes so: a number, `true`, `false`, `none`, a list; else the text."""
    words = {"true": True, "false": False, "none": None, "null": None}
    if text.lower() in words:
        return words[text.lower()]
    if text.startswith("["):
        with suppress(json.JSONDecodeError):
            return json.loads(text)
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
