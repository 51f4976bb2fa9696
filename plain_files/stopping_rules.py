"""The rules of a study that ends by itself: which one a look goes by, and how it is said that one was changed.

`study.json` has the rule of now under `until`. Where it was changed, `rule_changes` has an entry for each change: `at`,
when; `after`, the seeds of the last look by the rule before it (0 where there was none); `changes`, what they differ
in; and `was`, that rule.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from plain_files.words import one_line

RULE, CHANGES = "until", "rule_changes"
"""Keys of `study.json`."""
NUMBERS = ("boundaries", "boundaries_digest")
"""What follows from a rule by computation, and so tells no two apart."""


def changes_of(study: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """How the rule was changed, the first change first; nothing where it was not."""
    return study.get(CHANGES) or ()


def rule_of_look(
    rule: Mapping[str, Any], changes: Sequence[Mapping[str, Any]], *, seeds: int
) -> Mapping[str, Any]:
    """The rule that held at the look at so many seeds; `rule` is that of now."""
    return next((one["was"] for one in changes if seeds <= one["after"]), rule)


def is_exploratory(changes: Sequence[Mapping[str, Any]], *, seeds: int) -> bool:
    """Whether a look at so many seeds came after the first change of the rule."""
    return bool(changes) and seeds > changes[0]["after"]


def why_exploratory(changes: Sequence[Mapping[str, Any]]) -> str:
    """In a few words."""
    return f"the rule was changed {_when(changes[0]['after'])}"


def change_sentences(changes: Sequence[Mapping[str, Any]]) -> list[str]:
    """When the rule was changed and in what, a sentence each."""
    return [
        f"The rule was changed{_on(one)} {_when(one['after'])} ({one_line('; '.join(one['changes']))}): what is "
        "settled later is exploratory, since the rule may have been changed for what was seen."
        for one in changes
    ]


def told_apart(was: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Name -> the two values, of all that two rules differ in; of a comparison its margin."""
    alike = all(len(set(_margins(rule).values())) == 1 for rule in (was, now))
    old, new = _shown(was, alike=alike), _shown(now, alike=alike)
    return {
        name: (old.get(name, "absent"), new.get(name, "absent"))
        for name in dict.fromkeys([*old, *new])
        if old.get(name, "absent") != new.get(name, "absent")
    }


def _shown(rule: Mapping[str, Any], *, alike: bool) -> dict[str, Any]:
    """What tells two rules apart, with one margin where all are `alike`."""
    margins = _margins(rule)
    # What is spent when follows from the most seeds.
    hidden = (*NUMBERS, "hash", "comparisons", "spending")
    shown = {name: value for name, value in rule.items() if name not in hidden}
    if not margins:
        return shown
    shown["comparisons"] = ", ".join(margins)
    each = {f"margin of {label}": margin for label, margin in margins.items()}
    return shown | ({"margin": next(iter(margins.values()))} if alike else each)


def _margins(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {str(one.get("label")): one.get("margin") for one in rule.get("comparisons", ())}


def _on(change: Mapping[str, Any]) -> str:
    day = str(change.get("at", ""))[:10]
    return f" on {one_line(day)}," if day else ""


def _when(after: int) -> str:
    return f"after the look at {_seeds(after)}" if after else "before any look"


def _seeds(count: int) -> str:
    return f"{count} seed{'s' * (count != 1)}"
