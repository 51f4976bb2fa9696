"""Commands and places of a study of the user's own program: search, confirm, W&B, dashboard, clusters, ranks."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ablations import Execution, Search, confirm, load_space, run, status
from ablations.engine.executors.executor import Executor
from ablations.engine.executors.local import LocalExecutor
from ablations.engine.executors.slots import find_slots
from ablations.engine.records.folder import StudyFolder
from analysis import read_study

SPACE = """
subject: houses:Prices
data: houses:Houses
metric: {name: val_mae, direction: minimize, unit: sd}
trainer: {max_epochs: 3}
baseline: {model.rate: 0.01}
factors:
  - {name: model.rate, low: 0.00001, high: 0.1, log: true}
seeds: 2
"""
GRID = SPACE.replace("low: 0.00001, high: 0.1, log: true", "levels: [0.001, 0.01]")


@pytest.fixture
def here(mine: Path) -> Path:
    (mine / "search.yaml").write_text(SPACE)
    (mine / "grid.yaml").write_text(GRID)
    return mine


def executed(folder: Path, make: Callable[[StudyFolder], Executor]) -> Any:
    """The grid where it is placed so; its complete runs."""
    run(load_space("grid.yaml"), study="g", execution=Execution(executor=make, wandb="disabled"))
    return read_study(folder / "runs/g").complete()


@pytest.mark.long
def test_a_search_prunes_and_proposes_and_fresh_seeds_conclude(here: Path) -> None:
    alone = Execution(executor=lambda _: LocalExecutor(find_slots(gpus=(), workers=1)))
    search = Search(trials=9, sampler="random", pruner="asha", seeds=1)
    space = load_space("search.yaml")
    run(space, study="s", design="search", search=search, execution=alone)
    confirm("s", top=1, seeds=2, execution=alone)
    assert status("s").best is not None
    frame = read_study(here / "runs/s").frame
    states = frame.groupby("stage")["state"].value_counts()
    assert states["search"].sum() == 9
    assert states["search"].get("PRUNED", 0) >= 1
    assert states["confirm"].to_dict() == {"COMPLETE": 4}
    assert list((here / "runs/s/wandb").glob("**/*.wandb"))


@pytest.mark.integration
def test_the_dashboard_shows_the_metric_of_the_program(here: Path) -> None:
    pytest.importorskip("optuna_dashboard")
    from ablations.tracking.optuna.dashboard import make_dashboard

    alone = Execution(
        executor=lambda _: LocalExecutor(find_slots(gpus=(), workers=1)), wandb="disabled"
    )
    run(load_space("grid.yaml"), study="d", seeds=1, execution=alone)
    assert make_dashboard(here / "runs/d") is not None


@pytest.mark.integration
def test_two_processes_train_a_module_of_the_users_own(here: Path) -> None:
    def pair(_: StudyFolder) -> Executor:
        places = find_slots(gpus=(), workers=1, processes_per_run=2)
        return LocalExecutor(places, pythonpath=str(here))

    rows = executed(here, pair)
    assert len(rows) == 4
    assert rows["val_mae"].nunique() == 4


@pytest.mark.integration
def test_a_module_of_the_users_own_trains_on_ray(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray")
    from ablations.engine.executors.ray import RayExecutor

    monkeypatch.setenv("PYTHONPATH", str(here))
    assert len(executed(here, lambda _: RayExecutor(pythonpath=str(here)))) == 4


@pytest.mark.integration
def test_a_module_of_the_users_own_trains_as_jobs_of_slurm(here: Path) -> None:
    pytest.importorskip("submitit")
    from ablations.engine.executors.slurm import SlurmExecutor

    def jobs(folder: StudyFolder) -> Executor:
        return SlurmExecutor(folder, slots=1, cluster="local", pythonpath=str(here))

    assert len(executed(here, jobs)) == 4
