from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from ablations.batches import Batches
from ablations.data import load
from ablations.module import AttentionClassifier
from ablations.optimisers import OPTIMISERS, warmup_cosine
from ablations.settings import Arm, Attention, Run, Training
from ablations.training import NonFinite, train


def run(*, seed: int = 0, epochs: int = 2, **recipe: Any) -> Run:
    recipe = {"batch_size": 128, "warmup_epochs": 1, "epochs": epochs, **recipe}
    return Run(arm=Arm(attention=Attention(reduction=4), training=Training(**recipe)), seed=seed)


class Interrupted(Exception):
    pass


def test_a_run_that_goes_on_from_its_checkpoint_ends_bit_equal(tmp_path: Path) -> None:
    path, seen = tmp_path / "checkpoint.ckpt", []

    def interrupt(record: dict[str, Any]) -> None:
        if record["epoch"] == 2:
            raise Interrupted

    with pytest.raises(Interrupted):
        train(run(epochs=4), on_epoch=interrupt, checkpoint=path)
    resumed = train(run(epochs=4), on_epoch=lambda r: seen.append(r["epoch"]), checkpoint=path)
    assert seen == [3, 4]
    assert resumed == train(run(epochs=4))


def test_run_b_after_run_a_equals_run_b_alone() -> None:
    alone = train(run(seed=1))
    train(run(seed=0, learning_rate=0.5))
    assert train(run(seed=1)) == alone


def test_another_seed_trains_another_network() -> None:
    assert train(run(seed=0)).val_loss != train(run(seed=1)).val_loss


def test_training_equals_the_bare_loop_bit_for_bit() -> None:
    wanted = run(epochs=2)
    assert train(wanted).val_loss == bare_loop(wanted)


def bare_loop(wanted: Run) -> float:
    """The same arithmetic, layout and optimiser without Lightning."""
    split, recipe = load(wanted.arm.data), wanted.arm.training
    module = AttentionClassifier(
        in_channels=1, classes=10, seed=wanted.seed, **wanted.arm.attention.model_dump()
    ).to(memory_format=torch.channels_last)
    network = module.network
    optimiser = OPTIMISERS[recipe.optimizer](network.parameters(), recipe)
    batches = Batches(
        split.train, batch_size=recipe.batch_size, seed=wanted.seed, epoch=lambda: epoch
    )
    factor = warmup_cosine(steps=recipe.epochs * len(batches), warmup=len(batches))
    step = 0
    for epoch in range(recipe.epochs):  # noqa: B007 - read by `batches`
        network.train()
        for x, y in batches:
            for group in optimiser.param_groups:
                group["lr"] = recipe.learning_rate * factor(step)
            optimiser.zero_grad()
            nn.functional.cross_entropy(network(x), y).backward()
            optimiser.step()
            step += 1
    network.eval()
    with torch.no_grad():
        total = nn.functional.cross_entropy(network(split.val.x), split.val.y, reduction="sum")
    return float((total.double() / len(split.val.y)).float())


def test_a_diverging_run_says_so_and_its_numbers_are_none() -> None:
    with pytest.raises(NonFinite, match=r"the loss must be finite, but after epoch 1 it is .*nan"):
        train(run(learning_rate=1e30, momentum=0.0, warmup_epochs=0))


def test_training_learns_the_digits() -> None:
    outcome = train(run(epochs=4))
    assert outcome.val_accuracy > 0.9
    assert outcome.epochs_run == 4
