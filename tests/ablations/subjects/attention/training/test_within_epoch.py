"""An epoch that was interrupted goes on where its last checkpoint stands, and ends as if nothing had been."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from killed import Killed, Steps

from ablations.context import Stopped
from ablations.engine.records.files import read_record
from ablations.engine.worker.attempt import attempt
from ablations.engine.worker.context import RunContext
from ablations.subjects.attention.data.dataset import fingerprint
from ablations.subjects.attention.settings.groups import Run
from ablations.subjects.attention.settings.identity import run_id
from ablations.subjects.attention.training import chunks
from ablations.subjects.attention.training.run import train

RECIPES: dict[str, dict[str, Any]] = {
    "cosine": {},
    "plateau": {"schedule": "plateau", "patience": 0, "learning_rate": 0.5, "epochs": 3},
    "averaged, mixed, clipped": {"ema_decay": 0.9, "mixup": 0.2, "cutmix": 1.0, "clip_norm": 0.5},
    "accumulated, bf16": {"accumulate": 3, "precision": "bf16-mixed", "optimizer": "adamw"},
}


def killed(run: Run, path: Path, *, at: int = 11) -> None:
    """Train to a step of the second epoch; a checkpoint was written wherever one could be."""
    with pytest.raises(Killed):
        train(run, on_step=Steps(at), checkpoint=path, checkpoint_seconds=0, checkpoint_minutes=0)


@pytest.fixture
def by_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK", 2)


@pytest.mark.usefixtures("by_two")
@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_an_interrupted_epoch_goes_on_to_the_same_end(
    recipe: dict[str, Any], small: Callable[..., Run], tmp_path: Path
) -> None:
    run, path = small(**recipe), tmp_path / "checkpoint.ckpt"
    killed(run, path)
    records: list[dict[str, Any]] = []
    whole: list[dict[str, Any]] = []
    steps = Steps()
    outcome = train(run, on_step=steps, on_epoch=records.append, checkpoint=path)
    assert outcome == train(run, on_epoch=whole.append)
    # In accumulation a checkpoint is between two steps only: after the third batch, not the fourth.
    left = 3 if "accumulate" in recipe else 2
    assert steps.count == left + 6 * (run.arm.training.epochs - 2)
    plain = [{**record, "seconds": None} for record in records]
    assert plain == [{**record, "seconds": None} for record in whole[1:]]


@pytest.mark.long
@pytest.mark.parametrize("sizes", [(2, 1), (1, 2)])
def test_an_epoch_goes_on_either_way(
    sizes: tuple[int, int], small: Callable[..., Run], tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(chunks, "CHUNK", sizes[0])
    killed(small(), tmp_path / "checkpoint.ckpt")
    monkeypatch.setattr(chunks, "CHUNK", sizes[1])
    assert train(small(), checkpoint=tmp_path / "checkpoint.ckpt") == train(small())


def test_an_epoch_shorter_than_the_minutes_gets_no_checkpoint_of_its_own(
    small: Callable[..., Run], tmp_path: Path
) -> None:
    path = tmp_path / "checkpoint.ckpt"
    with pytest.raises(Killed):
        train(small(), on_step=Steps(11), checkpoint=path, checkpoint_seconds=0)
    assert torch.load(path, weights_only=True)["global_step"] == 6


@pytest.mark.usefixtures("by_two")
def test_a_run_that_is_asked_to_stop_does_so_within_its_epoch(
    small: Callable[..., Run], tmp_path: Path
) -> None:
    path, steps = tmp_path / "checkpoint.ckpt", Steps()
    how = {"checkpoint": path, "checkpoint_seconds": 0}
    with pytest.raises(Stopped):
        train(small(), on_step=steps, stopping=lambda: steps.count > 3, **how)
    assert steps.count == 4
    assert train(small(), checkpoint=path) == train(small())


class Channel:
    def __init__(self, *, stopping: bool) -> None:
        self.stopping = stopping

    def send(self, message: dict[str, Any]) -> None:
        del message

    def verdict(self) -> Any:
        return "go"


@pytest.mark.usefixtures("by_two")
def test_the_engine_gets_a_run_back_within_its_epoch(
    small: Callable[..., Run], tmp_path: Path
) -> None:
    run = small()
    job = {
        "run": run_id(run.arm, run.seed, fingerprint(run.arm.data)), "folder": str(tmp_path),
        "settings": run.model_dump(), "train": "ablations.subjects.attention.training.run:train_run",
        "metric": "val_loss", "metrics": ["val_loss"], "ask": False, "device": "cpu", "threads": 1,
    }  # fmt: skip
    for number, stopping, state in ((1, True, "HANDED_BACK"), (2, False, "COMPLETE")):
        (tmp_path / str(number)).mkdir()
        context = RunContext({**job, "attempt": number}, Channel(stopping=stopping))
        context.checkpoint_seconds = 0.0
        assert attempt({**job, "attempt": number}, context) == state
    assert not (tmp_path / "1" / "epochs.jsonl").exists()
    assert read_record(tmp_path / "2" / "result.json")["val_loss"] == train(run).val_loss


@pytest.mark.usefixtures("by_two")
def test_an_epochs_seconds_are_those_of_all_attempts(
    small: Callable[..., Run], tmp_path: Path
) -> None:
    path = tmp_path / "checkpoint.ckpt"
    killed(small(), path)
    content = torch.load(path, weights_only=True)
    assert content["callbacks"]["_Watch"]["seconds"] > 0
    content["callbacks"]["_Watch"]["seconds"] += 1000
    torch.save(content, path)
    records: list[dict[str, Any]] = []
    train(small(), on_epoch=records.append, checkpoint=path)
    assert 1000 < records[0]["seconds"] < 1100
