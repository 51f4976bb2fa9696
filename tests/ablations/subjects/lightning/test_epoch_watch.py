from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch.strategies import SingleDeviceStrategy

from ablations.errors import NonFinite
from ablations.subjects.attention.settings.groups import Arm, Attention, Run, Training
from ablations.subjects.attention.training.run import train


def run(**recipe: Any) -> Run:
    recipe = {"batch_size": 128, "warmup_epochs": 0, "epochs": 2, **recipe}
    return Run(arm=Arm(attention=Attention(reduction=4), training=Training(**recipe)), seed=0)


def test_a_diverging_run_says_so_and_its_numbers_are_none() -> None:
    with pytest.raises(
        NonFinite, match=r"^`train_loss` must be finite, but is nan after epoch 1: the"
    ):
        train(run(learning_rate=1e30, momentum=0.0))


class Interrupted(Exception):
    pass


def test_a_run_that_is_stopped_after_its_last_epoch_ends_with_the_record_of_its_checkpoint(
    tmp_path: Path,
) -> None:
    path, seen = tmp_path / "checkpoint.ckpt", []

    def stop(record: dict[str, Any]) -> None:
        seen.append(record)
        if record["epoch"] == 2:
            raise Interrupted

    with pytest.raises(Interrupted):
        train(run(), on_epoch=stop, checkpoint=path)
    # Under this name in the checkpoints of all studies.
    assert torch.load(path, weights_only=True)["callbacks"] == {"_Watch": {"last": seen[1]}}
    assert train(run(), checkpoint=path) == train(run())


def test_a_checkpoint_is_written_where_the_clock_of_any_rank_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One process, which asks all as each of several does: the answer of the others is what counts here.
    other_rank = lambda strategy, decision, all: True  # noqa: E731
    monkeypatch.setattr(SingleDeviceStrategy, "reduce_boolean_decision", other_rank)
    train(run(epochs=1), checkpoint=tmp_path / "checkpoint.ckpt")
    assert (tmp_path / "checkpoint.ckpt").exists()
