"""The runs tables of a source: a study folder, a folder of studies, a CSV, an Optuna storage."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from analysis.csv_table import read_csv
from analysis.errors import TableError
from analysis.runs_table import RunsTable
from analysis.study_table import read_study


def read_tables(
    source: str | Path, *, metric: str | None = None, baseline: Mapping[str, Any] | None = None
) -> list[RunsTable]:
    """The runs tables of a study folder, a folder of studies, a CSV, or `STORAGE_URL#study`.

    Raises:
        TableError: If it is none of these.
    """
    text = str(source)
    if "://" in text:
        from analysis.optuna_table import read_optuna

        return [read_optuna(text, metric=metric)]
    path = Path(source)
    if (path / "study.json").is_file():
        return [read_study(path)]
    if path.is_dir():
        studies = sorted(child.parent for child in path.glob("*/study.json"))
        if not studies:
            raise TableError(
                f"{path} is no study and holds none: there is no study.json in it or one below."
            )
        return [read_study(folder) for folder in studies]
    if not path.exists() and (Path("runs") / text / "study.json").is_file():
        return [read_study(Path("runs") / text)]
    return [read_csv(path, metric=metric, baseline=baseline)]


def read_table(
    source: str | Path, *, metric: str | None = None, baseline: Mapping[str, Any] | None = None
) -> RunsTable:
    """The one runs table of a source.

    Raises:
        TableError: If it is a folder of several studies, or no table at all.
    """
    tables = read_tables(source, metric=metric, baseline=baseline)
    if len(tables) > 1:
        names = ", ".join(table.study for table in tables)
        raise TableError(f"{source} holds several studies ({names}); name one of them.")
    return tables[0]
