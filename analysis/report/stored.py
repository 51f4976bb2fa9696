"""The numbers of a report as plain values: what is stored, and what a check compares."""

from typing import Any, Protocol

from analysis.plain import records
from analysis.report.evidence import shown
from analysis.report.evidence.evidence import Evidence
from analysis.report.sections import words
from analysis.tradeoff.tradeoff_json import as_json


def numbers_of(evidence: Evidence) -> dict[str, Any]:
    """Every number of the report, unrounded; infinity and undefined numbers are null."""
    ratio = evidence.ratio
    front = evidence.front
    return {
        "study": evidence.table.study,
        "metric": evidence.table.metric,
        "runs": {
            "planned": len(evidence.table.frame),
            "entered": len(evidence.runs),
            "unfinished": evidence.unfinished,
            "left_out": evidence.table.excluded,
        },
        "verdicts": words.verdict_lines(evidence),
        "ratio": None if ratio is None else {
            "fit": as_json(ratio.fit),
            "means": records(ratio.means),
            "residuals": records(ratio.runs),
            "without_each": records(ratio.dropped),
        },
        "components": _json(evidence.components),
        "width": _json(evidence.width),
        "importance": _json(evidence.importance),
        "winner": _json(evidence.winner),
        "test": evidence.tested,
        "channels": None if evidence.channels is None else {
            "worth": records(evidence.channels.worth),
            "drops": records(evidence.channels.drops),
        },
        "arms": records(evidence.arms),
        "front": None if front is None else {
            "arms": records(front.arms),
            "switches": records(front.switches),
        },
        "cells": [records(cells) for cells in shown.cells(evidence)],
    }  # fmt: skip


class _Result(Protocol):
    def to_json(self) -> dict[str, Any]: ...


def _json(result: _Result | None) -> dict[str, Any] | None:
    return None if result is None else result.to_json()
