from pathlib import Path

import optuna
import pytest

from ablations.engine.records.folder import StudyFolder
from ablations.engine.records.journal import SafeJournalBackend
from ablations.errors import StudyError
from ablations.tracking.optuna.journal import ensure_journal


def names_in(journal: Path) -> list[str]:
    storage = optuna.storages.JournalStorage(SafeJournalBackend(journal))
    return [study.study_name for study in storage.get_all_studies()]


def test_a_study_that_may_only_be_read_is_shown_by_a_copy_of_its_journal(
    recorded: Path, tmp_path: Path
) -> None:
    study = StudyFolder(recorded)
    before = sorted(recorded.rglob("*"))
    written = ensure_journal(study, out=tmp_path / "out")  # from the records: it has none
    assert written == tmp_path / "out" / "journal.log"
    assert names_in(written) == [recorded.name]
    assert sorted(recorded.rglob("*")) == before
    ensure_journal(study)
    written.write_text("what was there before")
    assert names_in(ensure_journal(study, out=tmp_path / "out")) == [recorded.name]


def test_the_copy_is_not_put_over_the_journal(recorded: Path) -> None:
    with pytest.raises(StudyError, match="must be another folder than the study's own"):
        ensure_journal(StudyFolder(recorded), out=recorded)
