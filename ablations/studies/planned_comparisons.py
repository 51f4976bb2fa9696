"""Comparisons that are written down before the first run must be of arms that will run."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ablations.designs.expand import PlannedArm
from ablations.errors import SettingError, one_of

STORED = {"planned", "planned_hash"}
"""The keys of `study.json` that hold them."""


def refuse_planned_search(planned: Mapping[str, Any] | None) -> None:
    """Refuse to plan comparisons of what a search will propose.

    Raises:
        SettingError: If some are planned.
    """
    if planned:
        raise SettingError(
            "`planned` comparisons need every level on the same seeds, but this is a search, which proposes as it "
            "goes. Write them down for another design, as grid or loco."
        )


def refuse_undecidable(planned: Mapping[str, Any] | None, arms: Sequence[PlannedArm]) -> None:
    """Refuse comparisons that no run of the study could decide.

    Each is decided by arms that differ in its factor alone, where an arm that does not use a setting counts as
    having the baseline's.

    Args:
        planned: As `analysis.planned.comparisons.Comparisons.declared`.
        arms: Of the study, the baseline first.

    Raises:
        SettingError: If a comparison names a metric, a factor or a level that no arm will have, or two levels
            that no two arms differ in alone.
    """
    if not planned:
        return
    if not (isinstance(planned, Mapping) and set(planned) == STORED):
        raise SettingError(
            "`planned` must be `analysis.planned.comparisons.load_comparisons(path).declared`, "
            f"but is a {type(planned).__name__}."
        )
    base, known = arms[0].factors, arms[0].about.searchable()
    filled = [{n: base[n] if x is None else x for n, x in arm.factors.items()} for arm in arms]
    for number, entry in enumerate(planned["planned"]["comparisons"], start=1):
        try:
            if entry["metric"] not in known:
                raise SettingError(one_of("metric", entry["metric"], known))
            _check(entry, filled)
        except SettingError as error:
            raise SettingError(f"comparison {number}: {error}") from None


def _check(entry: Mapping[str, Any], arms: Sequence[Mapping[str, Any]]) -> None:
    name = _full_name(entry["factor"], list(arms[0]))
    known = list(dict.fromkeys(arm[name] for arm in arms))
    for level in entry["levels"]:
        if not any(_same(level, other) for other in known):
            raise SettingError(_unknown(name, level, known))
    reference, *others = (_backgrounds(arms, name, level) for level in entry["levels"])
    for level, backgrounds in zip(entry["levels"][1:], others, strict=True):
        if not reference & backgrounds:
            raise SettingError(
                f"`{name}` at {_written(entry['levels'][0])} and {_written(level)} must be compared in arms that "
                "differ in nothing else, but no two arms do. Use another design, as grid or loco."
            )


def _unknown(name: str, level: Any, known: Sequence[Any]) -> str:
    if isinstance(level, str) and all(isinstance(other, str) for other in known):
        return one_of(name, level, known)
    return f"`{name}` must be one of {', '.join(map(_written, known))}, but got {_written(level)}."


def _written(level: Any) -> str:
    """As in the file, a text in quotes: the text "4" is not the number 4."""
    whole = isinstance(level, float) and level.is_integer()
    return json.dumps(int(level) if whole else level)


def _full_name(name: str, known: list[str]) -> str:
    """The dotted name of a factor that is given by it or by its last part."""
    found = [factor for factor in known if name in (factor, factor.rpartition(".")[2])]
    if len(found) != 1:
        raise SettingError(one_of("factor", name, known))
    return found[0]


def _backgrounds(
    arms: Sequence[Mapping[str, Any]], name: str, level: Any
) -> set[tuple[tuple[str, Any], ...]]:
    """What the arms with that level have of all other factors."""
    return {
        tuple((other, value) for other, value in arm.items() if other != name)
        for arm in arms
        if _same(level, arm[name])
    }


def _same(level: Any, known: Any) -> bool:
    """Whether they are one level: 4 and 4.0 are, 1 and true are not."""
    return isinstance(level, bool) == isinstance(known, bool) and bool(level == known)
