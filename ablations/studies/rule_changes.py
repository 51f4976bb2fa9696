"""Going on with another rule than a study was started with: refused, or asked for, written down and labelled."""

from collections.abc import Mapping
from typing import Any

from ablations.engine.records.files import read_lines
from ablations.engine.records.folder import StudyFolder
from ablations.engine.records.lock import holder
from ablations.engine.sources.until import LOOKS
from ablations.errors import StudyError
from plain_files.stopping_rules import RULE, told_apart

FREE = ("alpha", "margin", "max_seeds", "target_width")
"""What may change of a rule, and the margin of a comparison."""


def rule_change(
    folder: StudyFolder, asked: Mapping[str, Any], *, allowed: bool
) -> dict[str, Any] | None:
    """What is to be written down of a change of the rule; None where it is the one that the study goes by.

    Args:
        folder: The study.
        asked: What is asked for now (`declaration.declare`).
        allowed: Whether the user asked to change it.

    Raises:
        StudyError: If the rule differs and may not be changed, or not so.
    """
    stored = folder.study()
    was, now = stored.get(RULE), asked.get(RULE)
    if was is None and now is None:
        return None
    if was is None:
        raise StudyError(
            f"the study in {folder.path} was started without a rule for when to stop; written down after its runs, a "
            "rule would promise what it cannot hold. Name another study with --study."
        )
    if now is None:
        raise StudyError(
            f"the study in {folder.path} was started with --until {was.get('until')} (at most {was.get('max_seeds')} "
            "seeds) and goes on by its rule. Give the same options, or name another study with --study."
        )
    if was.get("hash") == now.get("hash"):
        return None
    apart = told_apart(was, now)
    changes = [f"{name}: {old} -> {new}" for name, (old, new) in apart.items()]
    listed = "\n".join(f"  {line}" for line in changes)
    if not allowed:
        raise StudyError(
            f"the rule for when to stop must be the one that the study in {folder.path} goes by, but it differs:\n"
            f"{listed}\nGive the same options, name another study with --study, or add --change-rule: the change is "
            "then recorded, and what is settled after it is exploratory."
        )
    if fixed := [name for name in apart if not _is_free(name)]:
        raise StudyError(
            f"--change-rule changes margins, the error, the most seeds or the width of the rule in {folder.path}, but "
            f"`{fixed[0]}` differs:\n{listed}\nName another study with --study."
        )
    return {
        "after": _last_look(folder, int(now["max_seeds"])),
        "changes": changes,
        "was": dict(was),
    }


def _is_free(name: str) -> bool:
    return name in FREE or name.startswith("margin of ")


def _last_look(folder: StudyFolder, most: int) -> int:
    """The seeds of the last look by the rule that is changed."""
    if (who := holder(folder.lock_file)) is not None:
        raise StudyError(
            f"the study in {folder.path} is being run by process {who.get('pid')} on {who.get('host')}, which goes by "
            "its rule. Stop it first, then change the rule."
        )
    looks = list(read_lines(folder.path / LOOKS))
    if not looks:
        return 0
    last = max(looks, key=lambda look: int(look["seeds"]))
    seeds = int(last["seeds"])
    if last["decided"] and all(one.get("settled") for one in last["decided"].values()):
        raise StudyError(
            f"all comparisons of the study in {folder.path} are settled, and what was settled stays so by the rule of "
            "its time. Ask anew in another study, with --study and seeds of its own (first_seed of the space)."
        )
    if most <= seeds:
        raise StudyError(
            f"`max_seeds` must be above {seeds}, the seeds of the last look of the study in {folder.path}, but is "
            f"{most}. Allow more seeds."
        )
    return seeds
