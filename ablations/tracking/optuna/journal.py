"""A study's Optuna journal, written anew from the records where it is missing."""

import shutil
from contextlib import nullcontext
from pathlib import Path

from ablations.engine.records.folder import StudyFolder, cannot_write
from ablations.engine.records.lock import held
from ablations.errors import StudyError


def ensure_journal(folder: StudyFolder, *, out: Path | None = None) -> Path:
    """The journal of a study, written anew if there is none: it was lost, or kept in a database.

    Args:
        folder: The study.
        out: A folder for a copy, in place of one there, of a study that may only be read.

    Raises:
        StudyError: If there is none and it can not be written: the study is running, or is a search, whose
            trials only its supervisor writes.
    """
    journal = folder.journal_file if out is None else out / folder.journal_file.name
    if out is not None:
        _make_way(out, journal, study=folder)
        if folder.journal_file.exists():
            shutil.copyfile(folder.journal_file, journal)
    if journal.exists():
        return journal
    plan = [planned for planned in folder.plan() if planned.stage != "search"]
    if not plan:
        raise StudyError(
            f"{folder.path} has no {folder.journal_file.name}. Give `ablate run` for the study again: "
            "it writes the journal anew from the records, also where nothing is left to run."
        )
    # Optuna takes half a second to import, and is rarely needed here.
    import optuna

    from ablations.studies.study_index import open_index

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with held(folder.lock_file) if out is None else nullcontext():
        index = open_index(folder, storage=journal)
        index.prepare(plan)
        results = folder.outcomes(planned.run for planned in plan).results
        for planned in plan:
            if planned.run in results:
                index.add(planned, results[planned.run])
        index.close()
    return journal


def _make_way(out: Path, journal: Path, *, study: StudyFolder) -> None:
    """Make the folder of a copy, without an earlier one.

    Raises:
        StudyError: If it is the study's own, or cannot be written to.
    """
    if out.resolve() == study.path.resolve():
        raise StudyError(f"`--out` must be another folder than the study's own, but is {out}.")
    try:
        out.mkdir(parents=True, exist_ok=True)
        journal.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(out, error) from error
