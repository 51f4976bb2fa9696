"""The looks that a study recorded as it went, held against what its results say now."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from analysis.sequential.boundaries import with_boundaries
from analysis.sequential.looks import Look
from analysis.sequential.rule import rule_hash
from analysis.sequential.stored import is_stopped_by_rule, looks_of, stored_rule, values_of
from analysis.tables.runs_table import RunsTable
from plain_files.look_records import SeedRows, alike
from plain_files.stopping_rules import NUMBERS, RULE, changes_of
from plain_files.study_records import RecordError, parse_object, whole_lines


def unlike_looks(table: RunsTable) -> tuple[int, list[str]]:
    """How many looks were checked, and a line for each that read or decided something else than it would now.

    Each is made again by the rule of its time, and the rules are held against their hashes and boundaries.
    The looks of a rule of one's own cannot be made again here: they are checked where the study goes on.
    """
    if table.folder is None or not is_stopped_by_rule(table):
        return 0, []
    rules = {
        f"rule_changes, entry {k}": one["was"] for k, one in enumerate(changes_of(table.info), 1)
    }
    recorded, found = _recorded(table.folder / "looks.jsonl")
    rows = SeedRows(values_of(table))
    again = {look.seeds: look for look in looks_of(table)}
    for name, rule in {RULE: table.info[RULE], **rules}.items():
        found += _unlike_rule(f"study.json, {name}", rule)
    baseline = str(stored_rule(table)["baseline"])
    for line in recorded:
        found += _differences(line, rows, again, baseline=baseline)
    missing = [seeds for seeds in again if seeds not in {line["seeds"] for line in recorded}]
    found += [f"look at {seeds} seeds: it is not in looks.jsonl" for seeds in missing]
    return len(recorded), found


def _unlike_rule(where: str, rule: Mapping[str, Any]) -> Iterator[str]:
    if rule.get("hash") != rule_hash(rule):
        yield f"{where}: the rule for when to stop does not match its hash"
    # Not by their digest: whoever writes one can write the other.
    if rule.get(NUMBERS[0]) != with_boundaries(rule)[NUMBERS[0]]:
        yield f"{where}: the boundaries do not follow from the rule"


def _recorded(path: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """The looks that can be read, and a line for each that cannot."""
    looks, damaged = [], []
    for number, line in enumerate(whole_lines(path), start=1):
        try:
            look = parse_object(line)
        except RecordError as error:
            damaged.append(f"looks.jsonl, line {number}: {error}")
            continue
        sound = isinstance(look.get("seeds"), int) and isinstance(look.get("decided"), dict)
        if sound:
            looks.append(look)
        else:
            damaged.append(f"looks.jsonl, line {number}: it is no look")
    return looks, damaged


def _differences(
    line: Mapping[str, Any],
    rows: SeedRows,
    again: Mapping[int, Look],
    *,
    baseline: str,
) -> Iterator[str]:
    seeds, where = int(line["seeds"]), f"look at {line['seeds']} seeds"
    look = again.get(seeds)
    if look is None:
        yield f"{where}: the results that it read are not all there"
        return
    if rows.fingerprint(seeds, [baseline, *look.decisions]) != line.get("read"):
        yield f"{where}: it read other values than the results have now"
    for arm, now in look.decisions.items():
        then = line["decided"].get(arm)
        if then is None or not alike(then, json.loads(json.dumps(now))):
            yield f"{where}: it decided something else of {arm} than its rule does now"
