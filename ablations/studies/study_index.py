"""The Optuna study that mirrors a study's folder, as the folder's own content asks for it."""

from pathlib import Path

from ablations.designs.search import range_of
from ablations.designs.space import Space
from ablations.engine.records.folder import StudyFolder
from ablations.engine.records.index import Index


def open_index(folder: StudyFolder, *, storage: Path | str | None = None) -> Index:
    """The index of a study: in the given storage, or that the study was started with, or its own journal.

    Args:
        folder: The study.
        storage: A journal's path, or an Optuna storage URL.
    """
    study = folder.declaration()
    space = Space(**study["space"])
    objectives = study.get("search", {}).get("objectives", [study["metric"]])
    known = space.about.searchable()
    return Index(
        storage or study.get("storage") or folder.journal_file,
        study=folder.path.name,
        objectives=objectives,
        directions=[known[name].direction for name in objectives],
        levels={factor.name: factor.levels for factor in space.factors if factor.levels},
        ranges={one.name: range_of(one, space) for one in space.factors if not one.levels},
        warn=folder.event,
    )
