"""What commands share: where studies lie, how one is found by name, and their common options."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter, Token

from ablations.errors import SettingError, StudyError, one_of
from plain_files.study_folders import studies_in
from plain_files.words import is_name


def _whole(_: object, tokens: Sequence[Token]) -> int:
    return _wholes(_, tokens)[0]


def _wholes(_: object, tokens: Sequence[Token]) -> tuple[int, ...]:
    for token in tokens:
        try:
            int(token.value)
        except ValueError:
            raise ValueError(f"it must be a whole number, but is {token.value!r}.") from None
    return tuple(int(token.value) for token in tokens)


Whole = Annotated[int, Parameter(converter=_whole)]
"""Cyclopts itself would round: 1.5 seeds to 2."""
Wholes = Annotated[tuple[int, ...], Parameter(converter=_wholes)]
ROOT = Path("runs")
Root = Annotated[Path, Parameter(help="Where studies lie.")]
Json = Annotated[bool, Parameter(negative=(), help="Print JSON for scripts.")]
Flag = Annotated[bool, Parameter(negative=())]
Trust = Annotated[
    bool,
    Parameter(
        negative=(),
        help="Run what the study's folder names though somebody else started it: it can be any program.",
    ),
]
Set = Annotated[
    tuple[str, ...],
    Parameter(name=("--set", "-s"), help="A setting's value, as training.epochs=10; repeatable."),
]
Design = Literal["grid", "loco", "one-in", "fractional", "zip", "search"]


def design_name(design: Design) -> str:
    """As it is written in Python and in `study.json`: `one_in`."""
    return design.replace("-", "_")


def find_study(root: Path, study: str) -> Path:
    """The folder of the study with that name (or of that path).

    Raises:
        StudyError: If there is none; says the nearest known name.
    """
    is_folder = "/" in study or study in (".", "..")
    if is_folder and root != ROOT:
        raise SettingError(
            f"`--root` says where studies lie that are named, but {study!r} is a folder. Leave one of them out."
        )
    # A name means a study in the root that was asked for, and no other.
    for path in (root / study, *([Path(study)] if root == ROOT else [])):
        if (path / "study.json").exists():
            return path
    known = [path.name for path in studies_in(root)]
    if not known:
        raise StudyError(
            f"there is no study {study!r}, nor any other in {root}/; start one with `ablate run SPACE`."
        )
    raise StudyError(one_of("study", study, known))


def as_named(folder: Path) -> str:
    """How a command names the study from here: by its name where it lies in `runs/`, else by its folder."""
    return shlex.quote(folder.name if folder.parent == ROOT else str(folder))


def folder_name(name: str) -> str:
    """The name, if it can be a study's.

    Raises:
        StudyError: If it is not the plain name of a folder.
    """
    if not is_name(name) or name in (".", "..") or "/" in name or name.startswith("-"):
        raise StudyError(
            f"a study's name must be a plain folder name, but got {name!r}. Name it with --study: one line, no `/`, "
            "and no `-` in front."
        )
    return name


def assignments(pairs: tuple[str, ...], *, option: str = "--set") -> dict[str, Any]:
    """`("training.epochs=10",)` as `{"training.epochs": "10"}`; the settings convert the value.

    Raises:
        SettingError: If one is not of the form name=value.
    """
    values = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise SettingError(f"`{option}` must be given as name=value, but got {pair!r}.")
        values[name.strip()] = value.strip()
    return values
