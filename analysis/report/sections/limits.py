"""What a study's design cannot tell, whatever its numbers are: said where a reviewer looks for it."""

import math
from typing import Any

from analysis.report.evidence import shown
from analysis.report.evidence.evidence import Evidence
from analysis.report.page.numbers import number, plural

SHORT = 30
"""Epochs below which the training is called short."""


def limits(evidence: Evidence) -> list[str]:
    """A sentence for each limit that this study has."""
    frame = evidence.table.frame
    said = []
    data = sorted(set(map(str, frame["data"].dropna())))
    if len(data) <= 1:
        name = f"({data[0]})" if data else "(which is not named)"
        said.append(f"One data set {name}: what holds on it need not hold on another.")
    if evidence.table.metric.startswith("val_"):
        said.append(_over_what(evidence))
        said += _without_test(evidence)
    epochs = frame["epochs_planned"].dropna()
    if len(epochs) and epochs.max() < SHORT:
        said.append(
            f"Short training ({plural(int(epochs.max()), 'epoch')}): differences at the end of a longer one may be "
            "others."
        )
    seeds = int(evidence.runs["seed"].nunique())
    if 0 < seeds < 5:
        said.append(f"{plural(seeds, 'seed')}: only large differences can be told from noise.")
    network = _network(evidence)
    if network:
        said.append(f"One network ({network}).")
    return said


def _over_what(evidence: Evidence) -> str:
    """What intervals hold over: training alone, or splits too."""
    data = _baseline(evidence, "data")
    split, share = data.get("split", "fixed"), data.get("val_fraction")
    if split == "folds" and isinstance(data.get("folds"), int):
        share = 1 / data["folds"]
    if split not in ("per_seed", "folds") or not isinstance(share, float) or not 0 < share < 1:
        return (
            "One split, with the same validation data for all arms and seeds: intervals hold over initialisations and "
            "the order of training only, not over splits or other data."
        )
    seeds = int(evidence.runs["seed"].nunique())
    wider = math.sqrt(1 + seeds * share / (1 - share))
    return (
        "Each seed has a split of its own, the same for all arms: intervals hold over initialisations and splits of "
        "this one data set. Its splits share examples, so over other data of the kind the intervals would be "
        f"wider, by a rule of thumb {number(wider, 2)} times (Nadeau and Bengio 2003)."
    )


def _without_test(evidence: Evidence) -> list[str]:
    if evidence.tested is not None:
        return []
    if evidence.has_test_set:
        return [
            "The test set was not looked at yet: `ablate test` does it once, for the baseline and what was concluded."
        ]
    return [
        f"No test set: the {shown.metric_name(evidence)} is also what the arms were compared by, so that of the "
        "best arm is somewhat too good."
    ]


def _network(evidence: Evidence) -> str:
    """The baseline's network, where the study does not vary it."""
    if any(str(name).startswith("backbone.") for name in evidence.table.factors):
        return ""
    return str(_baseline(evidence, "backbone").get("name") or "")


def _baseline(evidence: Evidence, group: str) -> dict[str, Any]:
    """A group of the baseline's settings; empty where the subject has no such group."""
    space = evidence.table.info.get("space") or {}
    found = (space.get("baseline") or {}).get(group)
    return found if isinstance(found, dict) else {}
