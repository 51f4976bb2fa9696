"""What identifies the values that a look read, and which records say the same."""

import hashlib
import json
from typing import Any

import pytest

from plain_files.look_records import SeedRows, alike

VALUES: dict[str, list[float | None]] = {"b": [0.1, None, 1e-300], 'a"': [1 / 3, -2.0, 5e22]}


@pytest.mark.parametrize("seeds", [1, 2, 3])
def test_the_fingerprint_is_that_of_the_canonical_json(seeds: int) -> None:
    rows = SeedRows(VALUES)
    read = {arm: row[:seeds] for arm, row in VALUES.items()}
    text = json.dumps(read, sort_keys=True, separators=(",", ":"))
    assert rows.fingerprint(seeds, VALUES) == hashlib.sha256(text.encode()).hexdigest()
    assert rows.first(seeds, VALUES) == read


def test_a_look_reads_the_arms_that_are_open_and_the_seeds_that_all_have() -> None:
    rows = SeedRows(VALUES)
    rows.append("b", 7.0)
    assert (rows.seeds(["b"]), rows.seeds(VALUES)) == (4, 3)
    assert rows.first(2, ["b"]) == {"b": [0.1, None]}
    assert rows.fingerprint(2, ["b"]) != rows.fingerprint(2, VALUES)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ({"x": (1.0, None), "y": {"settled": True}}, True),
        ({"x": [1.0 + 1e-12, None], "y": {"settled": True}}, True),
        ({"x": [1.001, None], "y": {"settled": True}}, False),
        ({"x": [1.0, None], "y": {"settled": False}}, False),
        ({"x": [1.0], "y": {"settled": True}}, False),
        ({"x": [1.0, None]}, False),
    ],
)
def test_records_are_alike_but_for_rounding(other: Any, same: bool) -> None:
    assert alike({"x": [1.0, None], "y": {"settled": True}}, other) == same
