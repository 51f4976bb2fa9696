"""Each task from its preset to a result, in two steps."""

from pathlib import Path

import pytest

from ablations import load_space
from ablations.designs.expand import expand, planned_run
from ablations.engine.worker.here import ContextHere
from ablations.subjects.own_module.run import train_run

SHORT = {"trainer.max_epochs": 1, "trainer.limit_train_batches": 2, "trainer.limit_val_batches": 1}
ARMS = {
    "metric_learning": ("model.head", ["arcface", "cosface", "norm_softmax"]),
    "sampled_classes": ("model.sample_rate", [0.1, 0.5, 1.0]),
    "graphs": ("attention.squeeze", ["avg", "max"]),
    "transformers": ("attention.placement", ["none", "pre", "standard"]),
}


@pytest.mark.parametrize("name", ARMS)
def test_a_task_is_trained_and_measured(name: str, tmp_path: Path) -> None:
    space = load_space(f"tasks/{name}", SHORT)
    arms = expand(space, design="loco").arms
    factor, levels = ARMS[name]
    assert sorted({arm.arm[factor] for arm in arms}) == levels
    (attended,) = [arm for arm in arms if arm.arm["attention.placement"] != "none"][:1]
    assert attended.cost["attention_params"] > 0
    (tmp_path / "1").mkdir()
    context = ContextHere(
        run=name, folder=tmp_path, attempt_folder=tmp_path / "1", device="cpu", threads=1
    )
    result = train_run(planned_run(attended, seed=0, stage="loco").settings, context)
    assert 0 <= result["val_accuracy"] <= 1
    assert result[space.about.metric] >= 0
    # Each of them can be read by `--metric`, which way is better known.
    assert [one.name for one in space.about.metrics if one.name not in result] == []


BETTER = {
    "detection": {"val_ap": "maximize", "val_ap50": "maximize", "val_loss": "minimize"},
    "graphs": {"val_loss": "minimize", "val_accuracy": "maximize"},
    "metric_learning": {"val_eer": "minimize", "val_accuracy": "maximize"},
    "sampled_classes": {"val_eer": "minimize", "val_accuracy": "maximize"},
    "segmentation": {"val_iou": "maximize", "val_loss": "minimize"},
    "transformers": {"val_loss": "minimize", "val_accuracy": "maximize"},
}


@pytest.mark.parametrize("name", BETTER)
def test_a_task_says_of_all_that_it_measures_which_way_is_better(name: str) -> None:
    metrics = load_space(f"tasks/{name}").about.metrics
    assert {one.name: one.direction for one in metrics} == BETTER[name]
