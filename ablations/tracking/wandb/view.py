"""What W&B is told about a study: an allow-list, as plain values.

Everything that leaves for W&B passes through here. Nothing else does: no environment, no command line,
no path, no text of an error (it can quote a password out of a URL; the whole error is in the records).

Dotted settings are sent as one level of groups, `{"attention": {"reduction": 4}}`. W&B shows and exports
them as `attention.reduction`, and its panels address them as `config.attention.value.reduction`; a flat
key with a dot in it can not be addressed by a panel.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ablations.engine.records.folder import USUAL_METRICS
from ablations.plan import PlannedRun
from ablations.subjects.values import flat
from plain_files.numbers import as_given
from plain_files.stopping_rules import changes_of, why_exploratory

MAX_TAG = 64
"""Characters; W&B refuses longer tags."""
MAX_ID = 120
"""Characters; W&B refuses ids over 128."""
MAX_TEXT = 200
"""Characters of any text value."""

OUTCOME = ("epochs_run", "epochs_planned", "seconds", "device")
# Where files lie says nothing about the run, and names a user or a server.
PRIVATE = frozenset({"root", "path", "folder", "dir"})
"""Last parts of settings that are not told."""
PLACES = ("/", "~")
"""How a text begins that says where something lies; nor is one that holds an address told."""


@dataclass(frozen=True, kw_only=True)
class RunView:
    """The beginning of one W&B run."""

    id: str
    name: str
    group: str
    job_type: str
    tags: tuple[str, ...]
    config: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class RunEnd:
    """The end of one W&B run."""

    summary: dict[str, Any]
    tags: tuple[str, ...]
    exit_code: int
    """0 is shown as finished, anything else as failed."""


def study_id(study: Mapping[str, Any]) -> str:
    """The W&B id of the study's own run: its name, and which study of that name it is.

    W&B never lets a deleted id be used again, and two people may both call a study `first`; so the moment
    of creation is part of the id.
    """
    name = str(study["study"])
    readable = re.sub(r"[^A-Za-z0-9_.-]", "-", name)[: MAX_ID - 40]
    mark = hashlib.sha256(f"{name}\n{study.get('created', '')}".encode()).hexdigest()[:6]
    return f"{readable}-{mark}"


def run_id(study: Mapping[str, Any], run: str, attempt: int) -> str:
    """The W&B id of one attempt at one run: the same on every machine, and for ever."""
    return f"{study_id(study)}-{run}-{attempt}"


def view_study(study: Mapping[str, Any]) -> RunView:
    """The study's own W&B run."""
    space = study.get("space") or {}
    plain = ("design", "seeds", "metric", "direction", "baseline_arm", "created")
    config: dict[str, Any] = {"study": str(study["study"]), "study_id": study_id(study)}
    config |= _plain_values(study, plain)
    config |= {
        "space": _plain(space.get("name")),
        "question": _plain(space.get("question")),
        "factors": sorted(str(factor["name"]) for factor in space.get("factors", ())),
        "fingerprint": _plain_values(study.get("fingerprint") or {}, ("space", "code", "data")),
        "baseline": _grouped(_public(study.get("baseline") or {})),
    }
    changed = changes_of(study)
    if changed:
        config["exploratory"] = _plain(why_exploratory(changed))
    return RunView(
        id=study_id(study),
        name=str(study["study"]),
        group=str(study["study"]),
        job_type="study",
        tags=(_tag(f"design={study.get('design')}"), *(("exploratory",) if changed else ())),
        config=config,
    )


def view_run(study: Mapping[str, Any], planned: PlannedRun, attempt: int) -> RunView:
    """One attempt at one run: every factor, the cost, the realised ratio and the seed."""
    name = f"{planned.label} seed {planned.seed}"
    config = {
        "study": str(study["study"]),
        "study_id": study_id(study),
        "run": planned.run,
        "attempt": attempt,
        "arm": planned.arm,
        "label": planned.label,
        "seed": planned.seed,
        "stage": planned.stage,
        "metric": str(study.get("metric", "val_loss")),
        "baseline_arm": _plain(study.get("baseline_arm")),
        "factors": sorted(planned.factors),
        "epochs_planned": planned.epochs_planned,
        "realised_ratio": realised_ratio(planned.cost),
    }
    config |= planned.cost
    config |= _grouped(_public(_settings(study, planned.settings) | planned.factors))
    return RunView(
        id=run_id(study, planned.run, attempt),
        name=name if attempt == 1 else f"{name} attempt {attempt}",
        group=str(study["study"]),
        job_type=planned.stage,
        tags=tuple(_level_tags(planned)),
        config=config,
    )


