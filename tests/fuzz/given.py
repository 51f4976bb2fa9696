"""What is given to the command: its words, and the files that stand otherwise than in the world."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random


@dataclass(frozen=True)
class Input:
    """What is given to the command."""

    words: list[str]
    files: dict[str, bytes] = field(default_factory=dict)
    """Path in the world -> its content instead."""


Make = Callable[[Random, Path], Input]
