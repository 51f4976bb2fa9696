"""Finding the subject that a space names: one that comes with the framework, or the user's own."""

import importlib
import importlib.util
import json
import pkgutil
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from ablations import subjects
from ablations.errors import SettingError, one_of
from ablations.import_path import is_import_path, load
from ablations.subjects.program import Program
from ablations.subjects.subject import Subject

USUAL = "attention"
"""What a space is about that names no subject, as all spaces were before there was a choice."""


def bundled() -> list[str]:
    """The names of the subjects that come with the framework."""
    folders = [found.name for found in pkgutil.iter_modules(subjects.__path__) if found.ispkg]
    return [name for name in folders if importlib.util.find_spec(_module(name)) is not None]


def find_subject(
    name: Any,
    *,
    program: Program | None = None,
    said: Mapping[str, Sequence[Any]] | None = None,
) -> Subject:
    """The subject of that name.

    Args:
        name: One of `bundled()`, or `package.module:name` of a `Subject`, of a LightningModule, or of a
            function that trains.
        program: What the space says of a module or function.
        said: Setting -> the values that the space names, from which the settings of a function follow whose
            signature does not list them.

    Raises:
        SettingError: If there is none, or it lacks what it needs.
    """
    if not isinstance(name, str):
        raise SettingError(
            f"`subject` must be a name or an import path, `package.module:name`, but got {name!r}."
        )
    stated = "" if program is None else program.model_dump_json()
    return _found(name, stated, json.dumps(said or {}, default=str) if program is not None else "")


def content_of_file(config: object, *, file: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a space whose baseline is a file: LightningCLI's, as its program is a LightningModule.

    Args:
        config: The file's content.
        file: Its name.
        given: The fields of the space as its author wrote them.

    Raises:
        SettingError: If it is no such file.
    """
    reader = importlib.import_module(f"{subjects.__name__}.own_module.cli_config")
    content: dict[str, Any] = reader.content_of(config, file=file, given=given)
    return content


@cache
def _found(name: str, stated: str, said: str) -> Subject:
    program = Program(**json.loads(stated)) if stated else None
    if not is_import_path(name):
        return _bundled(name, program)
    found: Any = load(name)
    if isinstance(found, Subject):
        if program is not None:
            raise SettingError(
                f"{name!r} is an `ablations.Subject`, which says itself what it measures: leave out "
                f"{program.said()}."
            )
        return found
    if not callable(found):
        raise SettingError(
            "`subject` must name an `ablations.Subject`, a LightningModule or a function that trains, but "
            f"{name!r} is of the type {type(found).__name__}."
        )
    if program is None:
        raise SettingError(
            f"`subject` {name!r} is a program of your own, so the space must say what it measures, for example "
            "`metric: {name: val_loss, direction: minimize}`."
        )
    maker = importlib.import_module(f"{subjects.__name__}.{_kind(found, program)}.program")
    made: Subject = maker.make(name, found, program=program, said=json.loads(said))
    return made


def _kind(found: Any, program: Program) -> str:
    """The folder whose subject trains what the path names."""
    bases = {kind.__name__ for kind in getattr(found, "__mro__", ())}
    is_module = "LightningModule" in bases or program.data is not None or bool(program.trainer)
    return "own_module" if is_module else "function"


def _bundled(name: str, program: Program | None) -> Subject:
    if name not in (known := bundled()):
        raise SettingError(
            one_of("subject", name, known) + " A subject of your own is `package.module:name`."
        )
    if program is not None:
        raise SettingError(
            f"the subject {name!r} is no program of your own: leave out "
            f"{program.said()}, or name the program as "
            "`subject: package.module:name`."
        )
    subject: Subject = importlib.import_module(_module(name)).SUBJECT
    return subject


def _module(name: str) -> str:
    return f"{subjects.__name__}.{name}.subject"
