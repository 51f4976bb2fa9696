import re
from pathlib import Path

import lightning.pytorch as pl
import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from torch.nn import functional as F
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from ablations.errors import SettingError
from ablations.subjects.attention.training.module import AttentionClassifier


def in_a_plain_trainer(test):
    for message in (
        "The .*_dataloader.* does not have many workers",
        "The number of training batches",
        "You defined a `validation_step` but have no `val_dataloader`",
    ):
        test = pytest.mark.filterwarnings(f"ignore:{message}")(test)
    return test


@pytest.fixture
def loader() -> DataLoader:
    x = torch.rand(24, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    return DataLoader(TensorDataset(x, torch.arange(24) % 4), batch_size=8)


def plain_trainer(folder: Path, **options) -> pl.Trainer:
    return pl.Trainer(
        **{
            "max_epochs": 1,
            "accelerator": "cpu",
            "logger": False,
            "enable_progress_bar": False,
            "enable_model_summary": False,
            "default_root_dir": folder,
            **options,
        }
    )


@in_a_plain_trainer
def test_the_module_trains_in_a_plain_trainer_and_its_checkpoint_loads_without_unpickling(
    loader: DataLoader, tmp_path: Path
) -> None:
    module = AttentionClassifier(
        reduction=8, squeeze="max", gate="one_plus_tanh", placement="post", order="after",
        in_channels=3, classes=4, training={"warmup_epochs": 0},
    )  # fmt: skip
    before = [p.clone() for p in module.parameters()]
    trainer = plain_trainer(tmp_path, enable_checkpointing=True)
    trainer.fit(module, loader, loader)
    assert {"train_loss", "val_loss", "val_accuracy"} <= set(trainer.callback_metrics)
    assert any(not torch.equal(a, b) for a, b in zip(before, module.parameters(), strict=True))
    path = trainer.checkpoint_callback.best_model_path
    again = AttentionClassifier.load_from_checkpoint(path, weights_only=True)
    assert again.hparams == module.hparams
    x = torch.rand(2, 3, 8, 8)
    assert torch.equal(module.eval()(x), again.eval()(x))


@in_a_plain_trainer
def test_a_checkpoint_that_is_written_within_an_epoch_loads_without_a_trainer(
    loader: DataLoader, tmp_path: Path
) -> None:
    module = AttentionClassifier(reduction=8, in_channels=3, classes=4, placement="none")
    kept = ModelCheckpoint(tmp_path, every_n_train_steps=1, save_top_k=-1, filename="{step}")
    plain_trainer(tmp_path, enable_checkpointing=True, callbacks=[kept]).fit(module, loader)
    within = tmp_path / "step=1.ckpt"
    assert "train_sums" in torch.load(within, weights_only=True)
    again = AttentionClassifier.load_from_checkpoint(within, weights_only=True)
    assert again.hparams == module.hparams


@in_a_plain_trainer
def test_the_logged_means_are_over_images_not_over_batches(tmp_path: Path) -> None:
    module = AttentionClassifier(in_channels=1, classes=2, placement="none", seed=0).eval()
    x, y = torch.rand(10, 1, 8, 8), torch.arange(10) % 2
    loader = DataLoader(TensorDataset(x, y), batch_size=8)  # batches of 8 and 2
    (logged,) = plain_trainer(tmp_path).validate(module, loader, verbose=False)
    expected = torch.nn.functional.cross_entropy(module(x), y).item()
    assert logged["val_loss"] == pytest.approx(expected, abs=1e-6)


def test_a_seed_draws_the_same_weights_and_another_seed_others() -> None:
    def weights(seed: int) -> torch.Tensor:
        module = AttentionClassifier(in_channels=1, classes=2, seed=seed)
        return torch.cat([p.flatten() for p in module.parameters() if p.dim() > 1])

    assert torch.equal(weights(0), weights(0))
    assert not torch.equal(weights(0), weights(1))


def test_an_unknown_setting_is_refused_not_dropped() -> None:
    with pytest.raises(SettingError, match="but got 'reducton'"):
        AttentionClassifier(in_channels=1, classes=2, reducton=4)


def frozen_classifier(**options) -> AttentionClassifier:
    """One whose weights do not move, so that the losses of its epoch are known beforehand."""
    recipe = {"warmup_epochs": 0, "learning_rate": 1e-30, "weight_decay": 0}
    return AttentionClassifier(
        **{"in_channels": 3, "classes": 4, "reduction": 8, "training": recipe, "seed": 0, **options}
    )


def losses_in_training(module: AttentionClassifier, loader: DataLoader) -> list[float]:
    module.train()
    with torch.no_grad():
        return [F.cross_entropy(module(x), y).item() for x, y in loader]


@in_a_plain_trainer
def test_an_epoch_without_validation_logs_the_training_mean(
    loader: DataLoader, tmp_path: Path
) -> None:
    module = frozen_classifier()
    expected = np.mean(losses_in_training(module, loader))
    keep = ModelCheckpoint(dirpath=tmp_path, monitor="train_loss")
    trainer = plain_trainer(tmp_path, callbacks=[keep])
    trainer.fit(module, loader)
    assert trainer.callback_metrics["train_loss"].item() == pytest.approx(expected, rel=1e-6)
    assert keep.best_model_score == trainer.callback_metrics["train_loss"]


@in_a_plain_trainer
def test_what_validation_logged_of_the_training_stays_when_batches_follow_it(
    loader: DataLoader, tmp_path: Path
) -> None:
    module = frozen_classifier()
    losses = losses_in_training(module, loader)
    trainer = plain_trainer(tmp_path, val_check_interval=2, enable_checkpointing=False)
    trainer.fit(module, loader, loader)
    logged = trainer.callback_metrics["train_loss"].item()
    assert len(losses) == 3
    assert logged == pytest.approx(np.mean(losses[:2]), rel=1e-6)


@in_a_plain_trainer
def test_every_second_epoch_may_validate(loader: DataLoader, tmp_path: Path) -> None:
    keep = ModelCheckpoint(
        dirpath=tmp_path,
        filename="{epoch}-{train_loss:.4f}",
        monitor="train_loss",
        save_top_k=-1,
        save_on_train_epoch_end=True,
    )
    trainer = plain_trainer(tmp_path, max_epochs=3, check_val_every_n_epoch=2, callbacks=[keep])
    trainer.fit(frozen_classifier(training={"warmup_epochs": 0}), loader, loader)
    # Each epoch has its own mean: three files with three numbers.
    assert len({name.rpartition("-")[2] for name in keep.best_k_models}) == 3


@in_a_plain_trainer
def test_a_test_gives_the_means_and_a_prediction_the_logits(tmp_path: Path) -> None:
    module = frozen_classifier().eval()
    x, y = torch.rand(10, 3, 8, 8), torch.arange(10) % 4
    data = TensorDataset(x, y)
    trainer = plain_trainer(tmp_path)
    (tested,) = trainer.test(module, DataLoader(data, batch_size=8), verbose=False)
    logits = module(x).detach()
    assert tested == {
        "test_loss": pytest.approx(F.cross_entropy(logits, y).item(), rel=1e-6),
        "test_accuracy": pytest.approx((logits.argmax(1) == y).float().mean().item()),
    }
    for batches in (data, TensorDataset(x), x):
        predicted = trainer.predict(module, DataLoader(batches, batch_size=8))
        assert torch.allclose(torch.cat(predicted), logits, atol=1e-6)


@in_a_plain_trainer
def test_a_prediction_heeds_the_mask(tmp_path: Path) -> None:
    module = frozen_classifier(backbone={"name": "sequence_resnet8"}).eval()
    x, mask = torch.rand(4, 3, 20), torch.arange(20) < torch.tensor([[20], [5], [9], [1]])
    data = DataLoader(TensorDataset(x, torch.arange(4), mask), batch_size=4)
    (predicted,) = plain_trainer(tmp_path).predict(module, data)
    assert torch.equal(predicted, module(x, mask))
    assert not torch.allclose(predicted, module(x))


@pytest.mark.parametrize("squeeze", ["avg", "max", "l2", "attention", "lse"])
@pytest.mark.parametrize("kind", [torch.float32, torch.int64, torch.uint8])
def test_a_mask_of_ones_and_zeros_is_as_good_as_one_of_truths(
    squeeze: str, kind: torch.dtype
) -> None:
    module = frozen_classifier(backbone={"name": "sequence_resnet8"}, squeeze=squeeze).eval()
    x, mask = torch.rand(4, 3, 20), torch.arange(20) < torch.tensor([[20], [5], [9], [1]])
    assert torch.equal(module(x, mask.to(kind)), module(x, mask))


def test_a_mask_on_images_is_refused() -> None:
    message = (
        "a mask needs a network for sequences, but `backbone.name` is 'cifar_resnet8'; leave the mask out of the "
        "batches, or choose a network like 'sequence_resnet8'."
    )
    with pytest.raises(SettingError, match=re.escape(message)):
        frozen_classifier()(torch.rand(2, 3, 8, 8), torch.ones(2, 8, 8))


def test_lengths_are_no_mask() -> None:
    module = frozen_classifier(backbone={"name": "sequence_resnet8"})
    message = "a mask must have shape (n, length), here (2, 20), but has (2,)."
    with pytest.raises(SettingError, match=re.escape(message)):
        module(torch.rand(2, 3, 20), torch.tensor([20, 5]))


class WithoutLength(IterableDataset):
    def __iter__(self):
        return iter([(torch.rand(3, 8, 8), 0)] * 16)


@in_a_plain_trainer
@pytest.mark.parametrize(
    ("has_length", "epochs"), [(True, -1), (False, 2)], ids=["epochs", "batches"]
)
def test_a_schedule_without_an_end_is_refused(
    has_length: bool, epochs: int, loader: DataLoader, tmp_path: Path
) -> None:
    batches = {False: DataLoader(WithoutLength(), batch_size=8), True: loader}[has_length]
    message = (
        "the learning rate follows a schedule, so the Trainer must know its number of steps: set `max_epochs` or, "
        f"for a loader without a length, `max_steps`; but they are {epochs} and -1."
    )
    trainer = plain_trainer(tmp_path, max_epochs=epochs, enable_checkpointing=False)
    with pytest.raises(SettingError, match=re.escape(message)):
        trainer.fit(frozen_classifier(), batches)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"backbone": "cifar_resnet20"},
            "`backbone` must be a `settings.Backbone`, or a dict of its values like {'name': 'cifar_resnet8'}, but "
            "got 'cifar_resnet20'.",
        ),
        (
            {"training": 30},
            "`training` must be a `settings.Training`, or a dict of its values like {'recipe': 'own'}, but got 30.",
        ),
        ({"classes": 0}, "`classes` must be a whole number of at least 1, but got 0."),
        ({"classes": "3"}, "`classes` must be a whole number of at least 1, but got '3'."),
        ({"in_channels": -1}, "`in_channels` must be a whole number of at least 1, but got -1."),
    ],
)
def test_an_argument_that_makes_no_network_is_refused(given: dict, message: str) -> None:
    with pytest.raises(SettingError, match=re.escape(message)):
        frozen_classifier(**given)


