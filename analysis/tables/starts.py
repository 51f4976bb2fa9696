"""What runs of one seed have in common at their start, as the study measured it: the tensors and the first batches.

Reads `start.json` of each run's attempt (`docs/study-folder.md`); a study whose subject writes none says nothing.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.errors import TableError
from analysis.tables.formats.json_files import json_object

COLUMNS = (
    "label",
    "seeds",
    "alike",
    "equal",
    "random",
    "random_equal",
    "batches",
    "batches_equal",
    "unnamed",
)


def read_starts(frame: pd.DataFrame, folder: Path, baseline_arm: str | None) -> pd.DataFrame:
    """One row per arm but the baseline, over the seeds of which both runs say what they started with.

    Columns `label, seeds`; `alike, equal`: tensors of one name and shape, and those equal in every number, and
    `random, random_equal`: the same of those that are drawn, each a mean over seeds; `batches, batches_equal`: seeds
    of which both say their first batches, and those of which they are equal; `unnamed`: draws of no tensor.
    """
    found = {}
    for row in frame.itertuples():
        start = _start(folder / "runs" / str(row.run), getattr(row, "attempt", None))
        if start is not None:
            found[str(row.arm), row.seed] = (str(row.label), start)
    rows = []
    for arm in dict.fromkeys(arm for arm, _ in found if arm != baseline_arm):
        pairs = [
            (label, found[str(baseline_arm), seed][1], start)
            for (other, seed), (label, start) in found.items()
            if other == arm and (str(baseline_arm), seed) in found
        ]
        if pairs:
            rows.append(_row(pairs))
    return pd.DataFrame.from_records(rows, columns=list(COLUMNS))


def share_nothing(starts: pd.DataFrame) -> bool:
    """Whether runs of one seed were measured to have nothing random in common: no tensor and no batch."""
    if starts.empty:
        return False
    return not (starts["random_equal"].any() or starts["batches_equal"].any()) and bool(
        starts["random"].any() and starts["batches"].any()
    )


def _row(pairs: list[tuple[str, dict[str, Any], dict[str, Any]]]) -> dict[str, Any]:
    counts = pd.DataFrame([_counts(first, second) for _, first, second in pairs])
    said = counts["batches_equal"].dropna()
    return {
        "label": pairs[0][0],
        "seeds": len(pairs),
        **{
            name: float(counts[name].mean())
            for name in ("alike", "equal", "random", "random_equal")
        },
        "batches": len(said),
        "batches_equal": int(said.sum()),
        "unnamed": max(int(second["unnamed"]) for _, _, second in pairs),
    }


def _counts(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    one, other = first["tensors"], second["tensors"]
    alike = [
        name
        for name in one
        if name in other and one[name].rpartition(" ")[0] == other[name].rpartition(" ")[0]
    ]
    drawn = set(first["random"]) & set(alike)
    both = bool(first["batches"] and second["batches"])
    return {
        "alike": len(alike),
        "equal": sum(one[name] == other[name] for name in alike),
        "random": len(drawn),
        "random_equal": sum(one[name] == other[name] for name in drawn),
        "batches_equal": float(first["batches"] == second["batches"]) if both else None,
    }


def _start(run: Path, attempt: Any) -> dict[str, Any] | None:
    if attempt is None or pd.isna(attempt):
        return None
    try:
        content = json_object(run / str(int(attempt)) / "start.json")
    except (FileNotFoundError, TableError):
        return None
    return content if _is_whole(content) else None


def _is_whole(content: Mapping[str, Any]) -> bool:
    tensors = content.get("tensors")
    return (
        isinstance(tensors, dict)
        and all(isinstance(told, str) for told in tensors.values())
        and all(isinstance(content.get(name), list) for name in ("random", "batches"))
        and isinstance(content.get("unnamed"), int)
    )
