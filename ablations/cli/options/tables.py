"""The runs tables that a command's words name."""

import sys
from collections.abc import Iterable
from dataclasses import replace
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablations.cli.options.arguments import ROOT
from ablations.errors import LONGEST_LIST, SettingError, StudyError
from plain_files.study_folders import studies_in

if TYPE_CHECKING:
    from analysis.tables.runs_table import RunsTable


def tables_of(
    name: str,
    root: Path,
    *,
    metric: str | None = None,
    baseline: tuple[str, ...] = (),
    factors: str | None = None,
    direction: str | None = None,
) -> "list[RunsTable]":
    """Every table that the name stands for: of a study, of a folder of studies, of a CSV, of a storage.

    Args:
        name: A study in `root`, or any source of `analysis.tables.table`.
        root: Where studies lie.
        metric: What to estimate.
        baseline: `FACTOR=LEVEL`, for tables that do not say their baseline.
        factors: The columns that vary on purpose, with commas between, for tables without a study.
        direction: `minimize` or `maximize`, for metrics whose names do not say it.

    Raises:
        StudyError: If there is nothing of that name; says the nearest study or file.
    """
    from analysis.tables.table import read_tables

    inside = root / name
    source = str(inside) if (inside / "study.json").is_file() else name
    if root != ROOT and source == name:
        # What lies elsewhere would be the answer to another question.
        if not _exists(name):
            raise StudyError(_nothing(name, root))
        raise SettingError(
            f"`--root` says where studies lie that are named, but there is no study {name!r} in {root}. Leave it out "
            "to read what lies elsewhere."
        )
    if not _exists(source):
        raise StudyError(_nothing(name, root))
    named = _pairs(baseline)
    names = [word.strip() for word in (factors or "").split(",") if word.strip()]
    tables = read_tables(source, metric=metric, baseline=named, factors=names, direction=direction)
    for table in tables:
        warn(table.remarks)
    return [_against(table, named) if named and not table.baseline else table for table in tables]


def warn(remarks: Iterable[str]) -> None:
    """Say what is wrong with a study's records where no output of the command is spoilt by it."""
    for remark in remarks:
        print(f"warning: {remark}", file=sys.stderr)


def one_table(
    name: str,
    root: Path,
    *,
    metric: str | None = None,
    baseline: tuple[str, ...] = (),
    factors: str | None = None,
    direction: str | None = None,
) -> "RunsTable":
    """The one table that the name stands for.

    Raises:
        SettingError: If it holds several studies.
    """
    tables = tables_of(
        name, root, metric=metric, baseline=baseline, factors=factors, direction=direction
    )
    if len(tables) > 1:
        raise SettingError(
            f"{name} holds several studies; name one of {[t.study for t in tables]}."
        )
    return tables[0]


def published_table(name: str) -> Path | None:
    """The published table that comes with the preset of that name, as `senet/table10`; None where there is none."""
    from ablations.designs.presets import PRESETS

    folder, _, table = name.partition("/")
    if not (folder.isidentifier() and table.isidentifier()) or Path(name).exists():
        return None
    path = Path(str(resources.files(PRESETS))) / folder / f"{table}.csv"
    return path if path.is_file() else None


def _exists(source: str) -> bool:
    """Whether a reader of `analysis.tables.table` finds something there; of a storage it must be asked."""
    path = Path(source)
    return "://" in source or path.exists() or (ROOT / path / "study.json").is_file()


def _nothing(name: str, root: Path) -> str:
    studies = [path.name for path in studies_in(root)]
    path = Path(name)
    files = [str(path.parent / file.name) for file in path.parent.glob("*.csv")]
    said = f"there is no study and no file {name!r}"
    near = get_close_matches(name, [*studies, *files], n=1, cutoff=0.5)
    if near:
        return f"{said}. Did you mean {near[0]!r}?"
    if not studies:
        return f"{said}, nor any study in {root}/; start one with `ablate run SPACE`, or name a CSV file."
    more = ", ..." if len(studies) > LONGEST_LIST else ""
    return f"{said}. Studies in {root}/: {', '.join(studies[:LONGEST_LIST])}{more}."


def _against(table: "RunsTable", named: dict[str, Any]) -> "RunsTable":
    """The table with a baseline that its source could not give: an Optuna storage has none."""
    from analysis.tables.csv_table import from_frame

    again = from_frame(
        table.frame, metric=table.metric, baseline=named, factors=table.factors,
        direction=table.direction,
    )  # fmt: skip
    return replace(table, baseline=again.baseline)


def _pairs(texts: tuple[str, ...]) -> dict[str, Any]:
    pairs = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not value:
            raise SettingError(f"`--baseline` must read FACTOR=LEVEL, but got {text!r}.")
        pairs[name] = value
    return pairs
