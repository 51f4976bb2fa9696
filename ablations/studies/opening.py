"""Opening a study's folder: it is new, the same study, the same one extended, or another one."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ablations.engine.records.folder import StudyFolder, cannot_write
from ablations.errors import StudyError
from ablations.studies.declaration import Declaration, additions, conflicts, extended
from ablations.studies.rule_changes import rule_change
from ablations.studies.trust import marked, named, refuse_untrusted
from plain_files.stopping_rules import CHANGES, RULE

FREE = ("search", "storage", RULE)
"""What may change without a word. In a search `conflicts` and `additions` find what must not; in a rule `rule_change`,
and what else is written down of it follows from it."""


def refuse_another(path: Path, stored: Declaration, declared: Declaration) -> None:
    """Return if what a folder holds and what is asked for are one question.

    Raises:
        StudyError: If they are two; says in what they differ.
    """
    if different := conflicts(stored, declared):
        raise StudyError(
            f"{path} holds another study; it differs from what is asked for:\n{_listed(different)}\n"
            "Name another study with --study, or ask for the same."
        )


def open_or_create(
    path: Path,
    declared: Declaration,
    *,
    extend: bool = False,
    allow_drift: bool = False,
    change_rule: bool = False,
    trust: bool = False,
) -> StudyFolder:
    """The study's folder, if what it holds and what is asked for are one study.

    Args:
        path: The folder.
        declared: What is asked for (`declaration.declare`).
        extend: Allow more seeds, levels, factors or controls than the study was started with; they
            are recorded in `study.json` under `extensions`.
        allow_drift: Allow other code or package versions than the study was started with; recorded
            under `drifts`.
        change_rule: Allow another rule for when to stop than the study goes by; recorded under `rule_changes`.
        trust: Run what the folder names though somebody else started it.

    Raises:
        StudyError: If the two differ, or the study is somebody else's; says in what, and what to do.
    """
    if not (path / "study.json").exists():
        return StudyFolder.create(path, marked(declared))
    folder = StudyFolder.open(path)
    refuse_untrusted(folder, trust=trust, given=named(declared))
    stored = folder.declaration()
    change = rule_change(folder, declared, allowed=change_rule)
    refuse_another(path, stored, declared)
    if declared.get("planned_hash", stored.get("planned_hash")) != stored.get("planned_hash"):
        raise StudyError(
            f"the planned comparisons of {path} must be the ones it was started with: written down "
            "after the runs they would be exploratory. Start a new study with --planned, or run "
            "without it."
        )
    new = additions(stored, declared)
    if change is not None:
        new = [
            line for line in new if not line.startswith("seeds: ")
        ]  # its own: as many as the rule asks for
    if new and RULE in stored:
        raise StudyError(
            f"the study in {path} runs by a rule that was written down without:\n{_listed(new)}\n"
            "Name another study with --study."
        )
    if new and not extend:
        raise StudyError(
            f"the study in {path} was started without:\n{_listed(new)}\n"
            "Add --extend to run these too; the report will say that they were added."
        )
    drifted = _drift(stored["fingerprint"], declared["fingerprint"])
    if drifted and not allow_drift:
        raise StudyError(
            f"the study in {path} was started with other code, versions or data:\n{_listed(drifted)}\n"
            "Name another study with --study, or mix the runs with --allow-drift; it will be recorded."
        )
    if new or drifted or change:
        at = datetime.now(UTC).isoformat(timespec="seconds")
        notes = {
            "extensions": {"added": new} if new else {},
            "drifts": {"changes": drifted} if drifted else {},
            CHANGES: change or {},
        }
        kept = {
            key: [*stored.get(key, []), {"at": at, **note}] for key, note in notes.items() if note
        }
        _rewrite(folder, marked({**extended(stored, declared), **kept}))
    elif freely := {
        name: declared[name]
        for name in FREE
        if name in declared and declared[name] != stored.get(name)
    }:
        _rewrite(folder, marked({**stored, **freely}))
    return folder


def _rewrite(folder: StudyFolder, study: Declaration) -> None:
    try:
        folder.rewrite_study(study)
    except OSError as error:
        raise cannot_write(folder.path, error) from error


def _drift(stored: dict[str, Any], asked: dict[str, Any]) -> list[str]:
    """Code, versions and first batches of the data that are not what they were."""
    was = {"code": stored.get("code"), **stored.get("versions", {}), **_batches(stored)}
    now = {"code": asked["code"], **asked["versions"]}
    if "data_by" in stored:  # a study from before it was noted has nothing to compare
        now |= _batches(asked)
    names = sorted(was.keys() | now.keys())
    return [
        f"{name}: {was.get(name)} -> {now.get(name)}"
        for name in names
        if was.get(name) != now.get(name)
    ]


def _batches(fingerprint: dict[str, Any]) -> dict[str, Any]:
    """What else the data are told by than what ids contain."""
    told = fingerprint.get("data_by") or {}
    if not told:
        return {}
    parts = told["parts"] if told["by"] == "batches" else {}
    return {"data identified by": told["by"], **{f"data, {name}": x for name, x in parts.items()}}


def _listed(lines: list[str]) -> str:
    return "\n".join(f"  {line}" for line in lines)
