"""Comparisons that are written down before the runs: the file, its rules and its hash.

    metric: val_loss
    alpha: 0.05
    seeds: 5
    comparisons:
      - {factor: attention.gate, levels: [sigmoid, one_plus_tanh], direction: two-sided, margin: 0.005}
    adding_seeds: {plan: alpha_spending, looks: [5, 10], spending: obrien_fleming}

The first of two levels is the reference. Seeds beyond `seeds` count only as `adding_seeds` says: under
`alpha_spending` at the declared looks, under `confirm` the runs of stage `confirm` alone decide, under
`none` (the default) they do not count.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.errors import TableError
from analysis.planned.spending import nominal_levels

TOP = {"metric", "alpha", "seeds", "comparisons", "adding_seeds", "margin", "direction"}
EACH = {"factor", "levels", "metric", "direction", "margin", "alpha", "seeds"}
DIRECTIONS = ("two-sided", "lower", "higher")
PLANS = ("none", "alpha_spending", "confirm")


@dataclass(frozen=True)
class Comparisons:
    """A parsed comparisons file."""

    content: dict[str, Any]
    """Plain values with all defaults filled in: what a study stores under `planned`."""
    hash: str
    """Of the content, 64 hexadecimal digits: what a study stores under `planned_hash`."""

    @property
    def declared(self) -> dict[str, Any]:
        """What a study stores of it: `ablations.studies.study.run(space, planned=load_comparisons(path).declared)`."""
        return {"planned": self.content, "planned_hash": self.hash}


def load_comparisons(path: str | Path) -> Comparisons:
    """The comparisons of a YAML file, checked, with defaults filled in.

    Raises:
        TableError: If the file cannot be read or a key or value breaks its rule; names the entry.
    """
    # Here, since a report reads what was planned from the study and needs no YAML.
    from plain_files.yaml_file import FileError, read_yaml

    try:
        loaded = read_yaml(Path(path))
    except FileError as error:
        raise TableError(str(error)) from None
    if not isinstance(loaded, dict):
        raise TableError(f"{path} must hold `comparisons`, but holds a {type(loaded).__name__}.")
    content = parse_comparisons(loaded)
    return Comparisons(content, content_hash(content))


def parse_comparisons(loaded: Mapping[str, Any]) -> dict[str, Any]:
    """The comparisons with defaults filled in.

    Raises:
        TableError: If a key or a value breaks its rule; names the entry.
    """
    _known(loaded, TOP, where="the file")
    entries = loaded.get("comparisons")
    if not isinstance(entries, list) or not entries:
        raise TableError("`comparisons` must be a list with at least one entry.")
    metric = str(loaded.get("metric", "val_loss"))
    general = {
        "metric": metric,
        "alpha": loaded.get("alpha", 0.05),
        "seeds": loaded.get("seeds"),
        "direction": loaded.get("direction", "two-sided"),
        "margin": loaded.get("margin"),
    }
    parsed = [_entry(entry, general, number=i) for i, entry in enumerate(entries, start=1)]
    if any(entry["metric"] != metric for entry in parsed):
        raise TableError("`metric` must be one and the same in a file; write one file per metric.")
    if len({(e["alpha"], e["seeds"]) for e in parsed}) > 1:
        raise TableError(
            "`alpha` and `seeds` must be the same in every entry: they are decided together."
        )
    return {
        "metric": metric,
        "alpha": parsed[0]["alpha"],
        "seeds": parsed[0]["seeds"],
        "comparisons": parsed,
        "adding_seeds": _adding(loaded.get("adding_seeds"), seeds=parsed[0]["seeds"]),
    }


def content_hash(content: Mapping[str, Any]) -> str:
    """SHA-256 of the content's canonical JSON."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def covers(entry: Mapping[str, Any], factor: str, level: Any, against: Any) -> bool:
    """Whether a planned entry compares these two levels of a factor, in either direction."""
    if entry["factor"] not in (factor, factor.rpartition(".")[2]):
        return False
    reference, *others = map(level_key, entry["levels"])
    both = {level_key(level), level_key(against)}
    return any(both == {reference, other} for other in others)


