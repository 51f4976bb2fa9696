"""Commands and places of a study of the user's own program: search, confirm, W&B, dashboard, clusters, ranks."""

import threading
import urllib.request
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
from analysis.tables.optuna_table import read_optuna
from analysis.tables.wandb_export import read_offline

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
    assert len(executed(here, lambda _: RayExecutor(slots=1, pythonpath=str(here)))) == 4


@pytest.mark.integration
def test_a_module_of_the_users_own_trains_as_jobs_of_slurm(here: Path) -> None:
    pytest.importorskip("submitit")
    from ablations.engine.executors.slurm import SlurmExecutor

    def jobs(folder: StudyFolder) -> Executor:
        return SlurmExecutor(folder, slots=1, cluster="local", pythonpath=str(here))

    assert len(executed(here, jobs)) == 4


LISTS = """
def train(config, seed):
    widths = config["widths"] or []
    return {"loss": 1 / (1 + sum(widths)) }
"""
OF_LISTS = """
subject: lists:train
metric: {name: loss, direction: minimize}
baseline: {widths: [64, 64]}
factors:
  - {name: widths, levels: [null, [64, 64], [128]]}
"""


def searched(mine: Path, storage: str | None) -> Path:
    """The folder of a search of six lists."""
    (mine / "lists.py").write_text(LISTS)
    (mine / "lists.yaml").write_text(OF_LISTS)
    alone = Execution(
        executor=lambda _: LocalExecutor(find_slots(gpus=(), workers=1)), storage=storage
    )
    search = Search(trials=6, sampler="random", pruner="none", seeds=1)
    run(load_space("lists.yaml"), study="l", design="search", search=search, execution=alone)
    return mine / "runs/l"


@pytest.mark.long
@pytest.mark.parametrize("storage", [None, "sqlite:///searched.db"])
def test_a_search_of_lists_is_read_everywhere_as_what_they_say(
    mine: Path, storage: str | None
) -> None:
    folder = searched(mine, storage)
    expected = {"None": 1.0, "[64, 64]": 1 / 129, "[128]": 1 / 129}
    indexed = storage or f"journal:///{folder / 'journal.log'}"
    frames = (
        read_study(folder).frame,
        read_optuna(f"{indexed}#l", metric="loss").frame,
        read_offline(folder),
    )
    for frame in frames:
        said = dict(zip(frame["widths"], frame["loss"], strict=True))
        assert said == {name: pytest.approx(expected[name]) for name in said}
        assert set(said) == set(frames[0]["widths"])
        assert len(said) > 1


@pytest.mark.integration
def test_the_dashboard_shows_lists(mine: Path) -> None:
    pytest.importorskip("optuna_dashboard")
    from ablations.tracking.optuna.dashboard import make_dashboard, make_server

    server = make_server(make_dashboard(searched(mine, None)), host="127.0.0.1", port=0)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        address = f"http://127.0.0.1:{server.server_port}/api/studies/0"
        with urllib.request.urlopen(address) as answer:
            shown = answer.read().decode()
    finally:
        server.shutdown()
        server.server_close()
    assert "[64, 64]" in shown
