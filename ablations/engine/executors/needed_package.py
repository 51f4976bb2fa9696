"""Importing a package that one executor alone needs."""

import importlib
from typing import Any

from ablations.errors import StudyError


def needed_package(name: str, *, executor: str) -> Any:
    """A package that one executor alone needs; the extra that brings it is named as the executor is.

    Raises:
        StudyError: If it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        raise StudyError(
            f"the executor {executor!r} needs the package {name}: pip install 'ablations[{executor}]'."
        ) from None
