"""What a study's design cannot tell, whatever its numbers are: said where a reviewer looks for it."""

from analysis.report.evidence import shown
from analysis.report.evidence.evidence import Evidence
from analysis.report.page.numbers import plural

SHORT = 30
"""Epochs below which the training is called short."""


def limits(evidence: Evidence) -> list[str]:
    """A sentence for each limit that this study has."""
    frame = evidence.table.frame
    said = []
    data = sorted(set(map(str, frame["data"].dropna())))
    if len(data) <= 1:
        name = data[0] if data else "one data set, which is not named"
        said.append(f"One data set ({name}): what holds on it need not hold on another.")
    if evidence.table.metric.startswith("val_"):
        said.append(
            "The same validation data for all arms and seeds: intervals hold over seeds of training, not over other "
            "data."
        )
        said.append(
            f"No test set: the {shown.metric_name(evidence)} is also what the arms were compared by, so that of the "
            "best arm is somewhat too good."
        )
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


def _network(evidence: Evidence) -> str:
    """The baseline's network, where the study does not vary it."""
    space = evidence.table.info.get("space") or {}
    backbone = (space.get("baseline") or {}).get("backbone") or {}
    if any(str(name).startswith("backbone.") for name in evidence.table.factors):
        return ""
    name = backbone.get("name") if isinstance(backbone, dict) else None
    return str(name) if name else ""
