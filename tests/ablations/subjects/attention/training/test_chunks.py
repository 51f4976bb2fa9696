"""A run trained in chunks is the run that Lightning trains batch by batch, to the last bit."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ablations.subjects.attention.settings.groups import Run
from ablations.subjects.attention.training import chunks
from ablations.subjects.attention.training.run import Outcome, train

PLAIN: dict[str, dict[str, Any]] = {
    "warm-up and cosine": {"warmup_epochs": 1, "label_smoothing": 0.1},
    "plateau": {"schedule": "plateau", "patience": 0, "learning_rate": 0.5, "epochs": 3},
    "mixed, clipped": {"mixup": 0.2, "cutmix": 1.0, "clip_norm": 0.5, "optimizer": "adamw"},
}
EVERY_BATCH: dict[str, dict[str, Any]] = {
    "averaged weights": {"ema_decay": 0.9},
    "accumulated": {"accumulate": 3},
    "less than full precision": {"precision": "bf16-mixed"},
}


@pytest.fixture
def trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[Outcome, dict[str, Any], int, int]]:
    """Trains in chunks of a size: the outcome, the last checkpoint, all steps and those without Lightning."""

    def go(run: Run, *, chunk: int) -> tuple[Outcome, dict[str, Any], int, int]:
        monkeypatch.setattr(chunks, "CHUNK", chunk)
        steps, bare = 0, 0
        step = chunks.ChunkedEpochs._step

        def on_step() -> None:
            nonlocal steps
            steps += 1

        def counted(loop: Any, batch: Any) -> None:
            nonlocal bare
            bare += 1
            step(loop, batch)

        path = tmp_path / f"{chunk}.ckpt"
        with monkeypatch.context() as patch:
            patch.setattr(chunks.ChunkedEpochs, "_step", counted)
            outcome = train(run, on_step=on_step, checkpoint=path, checkpoint_seconds=0)
        return outcome, torch.load(path, weights_only=True), steps, bare

    return go


def equal(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(equal, one, other))
    return bool(one == other)


@pytest.mark.parametrize("recipe", PLAIN.values(), ids=PLAIN)
def test_chunks_train_what_single_batches_do(
    recipe: dict[str, Any], small: Callable[..., Run], trained: Any
) -> None:
    run = small(**recipe)
    epochs = run.arm.training.epochs
    outcome, checkpoint, steps, bare = trained(run, chunk=4)
    single, its_checkpoint, its_steps, none = trained(run, chunk=1)
    assert outcome == single
    # Six batches: three and Lightning's, one and the last, which is Lightning's.
    assert (steps, bare) == (6 * epochs, 4 * epochs)
    assert (its_steps, none) == (6 * epochs, 0)
    for part in ("state_dict", "optimizer_states", "lr_schedulers", "global_step"):
        assert equal(checkpoint[part], its_checkpoint[part]), part
    loops, its_loops = (one["loops"]["fit_loop"] for one in (checkpoint, its_checkpoint))
    for name in ("epoch_progress", "epoch_loop.batch_progress"):
        assert loops[name] == its_loops[name]


@pytest.mark.parametrize("recipe", EVERY_BATCH.values(), ids=EVERY_BATCH)
def test_what_has_to_see_every_batch_does(
    recipe: dict[str, Any], small: Callable[..., Run], trained: Any
) -> None:
    _, _, steps, bare = trained(small(**recipe), chunk=4)
    assert (steps, bare) == (12, 0)
