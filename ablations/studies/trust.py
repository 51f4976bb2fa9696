"""Whether what a study's folder names may be imported and run: of a study that somebody sent, after being asked.

A folder is data. What it names (functions, modules, a storage) is used without a question only where the user
started the study, which a mark in `study.json` shows: it can be made with a key in the user's home alone. A module
that is not installed must also lie where it lay then: in another folder the same name is another program.
"""

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ablations.engine.records.folder import StudyFolder, cannot_write
from ablations.errors import StudyError
from ablations.import_path import find_own_modules, import_paths, is_import_path, place_of
from ablations.installed import is_installed
from ablations.plan import PlannedRun

MARK = "started_by"
"""In `study.json`."""
PLACES = "found_at"
"""Beside it: of each module that is not installed, a mark of the place it was found at."""
OURS = ("ablations", "search_spaces")
KEY = Path(".local", "state", "ablations", "key")
"""In the user's home."""
KEY_BYTES = 32
PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700


def marked(declared: Mapping[str, Any]) -> dict[str, Any]:
    """The declaration with the user's mark; without one where no key can be had."""
    key = _key(make=True)
    if key is None:
        return dict(declared)
    find_own_modules()
    places = {
        name: _mark_of_place(name, place, key)
        for name in named(declared)
        if (place := _own_place(name)) is not None
    }
    kept = {name: value for name, value in declared.items() if name != PLACES}
    return {**kept, MARK: _mark(declared, key), **({PLACES: places} if places else {})}


def refuse_untrusted(folder: StudyFolder, *, trust: bool, given: Iterable[str] = ()) -> None:
    """Return if all that the folder names may be imported and written to.

    With `trust` the folder gets the user's mark, so that it is not asked for again.

    Args:
        folder: The study.
        trust: Whether the user says so.
        given: What the user named in this call, which is trusted with it.

    Raises:
        StudyError: If the study was not started by this user and names more, or what it names lies elsewhere than
            it did; says what it is.
    """
    find_own_modules()
    study, trusted = folder.study(), set(given)
    unknown = [name for name in named(study, folder.plan()) if name not in {*trusted, *_own(study)}]
    moved = [name for name in _moved(study) if name not in {*trusted, *unknown}]
    if not unknown and not moved:
        return
    if unknown and not trust:
        raise StudyError(
            f"{folder.path} was not started by you on this machine, and this command would import and run what it "
            f"names:\n{_listed(unknown)}\nLook into it, and add --trust if you would run it as a program of your own."
        )
    if moved and not trust:
        raise StudyError(
            f"{folder.path} was started by you, but a module that it names is not installed, and here another file "
            f"would be imported and run in its place:\n{_listed(moved)}\nGo to the folder that you started the study "
            "in, or add --trust if this is the module that you mean."
        )
    _note(folder, study)


def named(study: Mapping[str, Any], plan: Sequence[PlannedRun] = ()) -> list[str]:
    """What the records of a study name outside themselves: import paths, and a storage."""
    space = study.get("space") or {}
    parts = [space.get(name) for name in ("subject", "program", "baseline", "controls")]
    levels = [factor.get("levels") for factor in space.get("factors") or ()]
    found = dict.fromkeys(import_paths([*parts, *levels, study.get("baseline")]))
    for planned in plan:
        found |= dict.fromkeys(import_paths([planned.settings, planned.factors]))
    storage = study.get("storage")
    return [*found, *([str(storage)] if storage is not None else [])]


def _own(study: Mapping[str, Any]) -> list[str]:
    """What `study.json` names, where the user started the study."""
    key, mark = _key(make=False), study.get(MARK)
    if key is None or not isinstance(mark, str):
        return []
    return named(study) if hmac.compare_digest(mark, _mark(study, key)) else []


def _moved(study: Mapping[str, Any]) -> list[str]:
    """What is found here, but elsewhere than where the user started the study."""
    key, places = _key(make=False), study.get(PLACES)
    if key is None or not isinstance(places, Mapping):
        return []
    return [
        name
        for name, mark in places.items()
        if (place := place_of(name.partition(":")[0])) is not None
        and not hmac.compare_digest(str(mark), _mark_of_place(name, place, key))
    ]


def _own_place(name: str) -> Path | None:
    """Where a name's module lies; None where it is ours or installed, is not found, or names no module."""
    module = name.partition(":")[0]
    if not is_import_path(name) or module.partition(".")[0] in OURS:
        return None
    place = place_of(module)
    return None if place is None or is_installed(place) else place


def _mark_of_place(name: str, place: Path, key: bytes) -> str:
    # A mark and not the path: a folder that is passed on tells nothing of its user's disk.
    return hmac.new(
        key, json.dumps([name, str(place.resolve())]).encode(), hashlib.sha256
    ).hexdigest()


def _listed(names: Sequence[str]) -> str:
    return "\n".join(f"  {name}  ({_where(name)})" for name in names)


def _mark(study: Mapping[str, Any], key: bytes) -> str:
    content = {"study": study.get("study"), "named": sorted(named(study))}
    return hmac.new(key, json.dumps(content).encode(), hashlib.sha256).hexdigest()


def _note(folder: StudyFolder, study: Mapping[str, Any]) -> None:
    # What the plan alone names is trusted for this call: the mark is over study.json.
    try:
        folder.rewrite_study(marked(study))
    except OSError as error:
        raise cannot_write(folder.path, error) from error


def _where(name: str) -> str:
    if "://" in name:
        return "a database that would be written to"
    place = place_of(name.partition(":")[0])
    return f"it would be {place}" if place is not None else "it is not found here"


def _key(*, make: bool) -> bytes | None:
    """The user's key; None where there is none and it cannot be made."""
    try:
        path = Path.home() / KEY
        if make and not path.exists():
            path.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
            # Beside and linked: two studies that start at once get one key, and a whole one.
            beside = path.with_name(f".{secrets.token_hex(8)}")
            beside.touch(PRIVATE_FILE)
            beside.write_bytes(secrets.token_bytes(KEY_BYTES))
            try:
                os.link(beside, path)
            except FileExistsError:
                pass
            finally:
                beside.unlink()
        key = path.read_bytes()
    except (OSError, RuntimeError):  # there may be no home
        return None
    return key if len(key) == KEY_BYTES else None
