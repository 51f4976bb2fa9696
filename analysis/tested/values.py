"""What the runs of a study measured on its test set; nothing but `ablate test` reads it."""

from collections.abc import Hashable
from pathlib import Path

import pandas as pd

from analysis.errors import TableError
from analysis.tables.runs_table import RunsTable
from plain_files import study_records
from plain_files.study_records import Record, RecordError

FILE = "test.json"


def tested_metrics(table: RunsTable) -> dict[str, Record]:
    """Name -> direction and unit, of what a run may measure on a test set."""
    return dict(table.info.get("tested") or {})


def has_test_set(table: RunsTable) -> bool:
    """Whether a run of the study has measured on a test set; says nothing of what."""
    return any(path.is_file() for path in _files(table).values())


def read_values(table: RunsTable) -> pd.DataFrame:
    """The measured numbers, a row for each run that has ended with some, by the table's row numbers.

    Raises:
        TableError: If a file is damaged.
    """
    known = tested_metrics(table)
    rows = {}
    for row, path in _files(table).items():
        try:
            record = study_records.read_object(path)
            if record is not None:
                study_records.check_numbers(record, known)
                rows[row] = {name: record[name] for name in known if record.get(name) is not None}
        except (RecordError, OSError) as error:
            raise TableError(f"{path} is damaged: {error}. Restore it from a copy.") from None
    return pd.DataFrame.from_dict(rows, orient="index", dtype=float)


def _files(table: RunsTable) -> dict[Hashable, Path]:
    """Row -> the file of the attempt that counts."""
    if table.folder is None:
        return {}
    ended = table.frame[table.frame["attempt"].notna()]
    return {
        row: table.folder / "runs" / str(run) / str(int(attempt)) / FILE
        for row, run, attempt in zip(ended.index, ended["run"], ended["attempt"], strict=True)
    }
