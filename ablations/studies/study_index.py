"""The Optuna study that mirrors a study's folder, as the folder's own content asks for it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ablations.designs.levels import told
from ablations.designs.search import range_of
from ablations.designs.space import Factor
from ablations.engine.records.folder import StudyFolder
from ablations.engine.records.index import Index
from ablations.engine.records.objectives import Direction
from ablations.import_path import is_import_path
from ablations.subjects.find import USUAL, find_subject


def open_index(folder: StudyFolder, *, storage: Path | str | None = None) -> Index:
    """The index of a study: in the given storage, or that the study was started with, or its own journal.

    Of a subject of the user's own nothing is imported: a dashboard opens an index too.

    Args:
        folder: The study.
        storage: A journal's path, or an Optuna storage URL.
    """
    study = folder.declaration()
    factors = [Factor(**factor) for factor in study["space"]["factors"]]
    objectives = study.get("search", {}).get("objectives", [study["metric"]])
    directions = _directions(study)
    ranged = [factor for factor in factors if not factor.levels]
    return Index(
        storage or study.get("storage") or folder.journal_file,
        study=folder.path.name,
        objectives=objectives,
        directions=[directions.get(name, "minimize") for name in objectives],
        levels={one.name: list(map(told, one.levels)) for one in factors if one.levels},
        ranges={
            factor.name: range_of(factor, whole=_is_whole(factor, study, folder))
            for factor in ranged
        },
        warn=folder.event,
    )


def _directions(study: Mapping[str, Any]) -> dict[str, Direction]:
    """Which way each number of a run is better; costs and times are minimised."""
    name = study["space"].get("subject", USUAL)
    if not is_import_path(name):
        return {one: told.direction for one, told in find_subject(name).searchable().items()}
    declared = study.get("metrics") or {study["metric"]: {"direction": study["direction"]}}
    return {one: told["direction"] for one, told in declared.items()}


def _is_whole(factor: Factor, study: Mapping[str, Any], folder: StudyFolder) -> bool:
    """Whether the factor takes whole numbers only: as its setting says, or as the plan's values are."""
    name = study["space"].get("subject", USUAL)
    if not is_import_path(name):
        kinds = find_subject(name).settings[factor.name].kinds
        return int in kinds and float not in kinds
    values = [run.factors.get(factor.name) for run in folder.plan()]
    known = [value for value in values if value is not None]
    return bool(known) and all(type(value) is int for value in known)
