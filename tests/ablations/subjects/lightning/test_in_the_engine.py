from pathlib import Path

import pytest

from ablations.engine.executors.local import LocalExecutor
from ablations.engine.executors.slots import find_slots
from ablations.engine.records.folder import StudyFolder
from ablations.engine.sources.source import PlannedSource
from ablations.engine.supervision.supervisor import execute
from ablations.plan import PlannedRun

HERE = Path(__file__).parent


def planned(number: int, **settings: int) -> PlannedRun:
    settings = {"x": 8, "seed": 0, "epochs": 4, "workers": 0, **settings}
    return PlannedRun(
        run=f"run{number:05d}s0",
        arm=f"arm{number:05d}",
        label=str(number),
        seed=0,
        stage="grid",
        settings=settings,
        factors={"number": number},
        cost={},
        epochs_planned=settings["epochs"],
    )


@pytest.mark.long
def test_a_run_with_loader_workers_that_is_killed_goes_on_and_ends_as_one_that_was_not(
    tmp_path: Path,
) -> None:
    study = {"study": "prices", "metric": "val_loss", "direction": "minimize"}
    folder = StudyFolder.create(tmp_path / "prices", study)
    runs = [planned(0), planned(1, workers=2), planned(2, workers=2, killed_after=2)]
    executor = LocalExecutor(find_slots(workers=1, gpus=()), pythonpath=str(HERE))
    summary = execute(
        folder, PlannedSource(runs), executor=executor, train="prices:train", hang_timeout=60
    )
    assert (summary.complete, summary.lost) == (3, 1)
    here, with_workers, killed = (folder.result(run.run) for run in runs)
    assert here["val_loss"] == with_workers["val_loss"] == killed["val_loss"]
    assert (killed["attempt"], killed["epochs_run"]) == (2, 4)