def test_numbers_of_numpy_are_kept_as_plain_ones() -> None:
    kept = frozen_classifier(classes=np.int64(4)).hparams["classes"]
    assert (kept, type(kept)) == (4, int)


@in_a_plain_trainer
def test_the_batches_of_one_step_draw_each_their_own(loader: DataLoader, tmp_path: Path) -> None:
    names = []

    class Watched(AttentionClassifier):
        def _step_name(self) -> str:
            names.append(super()._step_name())
            return names[-1]

    module = Watched(in_channels=3, classes=4, training={"warmup_epochs": 0}, seed=0)
    plain_trainer(tmp_path, accumulate_grad_batches=2).fit(module, loader)
    assert names == ["0", "0/1", "1"]


@in_a_plain_trainer
def test_the_average_of_the_weights_is_what_is_left_at_the_end(
    loader: DataLoader, tmp_path: Path
) -> None:
    def trained(decay: float) -> torch.Tensor:
        recipe = {"warmup_epochs": 0, "ema_decay": decay}
        module = AttentionClassifier(in_channels=3, classes=4, training=recipe, seed=0)
        weights = []

        class Walk(pl.Callback):
            def on_train_batch_end(self, *_: object) -> None:
                weights.append(next(module.parameters()).detach().clone())

        options = {"callbacks": [Walk()], "enable_checkpointing": False}
        plain_trainer(tmp_path, **options).fit(module, loader)
        return torch.stack([*weights, next(module.parameters()).detach()])

    w1, w2, w3, end = trained(0.75)
    assert torch.allclose(end, 0.75 * (0.75 * w1 + 0.25 * w2) + 0.25 * w3, atol=1e-6)
    *_, last, plain_end = trained(0.0)
    assert torch.equal(last, plain_end)


@in_a_plain_trainer
def test_a_long_gradient_is_shortened(loader: DataLoader, tmp_path: Path) -> None:
    lengths = []

    class Watched(AttentionClassifier):
        def on_before_zero_grad(self, optimizer) -> None:
            grads = [p.grad for p in self.parameters() if p.grad is not None]
            if grads:
                lengths.append(torch.cat([grad.flatten() for grad in grads]).norm().item())

    recipe = {"warmup_epochs": 0, "clip_norm": 0.01}
    module = Watched(in_channels=3, classes=4, training=recipe, seed=0)
    plain_trainer(tmp_path, max_epochs=2).fit(module, loader)
    assert lengths
    assert lengths == pytest.approx([0.01] * len(lengths), rel=1e-3)
