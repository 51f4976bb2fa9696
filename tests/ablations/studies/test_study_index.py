from pathlib import Path

import optuna

from ablations.designs.expand import expand, runs
from ablations.designs.spaces import load_space
from ablations.engine.records.folder import StudyFolder
from ablations.studies.declaration import declare
from ablations.studies.study_index import open_index


def test_a_study_keeps_the_storage_and_the_objectives_that_it_was_started_with(
    tmp_path: Path,
) -> None:
    space = load_space("gate")
    arms = expand(space).arms
    url = f"sqlite:///{tmp_path}/index.db"
    declared = declare(space, arms[0], study="s", design="grid", seeds=[0])
    search = {"objectives": ["val_accuracy", "params"]}
    folder = StudyFolder.create(tmp_path / "s", {**declared, "storage": url, "search": search})
    (first, *_) = runs(arms, seeds=[0], stage="grid")
    index = open_index(folder)
    index.prepare([first])
    index.add(first, {"state": "COMPLETE", "val_loss": 0.5, "val_accuracy": 0.75})
    index.close()
    study = optuna.load_study(study_name="s", storage=url)
    assert [trial.values for trial in study.trials] == [[0.75, float(first.cost["params"])]]
    assert not folder.journal_file.exists()
