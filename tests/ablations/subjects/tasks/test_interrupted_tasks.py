"""Each task is killed within an epoch, goes on with the next batch and ends as if nothing had been."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from killed import Killed, Steps

from ablations import load_space
from ablations.designs.expand import expand, planned_run
from ablations.engine.worker.here import ContextHere
from ablations.subjects.own_module.run import train_run
from ablations.subjects.started import Started, read_started

SCENES = {"data.train": 24, "data.val": 8, "data.batch_size": 8}
PARTS = {"trainer.limit_train_batches": 3, "trainer.limit_val_batches": 1}
DRAWN = {
    "data.identities": 20,
    "model.identities": 20,
    "data.held_out": 6,
    "model.sample_rate": 0.5,
}
"""Three steps an epoch; the last one draws which classes a step sees."""
TASKS: dict[str, dict[str, Any]] = {
    "segmentation": SCENES, "detection": SCENES, "metric_learning": PARTS, "sampled_classes": DRAWN,
    "graphs": PARTS, "transformers": PARTS,
}  # fmt: skip
SHORT = ["sampled_classes"]


@pytest.fixture
def trained(tmp_path: Path) -> Callable[..., tuple[list[dict[str, Any]], Started]]:
    """Trains in a folder: the records of the epochs, and what else the run says of itself."""

    def train(settings: dict[str, Any], folder: str, steps: Steps) -> Any:
        mine, records = tmp_path / folder, list[dict[str, Any]]()
        (mine / "1").mkdir(parents=True, exist_ok=True)
        context = ContextHere(
            run=folder, folder=mine, attempt_folder=mine / "1", device="cpu", threads=1,
            on_epoch=records.append, on_beat=steps, checkpoint_seconds=0, checkpoint_minutes=0,
        )  # fmt: skip
        train_run(settings, context)
        return [{**one, "seconds": None} for one in records], read_started(mine / "1")

    return train


@pytest.mark.parametrize(
    "name", [pytest.param(one, marks=() if one in SHORT else pytest.mark.long) for one in TASKS]
)
def test_a_task_that_is_killed_within_an_epoch_ends_equal_to_the_last_bit(
    name: str, trained: Callable[..., tuple[list[dict[str, Any]], Started]]
) -> None:
    space = load_space(f"tasks/{name}", {**TASKS[name], "trainer.max_epochs": 2})
    arms = expand(space, design="loco").arms
    arm = next(one for one in arms if one.arm["attention.placement"] != "none")
    settings = planned_run(arm, seed=0, stage="loco").settings
    records, whole = trained(settings, "whole", Steps())
    with pytest.raises(Killed):
        trained(settings, "parts", Steps(killed_at=5))
    steps = Steps()
    left, parts = trained(settings, "parts", steps)
    # The checkpoint is that after the first batch of the second epoch.
    assert (steps.count, parts.again) == (2, "")
    assert left == records[1:]
    assert parts.ended == whole.ended != ""
    assert parts.tensors == whole.tensors
