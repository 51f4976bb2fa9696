"""The runs tables of a source: a study folder, a folder of studies, a CSV, an Optuna storage."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from analysis.errors import TableError
from analysis.tables.csv_table import read_csv
from analysis.tables.runs_table import RunsTable
from analysis.tables.study_table import read_study
from plain_files.study_folders import studies_in


def read_tables(
    source: str | Path,
    *,
    metric: str | None = None,
    baseline: Mapping[str, Any] | None = None,
    factors: Sequence[str] = (),
    direction: str | None = None,
) -> list[RunsTable]:
    """The runs tables of a study folder, a folder of studies, a CSV, or `STORAGE_URL#study`.

    Raises:
        TableError: If it is none of these.
    """
    text = str(source)
    if "://" in text:
        from analysis.tables.optuna_table import read_optuna

        return [read_optuna(text, metric=metric, factors=factors, direction=direction)]
    path = Path(source)
    studies = _studies(path)
    given = {"baseline": baseline, "factors": factors, "direction": direction}
    named = next((name for name, value in given.items() if value), None)
    if studies and named:
        raise TableError(
            f"a study has the {named} that it was started with, so `{named}` is for tables without a study, "
            f"but it was given for {source}. Leave it out, or compare the levels in an exported table."
        )
    if studies:
        return [read_study(folder, metric=metric) for folder in studies]
    if path.is_dir():
        raise TableError(
            f"{path} is no study and holds none: there is no study.json in it or one below."
        )
    return [read_csv(path, metric=metric, baseline=baseline, factors=factors, direction=direction)]


def _studies(path: Path) -> list[Path]:
    """The study that the path is, those that it holds, or the one of that name among the runs."""
    if (path / "study.json").is_file():
        return [path]
    if path.is_dir():
        return studies_in(path)
    named = Path("runs") / path
    return [named] if not path.exists() and (named / "study.json").is_file() else []


def read_table(
    source: str | Path,
    *,
    metric: str | None = None,
    baseline: Mapping[str, Any] | None = None,
    factors: Sequence[str] = (),
    direction: str | None = None,
) -> RunsTable:
    """The one runs table of a source.

    Raises:
        TableError: If it is a folder of several studies, or no table at all.
    """
    tables = read_tables(
        source, metric=metric, baseline=baseline, factors=factors, direction=direction
    )
    if len(tables) > 1:
        names = ", ".join(table.study for table in tables)
        raise TableError(f"{source} holds several studies ({names}); name one of them.")
    return tables[0]
