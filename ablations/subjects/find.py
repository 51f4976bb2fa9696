"""Finding the subject that a space names: one that comes with the framework, or the user's own."""

import importlib
import importlib.util
import pkgutil
from functools import cache
from typing import Any

from ablations import subjects
from ablations.errors import SettingError, one_of
from ablations.import_path import is_import_path, load
from ablations.subjects.subject import Subject

USUAL = "attention"
"""What a space is about that names no subject, as all spaces were before there was a choice."""


def bundled() -> list[str]:
    """The names of the subjects that come with the framework."""
    folders = [found.name for found in pkgutil.iter_modules(subjects.__path__) if found.ispkg]
    return [name for name in folders if importlib.util.find_spec(_module(name)) is not None]


@cache
def find_subject(name: str) -> Subject:
    """The subject of that name.

    Args:
        name: One of `bundled()`, or `package.module:name` of a `Subject`.

    Raises:
        SettingError: If there is none.
    """
    if is_import_path(name):
        found: Any = load(name)
        if not isinstance(found, Subject):
            raise SettingError(
                f"`subject` must name an `ablations.Subject`, but {name!r} is a {type(found).__name__}."
            )
        return found
    if name not in (known := bundled()):
        raise SettingError(
            one_of("subject", name, known) + " A subject of your own is `package.module:name`."
        )
    subject: Subject = importlib.import_module(_module(name)).SUBJECT
    return subject


def _module(name: str) -> str:
    return f"{subjects.__name__}.{name}.subject"