def realised_ratio(cost: Mapping[str, Any]) -> list[float]:
    """C/h of every attention block, from the input to the output; empty where there is none."""
    channels, hidden = cost.get("channels") or (), cost.get("hidden") or ()
    return [c / h for c, h in zip(channels, hidden, strict=False) if h]


def view_epoch(record: Mapping[str, Any]) -> dict[str, float]:
    """One row of a learning curve: the numbers of an epoch's record."""
    return {
        key: value
        for key, value in record.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def view_result(result: Mapping[str, Any], *, metrics: Iterable[str] = USUAL_METRICS) -> RunEnd:
    """How an attempt ended, with the study's metrics.

    The final values are set for a COMPLETE run only, so that no panel takes the last loss of a pruned or
    broken run for a result. `HANDED_BACK`, a run that was stopped to be gone on with, looks failed.
    """
    state = str(result["state"])
    summary: dict[str, Any] = {"state": state} | _plain_values(result, OUTCOME)
    if state == "COMPLETE":
        summary |= _plain_values(result, metrics)
    error = result.get("error")
    if isinstance(error, Mapping):
        summary["error"] = _plain(error.get("type"))
        summary["exit_code"] = _plain(error.get("exit_code"))
    return RunEnd(
        summary=summary,
        tags=(state.lower(),),
        exit_code=0 if state in ("COMPLETE", "PRUNED") else 1,
    )


def view_lost() -> RunEnd:
    """The end of an attempt that no result came from: its worker was lost, or its supervisor died."""
    return RunEnd(summary={"state": "LOST"}, tags=("lost",), exit_code=1)


def view_end_of_study(summary: object) -> RunEnd:
    """The end of the study's own run: how many runs came to what.

    Args:
        summary: A dataclass or a mapping of numbers, with an `exit_code` where it has one.
    """
    values = summary if isinstance(summary, Mapping) else getattr(summary, "__dict__", {})
    return RunEnd(
        summary=dict(view_epoch(values)), tags=(), exit_code=int(getattr(summary, "exit_code", 0))
    )


def view_progress(results: Mapping[str, int], best: float | None) -> dict[str, float]:
    """One row of the study's own history: how many runs have ended in which state, and the best value."""
    row: dict[str, float] = {f"runs/{state.lower()}": count for state, count in results.items()}
    row["runs/ended"] = sum(results.values())
    return row if best is None else row | {"best_value": best}


def view_finding(text: str) -> dict[str, str]:
    """One row of the study's own history: a comparison that was settled, in words."""
    return {"found": text[:MAX_TEXT]}


def _settings(study: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """The run's settings as dotted names, those that the study's space knows."""
    known = flat((study.get("space") or {}).get("baseline") or {})
    arm = flat(settings.get("arm") or {})
    return {name: value for name, value in arm.items() if name in known}


def _public(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _plain(value)
        for name, value in values.items()
        if name.rpartition(".")[2] not in PRIVATE and not _is_place(value)
    }


def _is_place(value: object) -> bool:
    return isinstance(value, str) and (value.startswith(PLACES) or "://" in value)


def _grouped(values: Mapping[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name, value in sorted(values.items()):
        group, _, field = name.partition(".")
        if field:
            tree.setdefault(group, {})[field] = value
        else:
            tree[group] = value
    return tree


def _level_tags(planned: PlannedRun) -> list[str]:
    used = {name: level for name, level in sorted(planned.factors.items()) if level is not None}
    levels = [f"{name.rpartition('.')[2]}={as_given(level)}" for name, level in used.items()]
    tags = [_tag(text) for text in (*levels, f"seed={planned.seed}", planned.label)]
    return list(dict.fromkeys(tags))


def _tag(text: str) -> str:
    return text if len(text) <= MAX_TAG else text[: MAX_TAG - 1] + "…"


def _plain_values(source: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    return {key: _plain(source[key]) for key in keys if key in source}


def _plain(value: Any) -> Any:
    """The value, if it is a number, a truth value or a short text; None for anything else."""
    if isinstance(value, str):
        return value[:MAX_TEXT]
    return value if isinstance(value, int | float) else None
