"""What a run started with: each tensor's first numbers and its first batches, as hashes to compare.

Two runs of one seed are paired as far as these are equal. That is measured for every run, never promised.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VERSION = 1
FILE = "start.json"
"""In the folder of an attempt (`docs/study-folder.md`)."""


@dataclass(frozen=True, kw_only=True)
class Started:
    """The beginning of one run.

    Attributes:
        tensors: Canonical name -> type and shape, then a hash of the numbers.
        random: Names of those that are drawn, by whatever; the others are fixed or follow from these.
        unnamed: Random operations of the constructor that end in no tensor of the module.
        elsewhere: Tensors that numpy, `random` or a generator of the constructor's own drew.
        problems: What keeps arms from being paired, a sentence each.
        batches: Hashes of the first batches trained on; empty where the run went on from a checkpoint.
        limits: What the loaders could not be given, a sentence each.
        again: Why an epoch that is interrupted is trained from its beginning, a clause; empty where it goes on with
            the batch that it had reached.
        ended: A hash of the weights that it ended with; empty until then.
    """

    tensors: Mapping[str, str]
    random: tuple[str, ...]
    unnamed: int
    elsewhere: tuple[str, ...]
    problems: tuple[str, ...]
    batches: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    again: str = ""
    ended: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"version": VERSION, **vars(self)}


@dataclass(frozen=True, kw_only=True)
class Shared:
    """What two runs of one seed have in common at their start."""

    alike: int
    """Tensors of one name, type and shape."""
    equal: int
    """Those of them that are equal in every number."""
    reshaped: int
    alone: int
    """Tensors of one of the two only."""
    same_batches: bool | None
    """Whether the first batches are equal; None where one of the two does not say."""

    def __str__(self) -> str:
        """For example `25 of 25 shared tensors equal; 4 in one arm only; first batches equal`."""
        batches = {None: "", True: "first batches equal", False: "first batches differ"}
        parts = [
            f"{self.equal} of {self.alike} shared tensors equal",
            f"{self.reshaped} of another shape" if self.reshaped else "",
            f"{self.alone} in one arm only" if self.alone else "",
            batches[self.same_batches],
        ]
        return "; ".join(part for part in parts if part)


def shared(first: Started, second: Started) -> Shared:
    """Compare two beginnings."""
    both = first.tensors.keys() & second.tensors.keys()
    pairs = [(first.tensors[name], second.tensors[name]) for name in both]
    alike = [(a, b) for a, b in pairs if a.rpartition(" ")[0] == b.rpartition(" ")[0]]
    said = bool(first.batches and second.batches)
    return Shared(
        alike=len(alike),
        equal=sum(a == b for a, b in alike),
        reshaped=len(pairs) - len(alike),
        alone=len(first.tensors.keys() ^ second.tensors.keys()),
        same_batches=first.batches == second.batches if said else None,
    )


def read_started(folder: Path) -> Started | None:
    """What the run in an attempt's folder started with; None where it does not say."""
    path = folder / FILE
    if not path.exists():
        return None
    content = json.loads(path.read_text(encoding="utf-8"))
    return Started(
        tensors=content["tensors"],
        unnamed=content["unnamed"],
        again=content.get("again", ""),
        ended=content.get("ended", ""),
        **{
            name: tuple(content[name])
            for name in ("random", "elsewhere", "problems", "batches", "limits")
        },
    )
