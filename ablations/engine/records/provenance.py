"""What a study's numbers depend on: space, data, code, versions."""

import hashlib
import json
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import ablations


def fingerprint(
    *,
    space: Mapping[str, Any],
    data: str,
    code: Iterable[Path],
    packages: Sequence[str],
) -> dict[str, Any]:
    """The `fingerprint` of `study.json`: `space`, `code`, `data` (hashes) and `versions`.

    Args:
        space: The space as JSON.
        data: Fingerprint of the data's content.
        code: Source files that give the numbers.
        packages: Whose versions to note.
    """
    return {
        "space": _digest(json.dumps(space, sort_keys=True).encode()),
        "code": code_hash(code),
        "data": data,
        "versions": installed(packages),
    }


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
