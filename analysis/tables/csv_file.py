"""A CSV file as a DataFrame that keeps words such as None as the levels that they may be."""

import re
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.errors import TableError
from analysis.tables.checks import MISSING
from analysis.tables.runs_table import COLUMNS

NOT_A_NUMBER = frozenset(("nan", "-nan", "na", "n/a", "#n/a", "<na>"))
"""What programs write for a missing number; in lower case."""
NAMES = ("arm", "label")
"""Columns of the contract that hold names, where None is as good as another."""


READ = (
    "What is read: a CSV file (a header line, then a line per run, with commas between), a study, a folder of "
    "studies, or STORAGE_URL#study."
)


def read_file(path: Path) -> pd.DataFrame:
    """The cells of a CSV: an empty one is missing, and NaN beside numbers.

    Elsewhere None, NA and null are text, since an ablation's level may be called so; not so in the
    contract's own columns, `arm` and `label` aside.

    Raises:
        TableError: If there is no such file, or it is no CSV table.
    """
    if path.suffix in (".yaml", ".yml") and path.is_file():
        # One whose lines hold no comma would pass for a table with one column.
        raise TableError(f"{path} is not a CSV table: it is a YAML file. {READ}")
    try:
        # In chunks, pandas would type one column in several ways, and warn of it.
        frame = pd.read_csv(path, keep_default_na=False, na_values=[""], low_memory=False)
    except FileNotFoundError:
        raise TableError(f"there is no study and no file {str(path)!r}.") from None
    except OSError as error:
        raise TableError(f"{str(path)!r} cannot be read: {error.strerror}.") from None
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as error:
        raise TableError(f"{path} is not a CSV table{_why(error)}. {READ}") from None
    for name in frame.columns:
        if not pd.api.types.is_numeric_dtype(frame[name]):
            frame[name] = _typed(frame[name])
    return frame


def _why(error: Exception) -> str:
    """What is wrong with the file, in words other than pandas's own."""
    if isinstance(error, pd.errors.EmptyDataError):
        return ": it is empty"
    ragged = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(error))
    if ragged is None:
        return ""
    columns, line, cells = ragged.groups()
    return f": line {line} has {cells} cells, but the lines above have {columns}"


def _typed(column: "pd.Series[Any]") -> "pd.Series[Any]":
    words = column.astype(str).str.strip().str.lower()
    if column.name in COLUMNS and column.name not in NAMES:
        return column.mask(words.isin(MISSING))
    without = column.mask(words.isin(NOT_A_NUMBER))
    if without.isna().all():
        return without
    numbers = pd.to_numeric(without, errors="coerce")
    return numbers if numbers.notna().equals(without.notna()) else column
