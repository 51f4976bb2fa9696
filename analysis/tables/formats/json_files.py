"""JSON as a study folder holds it: an object in a file."""

from pathlib import Path
from typing import Any

from analysis.errors import TableError
from plain_files.study_records import RecordError, read_object


def json_object(path: Path) -> dict[str, Any]:
    """The object in a file.

    Raises:
        TableError: If there is something else in it, or it cannot be read.
        FileNotFoundError: If there is no such file.
    """
    try:
        found = read_object(path)
    except RecordError as error:
        raise TableError(f"{path} is damaged: {error}. Restore it from a copy.") from None
    except OSError as error:
        raise TableError(f"{path} cannot be read: {error.strerror}.") from None
    if found is None:
        raise FileNotFoundError(path)
    return found
