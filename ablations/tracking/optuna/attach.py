"""The report's figures and verdict attached to a study's Optuna journal, for Optuna's dashboard.

The supervisor is the journal's only writer. Attaching takes the study's lock, so it never writes beside
one: while the study runs nothing is attached.
"""

import json
import warnings
from contextlib import nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ablations.engine.records.folder import StudyFolder
from ablations.engine.records.lock import held, holder
from ablations.errors import StudyError
from ablations.tracking.wandb.report_files import ReportFiles, read_report
from plain_files.study_records import is_name
from plain_files.whole_files import written_whole

if TYPE_CHECKING:
    from optuna import Study

Outcome = Literal["attached", "unchanged", "no report", "running"]
WARNING = (
    "*The importance panel of this dashboard is PED-ANOVA, which ranks what separates the best runs from "
    "the rest and misleads on planned designs; `ablate importance` and the report answer the question.*"
)


def attach_report(path: Path, *, out: Path | None = None) -> Outcome:
    """Attach a study's written report to its Optuna study; a second call changes nothing.

    Figures become the study's artifacts (under `artifacts`), the verdict its note. A figure
    that changed takes the place of the one before.

    Args:
        path: The study's folder.
        out: Where a copy of the journal lies and the attached files go, of a study that may only be read.

    Raises:
        StudyError: If there is no study, its journal is damaged, or the extra `dashboard` is not installed.
    """
    require_dashboard()
    folder = StudyFolder.open(path)
    report = read_report(folder.path)
    journal = folder.journal_file if out is None else out / folder.journal_file.name
    if not report.stamp or not journal.exists():
        return "no report"
    if out is None and holder(folder.lock_file) is not None:
        return "running"
    # A copy has no other writer.
    with held(folder.lock_file) if out is None else nullcontext():
        try:
            return _attach(folder, report, journal=journal, files=artifact_folder(out or path))
        except json.JSONDecodeError:
            raise StudyError(
                f"{journal} is not readable. It is an index of the records: delete it, and "
                "`ablate dashboard` (of a search: `ablate run`) writes it anew."
            ) from None


def artifact_folder(path: Path) -> Path:
    """Where the attached files lie."""
    return path / "artifacts"


def require_dashboard() -> None:
    """Return if Optuna's dashboard is installed.

    Raises:
        StudyError: If it is not; names the extra.
    """
    if find_spec("optuna_dashboard") is None:
        raise StudyError(
            "the dashboard needs the extra `dashboard`: `pip install 'ablations[dashboard]'`."
        )


def _attach(folder: StudyFolder, report: ReportFiles, *, journal: Path, files: Path) -> Outcome:
    import optuna
    from optuna.artifacts import FileSystemArtifactStore, get_all_artifact_meta, upload_artifact
    from optuna_dashboard import get_note, save_note

    from ablations.engine.records.journal import SafeJournalBackend

    storage = optuna.storages.JournalStorage(SafeJournalBackend(journal))
    names = [study.study_name for study in storage.get_all_studies()]
    if not names:
        return "no report"
    study = optuna.load_study(study_name=names[0], storage=storage)
    files.mkdir(parents=True, exist_ok=True)
    store = FileSystemArtifactStore(files)
    before = {
        meta.filename: files / meta.artifact_id
        for meta in get_all_artifact_meta(study)
        # An id is read from a file: it may be no path.
        if is_name(meta.artifact_id)
    }
    is_changed = False
    for path in report.figures.values():
        kept = before.get(path.name)
        if kept is None:
            upload_artifact(artifact_store=store, file_path=str(path), study_or_trial=study)
        elif not kept.exists() or kept.read_bytes() != path.read_bytes():
            # Optuna has no way to replace an artifact, but its bytes are a file of ours.
            with written_whole(kept) as beside:
                beside.write_bytes(path.read_bytes())
        else:
            continue
        is_changed = True
    note = f"{report.verdict}\n\n{WARNING}"
    if get_note(study) != note:
        save_note(study, note)
        if len(study.directions) == 1:
            _name_objective(study, str(folder.study().get("metric", "val_loss")))
        is_changed = True
    return "attached" if is_changed else "unchanged"


def _name_objective(study: "Study", metric: str) -> None:
    with warnings.catch_warnings():
        # Experimental in Optuna 5.0; without it the dashboard's axes say "Objective 0".
        warnings.filterwarnings(
            "ignore", message=r"optuna\.study\.study\.Study\.set_metric_names is"
        )
        study.set_metric_names([metric])
