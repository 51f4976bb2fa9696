from pathlib import Path

import lightning.pytorch as pl
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from ablations.errors import SettingError
from ablations.module import AttentionClassifier


@pytest.fixture
def loader() -> DataLoader:
    x = torch.rand(24, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    return DataLoader(TensorDataset(x, torch.arange(24) % 4), batch_size=8)


def plain_trainer(folder: Path, **options) -> pl.Trainer:
    return pl.Trainer(
        max_epochs=1,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=folder,
        **options,
    )


@pytest.mark.filterwarnings("ignore:The .*_dataloader.* does not have many workers")
@pytest.mark.filterwarnings("ignore:The number of training batches")
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


def test_the_logged_means_are_over_images_not_over_batches(tmp_path: Path) -> None:
    module = AttentionClassifier(in_channels=1, classes=2, placement="none", seed=0).eval()
    x, y = torch.rand(10, 1, 8, 8), torch.arange(10) % 2
    loader = DataLoader(TensorDataset(x, y), batch_size=8)  # batches of 8 and 2
    with pytest.warns(UserWarning, match="does not have many workers"):
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
