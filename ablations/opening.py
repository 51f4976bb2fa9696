"""Opening a study's folder: it is new, the same study, the same one extended, or another one."""

from datetime import UTC, datetime
from pathlib import Path

from ablations.declaration import Declaration, additions, conflicts
from ablations.engine.folder import StudyFolder
from ablations.errors import StudyError


def open_or_create(path: Path, declared: Declaration, *, extend: bool = False) -> StudyFolder:
    """The study's folder, if what it holds and what is asked for are one study.

    Args:
        path: The folder.
        declared: What is asked for (`declaration.declare`).
        extend: Allow more seeds, levels, factors or controls than the study was started with; they
            are recorded in `study.json` under `extensions`.

    Raises:
        StudyError: If the two differ; says in what, and what to do.
    """
    if not (path / "study.json").exists():
        return StudyFolder.create(path, declared)
    folder = StudyFolder.open(path)
    stored = folder.study()
    if different := conflicts(stored, declared):
        raise StudyError(
            f"{path} holds another study; it differs from what is asked for:\n{_listed(different)}\n"
            "Name another study with --study, or ask for the same."
        )
    new = additions(stored, declared)
    if new and not extend:
        raise StudyError(
            f"the study in {path} was started without:\n{_listed(new)}\n"
            "Add --extend to run these too; the report will say that they were added."
        )
    if new:
        at = datetime.now(UTC).isoformat(timespec="seconds")
        extensions = [*stored.get("extensions", []), {"at": at, "added": new}]
        folder.rewrite_study({**stored, **declared, "extensions": extensions})
    return folder


def _listed(lines: list[str]) -> str:
    return "\n".join(f"  {line}" for line in lines)
