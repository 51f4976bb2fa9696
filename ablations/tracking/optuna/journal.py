"""A study's Optuna journal, written anew from the records where it is missing."""

from ablations.engine.records.folder import StudyFolder
from ablations.engine.records.lock import held
from ablations.errors import StudyError


def ensure_journal(folder: StudyFolder) -> None:
    """Write the journal of a planned study if there is none: it was lost, or kept in a database.

    Raises:
        StudyError: If there is none and it can not be written: the study is running, or is a search, whose
            trials only its supervisor writes.
    """
    if folder.journal_file.exists():
        return
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
    with held(folder.lock_file):
        index = open_index(folder, storage=folder.journal_file)
        index.prepare(plan)
        results = folder.results(planned.run for planned in plan)
        for planned in plan:
            if planned.run in results:
                index.add(planned, results[planned.run])
        index.close()
