"""What a study's numbers depend on, and the refusal to mix numbers that depend on different things."""

import hashlib
import json
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import ablations
from ablations.engine.folder import StudyFolder, now
from ablations.errors import StudyError

PACKAGES = ("ablations", "torch", "lightning", "numpy")
"""Those whose version can change a number that a run gives."""
WATCHED = ("space", "baseline", "metric", "direction", "fingerprint")
# These choose, place, show and start runs; they change no number of a run that is chosen.
WITHOUT_NUMBERS = (
    "cli", "designs", "engine", "tracking", "confirmation.py", "cost.py", "declaration.py",
    "errors.py", "interventions.py", "opening.py", "plan.py", "space.py", "spaces.py", "study.py",
)  # fmt: skip
LONGEST = 60


def fingerprint(
    *,
    space: Mapping[str, Any],
    data: str,
    code: Iterable[Path] | None = None,
    packages: Sequence[str] = PACKAGES,
) -> dict[str, Any]:
    """The `fingerprint` of `study.json`: `space`, `code`, `data` (hashes) and `versions`.

    Args:
        space: The space as JSON.
        data: Fingerprint of the data's content.
        code: Source files that give the numbers; this package's by default (`training_code`). Add
            a user's own.
        packages: Whose versions to note.
    """
    return {
        "space": _digest(json.dumps(space, sort_keys=True).encode()),
        "code": code_hash(training_code() if code is None else code),
        "data": data,
        "versions": installed(packages),
    }


def training_code() -> list[Path]:
    """The files of this package that give a run's numbers."""
    root = Path(ablations.__file__).parent
    files = sorted(root.rglob("*.py"))
    return [file for file in files if file.relative_to(root).parts[0] not in WITHOUT_NUMBERS]


def code_hash(files: Iterable[Path]) -> str:
    """One hash over the files' names and contents."""
    contents = (file.name.encode() + b"\0" + file.read_bytes() for file in sorted(files))
    return _digest(b"\0".join(contents))


def code_version(folder: Path | None = None) -> dict[str, str | None]:
    """The commit of the code and a hash of what differs from it; None each where there is no git.

    Args:
        folder: In the repository; this package's by default.
    """
    root = Path(ablations.__file__).parent if folder is None else folder
    commit = _git(root, "rev-parse", "HEAD")
    difference = _git(root, "diff", "HEAD") if commit else None
    return {
        "commit": commit.decode().strip() if commit else None,
        "diff": _digest(difference) if difference else None,
    }


def installed(packages: Sequence[str]) -> dict[str, str]:
    """Versions of those packages that are installed."""
    found = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def drift(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What differs between two contents of `study.json` that would mix incomparable runs.

    One line each: `space.factors.0.levels: [4, 8] -> [4, 8, 16]`.
    """
    return [
        line
        for key in WATCHED
        for line in _differences(key, _plain(before.get(key)), _plain(after.get(key)))
    ]


def continue_study(folder: StudyFolder, study: Mapping[str, Any], *, allow: bool = False) -> None:
    """Check that a study is continued as it was started.

    Args:
        folder: An existing study.
        study: What `study.json` would be if it were started now.
        allow: Accept a drift; it is written down in `study.json` under `drifts`, and the study's
            description becomes the new one.

    Raises:
        StudyError: Something drifted and is not allowed to; with the differences.
    """
    before = folder.study()
    lines = drift(before, study)
    if lines and not allow:
        raise StudyError(
            f"study {before.get('study')!r} was started with something else:\n  "
            + "\n  ".join(lines)
            + "\nName another study, or allow the drift; it will be written down."
        )
    if not lines:
        return
    drifts = [*before.get("drifts", []), {"at": now(), "changes": lines}]
    folder.rewrite_study({**before, **study, "drifts": drifts})
    folder.event("drift_allowed", changes=lines)


def _differences(name: str, before: Any, after: Any) -> Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            yield from _differences(f"{name}.{key}", before.get(key), after.get(key))
    elif _is_records(before) and _is_records(after) and len(before) == len(after):
        for number, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _differences(f"{name}.{number}", old, new)
    elif type(before) is not type(after) or before != after:
        yield f"{name}: {_short(before)} -> {_short(after)}"


def _is_records(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(entry, dict) for entry in value)


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def _plain(value: Any) -> Any:
    """As it comes back from JSON, so that tuples equal lists."""
    return json.loads(json.dumps(value))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _git(folder: Path, *arguments: str) -> bytes | None:
    try:
        ran = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, check=False, timeout=30
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return None
    return ran.stdout if ran.returncode == 0 else None
