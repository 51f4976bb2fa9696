"""Packages of ours that a file or folder of the user's own hides, told when `ablations` is imported."""

import warnings
from importlib.util import find_spec
from pathlib import Path

BESIDE = ("analysis", "plain_files", "search_spaces")
"""The packages that are installed with this one; their names are words that a folder of anybody may have."""


def warn_of_hidden() -> None:
    """Warn of each of them under whose name Python finds something else, in the folder where it was started say."""
    ours = Path(__file__).resolve().parents[1]
    for name in BESIDE:
        try:
            found = find_spec(name)
        except ValueError:  # a module without a spec stands under that name
            continue
        place = found.origin if found is not None else None
        if place is None or (ours / name) in Path(place).resolve().parents:
            continue
        warnings.warn(
            f"`import {name}` finds {place}, which hides the package {name!r} that comes with ablations. Rename it, "
            "or start Python in another folder.",
            stacklevel=3,
        )
