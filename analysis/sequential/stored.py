"""What a study's folder says of its rule: the rule, how it was changed, the values it goes by, its looks made again."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from analysis.errors import TableError
from analysis.sequential.boundaries import is_sound, with_boundaries
from analysis.sequential.looks import Look, replay
from analysis.sequential.rule import rule_hash
from analysis.tables.runs_table import RunsTable
from plain_files.stopping_rules import NUMBERS, RULE, changes_of


def is_stopped_by_rule(table: RunsTable) -> bool:
    """Whether the table is of a study that runs until its comparisons are decided."""
    return until_of(table) == "decided"


def until_of(table: RunsTable) -> str:
    """What a study runs until; empty where it does not end by a rule."""
    rule = table.info.get(RULE)
    return str(rule.get("until", "")) if isinstance(rule, Mapping) else ""


def stored_rule(table: RunsTable) -> Mapping[str, Any]:
    """The rule of a study that runs until it is decided, with boundaries that follow from it.

    Raises:
        TableError: If it is damaged.
    """
    return _checked(table.info[RULE], table)


def rule_changes(table: RunsTable) -> Sequence[Mapping[str, Any]]:
    """How the rule was changed, the first change first (`plain_files.stopping_rules`).

    Raises:
        TableError: If an earlier rule is damaged.
    """
    changes = changes_of(table.info)
    if until_of(table) != "decided":
        return changes
    return [{**one, "was": _checked(one["was"], table)} for one in changes]


def damage_of(table: RunsTable) -> list[str]:
    """What is wrong with the stored rules, and what follows, a sentence each; none where all is as it was written."""
    rules = [table.info[RULE], *(one["was"] for one in changes_of(table.info))]
    found = []
    if any(rule.get("hash") != rule_hash(rule) for rule in rules):
        found.append(
            "The stored rule does not match its hash: it was changed after the start, and what it promised "
            "does not hold."
        )
    if any(rule.get(NUMBERS[0]) != _checked(rule, table)[NUMBERS[0]] for rule in rules):
        found.append(
            "The stored boundaries are not those that were written down: they were computed again from the rule."
        )
    return found


def values_of(table: RunsTable) -> dict[str, list[float | None]]:
    """Arm -> its metric seed by seed, as far as its runs have ended without a gap; None where a run gave none."""
    frame = table.frame[table.frame["stage"] != "confirm"]
    ended = frame[frame["state"].isin(("COMPLETE", "FAILED", "PRUNED"))]
    found = {
        (str(arm), float(seed)): float(value)
        if state == "COMPLETE" and np.isfinite(value)
        else None
        for arm, seed, state, value in zip(
            ended["arm"], ended["seed"], ended["state"], ended[table.metric], strict=True
        )
    }
    values: dict[str, list[float | None]] = {}
    for arm in dict.fromkeys(frame["arm"].astype(str)):
        values[arm] = []
        for seed in table.info.get("seeds") or []:
            if (arm, float(seed)) not in found:
                break
            values[arm].append(found[arm, float(seed)])
    return values


def seconds_of(table: RunsTable) -> dict[str, float]:
    """Arm -> mean seconds of a complete run, of the arms that have any."""
    rows = table.frame[table.frame["state"] == "COMPLETE"]
    if "seconds" not in rows:
        return {}
    means = rows.assign(arm=rows["arm"].astype(str)).groupby("arm")["seconds"].mean().dropna()
    return {str(arm): float(seconds) for arm, seconds in means.items()}


def looks_of(table: RunsTable) -> list[Look]:
    """Every look that the study's results allow, each by the rule of its time."""
    return list(replay(stored_rule(table), values_of(table), rule_changes(table)))


def _checked(rule: Mapping[str, Any], table: RunsTable) -> Mapping[str, Any]:
    """The rule with boundaries that follow from it: the stored ones, or where they were changed their like."""
    try:
        first, last = int(rule["first_look"]), int(rule["max_seeds"])
        entries = [
            (str(e["arm"]), str(e["label"]), float(e["margin"])) for e in rule["comparisons"]
        ]
        sound = (
            2 <= first <= last
            # A study lists the seeds that it may have; boundaries for more would be computed for ever.
            and (is_sound(rule, rule) or last <= len(table.info.get("seeds") or []))
            and 0 < float(rule["alpha"]) < 0.5
            and len(entries) > 0
            and all(margin > 0 for _, _, margin in entries)
            and all(isinstance(rule[name], str) for name in ("baseline", "metric", "spending"))
            and isinstance(rule["ends"], list)
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        sound = False
    if not sound:
        raise TableError(
            "the rule for when this study stops (`until` in study.json) is damaged. Restore study.json from a copy."
        )
    return with_boundaries(rule, rule)
