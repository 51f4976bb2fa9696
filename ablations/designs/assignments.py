"""The finite designs: each turns a space into a list of assignments, dotted factor -> level.

Every list begins with the baseline. Control arms are added afterwards (`expand`), since they belong to
every design.
"""

import itertools
from collections.abc import Callable
from typing import Any

from ablations.designs.fractional import fractional
from ablations.designs.space import Factor, Space
from ablations.errors import SettingError
from plain_files.numbers import as_given

Assignment = dict[str, Any]


def grid(space: Space) -> list[Assignment]:
    """Full factorial: every combination of levels."""
    names = [factor.name for factor in space.factors]
    cells = itertools.product(*(levels(factor) for factor in space.factors))
    return _baseline_first(space, [dict(zip(names, cell, strict=True)) for cell in cells])


def loco(space: Space) -> list[Assignment]:
    """Leave one component out: the baseline, and each factor at each other level, one at a time."""
    base = baseline(space)
    changed = [
        {**base, factor.name: level}
        for factor in space.factors
        for level in levels(factor)
        if level != base[factor.name]
    ]
    return [base, *changed]


def one_in(space: Space) -> list[Assignment]:
    """Each component alone: the baseline, the bare network, and the bare network plus one factor."""
    base = baseline(space)
    bare = {factor.name: off_level(factor) for factor in space.factors}
    return [base, bare, *({**bare, name: base[name]} for name in base if base[name] != bare[name])]


def zipped(space: Space) -> list[Assignment]:
    """Factors that move together: the first levels of all, the second levels of all, and so on."""
    counts = {factor.name: len(levels(factor)) for factor in space.factors}
    if len(set(counts.values())) > 1:
        raise SettingError(
            f"in a zip design all factors must have equally many levels, but got {counts}."
        )
    rows = zip(*(factor.levels for factor in space.factors), strict=True)
    return _baseline_first(space, [dict(zip(counts, row, strict=True)) for row in rows])


def two_level(space: Space) -> list[Assignment]:
    """Two-level fractional factorial of resolution IV or better, and the baseline."""
    pairs = [_pair(space, factor) for factor in space.factors]
    return _baseline_first(
        space,
        [
            {
                factor.name: pair[high]
                for factor, pair, high in zip(space.factors, pairs, row, strict=True)
            }
            for row in fractional(len(pairs))
        ],
    )


DESIGNS: dict[str, Callable[[Space], list[Assignment]]] = {
    "grid": grid,
    "loco": loco,
    "one_in": one_in,
    "fractional": two_level,
    "zip": zipped,
}


def baseline(space: Space) -> Assignment:
    """The baseline's level of every factor."""
    return {factor.name: space.baseline[factor.name] for factor in space.factors}


def levels(factor: Factor) -> tuple[Any, ...]:
    """The factor's levels.

    Raises:
        SettingError: If it has a range instead.
    """
    if not factor.levels:
        raise SettingError(
            f"factor `{factor.name}` must name `levels` for this design, but has the range "
            f"{as_given(factor.low)} to {as_given(factor.high)}; name levels, or use the design `search`."
        )
    return factor.levels


def off_level(factor: Factor) -> Any:
    """The level that means "without this component": `off` if given, else False, else None, else 'none'.

    Raises:
        SettingError: If none of these is a level.
    """
    known = levels(factor)
    if factor.off is not None and factor.off in known:
        return factor.off
    if factor.off is None and any(level is False for level in known):
        return False
    if factor.off is None and None in known:
        return None
    if factor.off is None and "none" in known:
        return "none"
    raise SettingError(
        f"factor `{factor.name}` must say which of its levels {known} means 'without it' for the "
        f"design `one-in`, but `off` is {factor.off!r}. Write it beside them, for example "
        f"`off: {known[-1]}`."
    )


def _pair(space: Space, factor: Factor) -> tuple[Any, Any]:
    """The baseline's level and the other one."""
    base = space.baseline[factor.name]
    others = [level for level in levels(factor) if level != base]
    if len(others) != 1:
        raise SettingError(
            f"factor `{factor.name}` must have exactly two levels for the design `fractional`, "
            f"but has {factor.levels}."
        )
    return base, others[0]


def _baseline_first(space: Space, rows: list[Assignment]) -> list[Assignment]:
    base = baseline(space)
    return [base, *(row for row in rows if row != base)]
