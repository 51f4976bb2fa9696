"""What the saved views of a study show: its factors, its colours and its words, from the records."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablations.engine.records.folder import StudyFolder
from ablations.tracking.wandb.records import attempts
from ablations.tracking.wandb.report_files import read_report
from ablations.tracking.wandb.view import run_id, study_id
from plain_files.study_records import read_plan

# Okabe and Ito's palette: told apart by the colour-blind, and in grey by their order.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
GREY = "#999999"
MOST_COLOURED = 1000
"""Runs whose colour is set; more make a view that the page is slow to load."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A study as its views need it."""

    study: str
    study_id: str
    question: str
    metric: str
    minimise: bool
    factors: list[str]
    """Factors with more than one level, in the space's order."""
    x: str | None
    """The factor that the metric is drawn against: the ratio, else the first one with numbers."""
    x_is_log: bool
    hue: str | None
    """The factor that gives a run its colour: the gate, else the first one with words."""
    colours: dict[str, str]
    """W&B run id -> colour."""
    key: dict[str, str]
    """Level of `hue` -> colour."""
    baseline_run: str | None
    verdict: str
    figures: list[str]


def read_layout(folder: Path) -> Layout:
    """The layout of a study's views.

    Raises:
        StudyError: If the folder holds no study.
    """
    study = StudyFolder.open(folder).study()
    space = study.get("space") or {}
    plan = read_plan(folder / "plan.jsonl").lines
    levels = _levels(space, plan)
    x, hue = _choose(levels)
    key = {}
    if hue is not None:
        names = sorted({str(level) for level in levels[hue]})
        key = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(names)}
    report = read_report(folder)
    return Layout(
        study=str(study["study"]),
        study_id=study_id(study),
        question=str(space.get("question") or ""),
        metric=str(study.get("metric", "val_loss")),
        minimise=study.get("direction", "minimize") == "minimize",
        factors=list(levels),
        x=x,
        x_is_log=x is not None and _is_geometric(levels[x]),
        hue=hue,
        colours=_colours(folder, study, plan, hue, key),
        key=key,
        baseline_run=_baseline(study, plan),
        verdict=report.verdict,
        figures=list(report.figures),
    )


def _levels(space: Mapping[str, Any], plan: list[dict[str, Any]]) -> dict[str, set[Any]]:
    """Factor -> the levels that its runs have, for factors with more than one."""
    named = [str(factor["name"]) for factor in space.get("factors", ())]
    named += [name for line in plan for name in line.get("factors") or {} if name not in named]
    found = {
        name: {(line.get("factors") or {}).get(name) for line in plan} - {None}
        for name in dict.fromkeys(named)
    }
    return {name: levels for name, levels in found.items() if len(levels) > 1}


def _choose(levels: Mapping[str, set[Any]]) -> tuple[str | None, str | None]:
    numeric = [name for name, found in levels.items() if all(map(_is_number, found))]
    words = [name for name in levels if name not in numeric]
    return next(iter(numeric), None), next(iter(words), None)


def _is_number(level: object) -> bool:
    return isinstance(level, int | float) and not isinstance(level, bool)


def _is_geometric(levels: set[Any]) -> bool:
    """Whether a logarithmic axis spreads them better: all above zero, and a factor 8 apart."""
    return bool(min(levels) > 0 and max(levels) / min(levels) >= 8)


def _colours(
    folder: Path,
    study: Mapping[str, Any],
    plan: list[dict[str, Any]],
    hue: str | None,
    key: Mapping[str, str],
) -> dict[str, str]:
    if hue is None or len(plan) > MOST_COLOURED:
        return {}
    return {
        run_id(study, line["run"], attempt): key.get(
            str((line.get("factors") or {}).get(hue)), GREY
        )
        for line in plan
        for attempt in attempts(folder, line["run"]) or [1]
    }


def _baseline(study: Mapping[str, Any], plan: list[dict[str, Any]]) -> str | None:
    found = [line for line in plan if line["arm"] == study.get("baseline_arm")]
    first = min(found, key=lambda line: line["seed"], default=None)
    return None if first is None else run_id(study, first["run"], 1)