def level_key(level: Any) -> Any:
    """What two spellings of a level share: 4 and 4.0 are one."""
    return float(level) if isinstance(level, int | float) and not isinstance(level, bool) else level


def _entry(entry: Any, general: Mapping[str, Any], *, number: int) -> dict[str, Any]:
    where = f"comparison {number}"
    if not isinstance(entry, Mapping):
        raise TableError(f"{where} must be a mapping with `factor` and `levels`, but is {entry!r}.")
    _known(entry, EACH, where=where)
    if "factor" not in entry:
        raise TableError(f"{where} lacks `factor`.")
    levels = entry.get("levels")
    if not isinstance(levels, list) or len(levels) < 2:
        raise TableError(
            f"{where}: `levels` must list the reference and at least one more, but is {levels!r}."
        )
    _check_levels(levels, where=where)
    full = {**general, **entry}
    margin, alpha, seeds = full["margin"], full["alpha"], full["seeds"]
    if margin is not None and not (_is_number(margin) and margin > 0):
        raise TableError(f"{where}: `margin > 0` must hold, but got {margin!r}.")
    if not (_is_number(alpha) and 0 < alpha < 0.5):
        raise TableError(f"{where}: `0 < alpha < 0.5` must hold, but got {alpha!r}.")
    if seeds is not None and not (isinstance(seeds, int) and seeds >= 1):
        raise TableError(f"{where}: `seeds >= 1` must hold, but got {seeds!r}.")
    if full["direction"] not in DIRECTIONS:
        raise TableError(
            f"{where}: `direction` must be one of {DIRECTIONS}, but got {full['direction']!r}."
        )
    return {
        "factor": str(entry["factor"]),
        "levels": list(levels),
        "metric": str(full["metric"]),
        "direction": full["direction"],
        "margin": float(margin) if margin is not None else None,
        "alpha": float(alpha),
        "seeds": seeds,
    }


def _check_levels(levels: list[Any], *, where: str) -> None:
    for level in levels:
        if not isinstance(level, str | int | float | None):
            raise TableError(
                f"{where}: each of `levels` must be a number, a word, true, false or null, but got {level!r}."
            )
    if len({(type(level) is bool, level_key(level)) for level in levels}) < len(levels):
        raise TableError(f"{where}: `levels` must name each level once, but is {levels!r}.")


def _adding(given: Any, *, seeds: int | None) -> dict[str, Any]:
    plan = dict(given) if isinstance(given, Mapping) else {"plan": given or "none"}
    _known(plan, {"plan", "looks", "spending"}, where="adding_seeds")
    if plan.get("plan") not in PLANS:
        raise TableError(
            f"`adding_seeds.plan` must be one of {PLANS}, but got {plan.get('plan')!r}."
        )
    if plan["plan"] != "alpha_spending":
        return {"plan": plan["plan"]}
    spending: Any = plan.get("spending", "obrien_fleming")
    if spending not in ("obrien_fleming", "pocock"):
        raise TableError(
            f"`adding_seeds.spending` must be one of ('obrien_fleming', 'pocock'), but got {spending!r}."
        )
    looks = plan.get("looks")
    if not isinstance(looks, list) or not all(isinstance(n, int) for n in looks):
        raise TableError(f"`adding_seeds.looks` must list numbers of seeds, but is {looks!r}.")
    nominal_levels(looks, alpha=0.05, spending=spending)
    if seeds is not None and looks[0] != seeds:
        raise TableError(f"the first look must be at `seeds` = {seeds}, but is at {looks[0]}.")
    return {"plan": "alpha_spending", "looks": looks, "spending": spending}


def _known(given: Mapping[str, Any], allowed: set[str], *, where: str) -> None:
    unknown = sorted(set(map(str, given)) - allowed)
    if unknown:
        raise TableError(
            f"{where} has the unknown key {unknown[0]!r}; it may have {', '.join(sorted(allowed))}."
        )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
