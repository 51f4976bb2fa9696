"""Comparisons that are written down before the first run must be of arms that will run."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from ablations.designs.expand import PlannedArm
from ablations.errors import SettingError, one_of
from ablations.objectives import DIRECTIONS


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


def refuse_undecidable(planned: Mapping[str, Any] | None, arms: Iterable[PlannedArm]) -> None:
    """Refuse comparisons that no run of the study could decide.

    Args:
        planned: What a study stores of them, under the keys `planned` and `planned_hash`.
        arms: Of the study.

    Raises:
        SettingError: If a comparison names a metric, a factor or a level that no arm will have.
    """
    if not planned:
        return
    factors = [arm.factors for arm in arms]
    for number, entry in enumerate(planned["planned"]["comparisons"], start=1):
        where = f"comparison {number}: "
        if entry["metric"] not in DIRECTIONS:
            raise SettingError(where + one_of("metric", entry["metric"], DIRECTIONS))
        name = _full_name(entry["factor"], list(factors[0]), where=where)
        levels = list(dict.fromkeys(arm[name] for arm in factors))
        for level in entry["levels"]:
            if not any(_same(level, known) for known in levels):
                raise SettingError(where + one_of(name, _written(level), map(_written, levels)))


def _full_name(name: str, known: list[str], *, where: str) -> str:
    """The dotted name of a factor that is given by it or by its last part."""
    found = [factor for factor in known if name in (factor, factor.rpartition(".")[2])]
    if len(found) != 1:
        raise SettingError(where + one_of("factor", name, known))
    return found[0]


def _written(level: Any) -> str:
    """As in the file."""
    if level is None or isinstance(level, bool):
        return json.dumps(level)
    return f"{level:g}" if isinstance(level, float) else str(level)


def _same(level: Any, known: Any) -> bool:
    """Whether they are one level: 4 and 4.0 are, 1 and true are not."""
    return isinstance(level, bool) == isinstance(known, bool) and bool(level == known)
