"""A CSV file as a DataFrame that keeps words such as None as the levels that they may be, and repairs nothing."""

import csv
import re
from collections import Counter
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
NUMBER = re.compile(r"\s*[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|inf|infinity)\s*", re.I | re.ASCII)
WHOLE = re.compile(r"\s*[+-]?\d{1,15}\s*", re.ASCII)
TRUTH = {"true": True, "false": False}
LONGEST_CELL = 2**24
"""Characters."""
MOST_COLUMNS = 10_000
MOST_CELLS = 10_000_000
"""Told while it is read: what is larger is no table of an ablation study."""

READ = (
    "What is read: a CSV file (a header line, then a line per run, with commas between), a study, a folder of "
    "studies, or STORAGE_URL#study."
)


def read_file(path: Path) -> pd.DataFrame:
    """The cells of a CSV: an empty one is missing, and NaN beside numbers. Row numbers are lines of the file.

    A column is of numbers where every word in it is one. Elsewhere None, NA and null are text, since an
    ablation's level may be called so; not so in the contract's own columns, `arm` and `label` aside.

    Raises:
        TableError: If there is no such file, it is no CSV table, a line has more or fewer cells than the
            header, or two columns have one name.
    """
    if path.suffix in (".yaml", ".yml") and path.is_file():
        # One whose lines hold no comma would pass for a table with one column.
        raise TableError(f"{path} is not a CSV table: it is a YAML file. {READ}")
    header, lines, cells = _cells(path)
    columns = {name: [row[i] for row in cells] for i, name in enumerate(header)}
    index = pd.Index(lines, dtype="int64")
    return pd.DataFrame({n: _typed(n, texts, index) for n, texts in columns.items()}, index=index)


def _cells(path: Path) -> tuple[list[str], list[int], list[list[str]]]:
    """The header, and the cells of each row with the line that it begins on."""
    csv.field_size_limit(LONGEST_CELL)
    lines: list[int] = []
    cells: list[list[str]] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = next((row for row in reader if row), None)
            end, count = reader.line_num, len(header or ())
            if count > MOST_COLUMNS:
                raise TableError(
                    f"a table has {MOST_COLUMNS:,} columns at most, but {path} has {count:,}. {READ}"
                )
            for row in reader:
                count += len(row)
                if count > MOST_CELLS:
                    raise TableError(
                        f"a table has {MOST_CELLS:,} cells at most, but {path} has more by line {reader.line_num:,}. "
                        "Read a part of it."
                    )
                if row:
                    lines.append(end + 1)
                    cells.append(row)
                end = reader.line_num
    except FileNotFoundError:
        raise TableError(f"there is no study and no file {str(path)!r}.") from None
    except OSError as error:
        raise TableError(f"{str(path)!r} cannot be read: {error.strerror}.") from None
    except (csv.Error, UnicodeDecodeError) as error:
        why = f" (line {reader.line_num}: {error})" if isinstance(error, csv.Error) else ""
        raise TableError(f"{path} is not a CSV table{why}. {READ}") from None
    if header is None:
        raise TableError(f"{path} is not a CSV table: it is empty. {READ}")
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        raise TableError(
            f"the table has the column `{twice[0]}` twice; keep one, or rename the other."
        )
    for line, row in zip(lines, cells, strict=True):
        if len(row) != len(header):
            raise TableError(
                f"{path} is not a CSV table: line {line} has {len(row)} cells, but the header has "
                f"{len(header)}. {READ}"
            )
    return header, lines, cells


def _typed(name: str, texts: list[str], index: "pd.Index[int]") -> "pd.Series[Any]":
    """A column as numbers, truth values or words; empty cells as missing."""
    given = [text for text in texts if text.strip()]
    words = {text.strip().lower() for text in given}
    missing = NOT_A_NUMBER
    if name in COLUMNS and name not in NAMES:
        missing = MISSING
    numbers = [text for text in given if text.strip().lower() not in missing]
    if given and words <= set(TRUTH):
        values = [TRUTH[t.strip().lower()] if t.strip() else None for t in texts]
        return pd.Series(values, index=index, dtype=bool if len(given) == len(texts) else object)
    if numbers and all(map(NUMBER.fullmatch, numbers)):
        if len(numbers) == len(texts) and all(map(WHOLE.fullmatch, numbers)):
            return pd.Series([int(text) for text in texts], index=index, dtype="int64")
        known = [t.strip() and t.strip().lower() not in missing for t in texts]
        found = [float(t) if k else float("nan") for t, k in zip(texts, known, strict=True)]
        return pd.Series(found, index=index, dtype=float)
    if not numbers and name not in NAMES:
        return pd.Series([float("nan")] * len(texts), index=index, dtype=float)
    drop = missing if missing is MISSING else frozenset()
    kept = [t if t.strip() and t.strip().lower() not in drop else None for t in texts]
    return pd.Series(kept, index=index, dtype=object)
