import logging
import os
import sys
from enum import Enum
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import torch
from lightning.pytorch.callbacks import (
    EarlyStopping,
    ModelCheckpoint,
    StochasticWeightAveraging,
)
from lightning.pytorch.loggers import CSVLogger
from torch import Tensor, nn

from ablations.errors import NonFinite, NotMeasured, SettingError
from ablations.subjects.lightning.epoch_rule import EpochRule
from ablations.subjects.lightning.fit import Outcome, fit
from ablations.subjects.lightning.pairing.construct import construct
from ablations.torch_options import OPTIONS, WITH_DETERMINISTIC

sys.path.insert(0, str(Path(__file__).parent))

from prices import Folder, Houses, Interrupted, Prices

LAST = EpochRule(metric="val_mae")
BEST = EpochRule(metric="val_mae", at="best")


def callbacks(folder: Path) -> list[pl.Callback]:
    return [
        EarlyStopping("val_mae", patience=2),
        ModelCheckpoint(folder / "mine" / "deep", monitor="val_mae", save_top_k=2),
    ]


def trained(
    folder: Path,
    *,
    context: Folder | None = None,
    workers: int = 0,
    rule: EpochRule = BEST,
    lr: float = 0.05,
    **options: Any,
) -> tuple[Outcome, Prices]:
    every = options.get("check_val_every_n_epoch", 1)
    module = construct(lambda: Prices(lr=lr, frequency=every), seed=1).module
    given = {"max_epochs": 5, "callbacks": callbacks(folder), **options}
    outcome = fit(
        module,
        Houses(workers=workers),
        rule=rule,
        trainer_options=given,
        seed=1,
        context=context or Folder(folder),
        test=True,
        checkpoint_seconds=0,
    )
    return outcome, module


def equal(first: nn.Module, second: nn.Module) -> bool:
    a, b = first.state_dict(), second.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


EVERYTHING = {
    "accumulate_grad_batches": 2,
    "gradient_clip_val": 0.5,
    "precision": "bf16-mixed",
    "val_check_interval": 0.5,
}


@pytest.mark.parametrize(
    ("options", "stop"),
    [
        ({}, {"stop_after": 1}),
        ({}, {"stop_after": 4}),
        ({}, {"kill_at_step": 20}),
        (EVERYTHING, {"stop_after": 2}),
        (EVERYTHING, {"kill_at_step": 20}),
        ({"check_val_every_n_epoch": 2}, {"stop_after": 1}),
        ({"check_val_every_n_epoch": 2}, {"stop_after": 2}),
    ],
    ids=str,
)
def test_an_interrupted_training_ends_as_one_that_was_not(
    tmp_path: Path, stop: dict[str, int], options: dict[str, Any]
) -> None:
    whole, module = trained(tmp_path / "whole", **options)
    folder = tmp_path / "parts"
    with pytest.raises(Interrupted):
        trained(folder, context=Folder(folder, **stop), **options)
    parts, resumed = trained(folder, **options)
    assert equal(module, resumed)
    assert (parts.metrics, parts.epoch, parts.epochs_run, parts.tested) == (
        whole.metrics,
        whole.epoch,
        whole.epochs_run,
        whole.tested,
    )
    mine = [sorted((tmp_path / one / "mine/deep").iterdir()) for one in ("whole", "parts")]
    assert [file.name for file in mine[0]] == [file.name for file in mine[1]] != []


def test_early_stopping_that_had_decided_stays_decided(tmp_path: Path) -> None:
    whole, module = trained(tmp_path / "whole", max_epochs=30, lr=0.5)
    assert 2 < whole.epochs_run < 30
    folder = tmp_path / "parts"
    with pytest.raises(Interrupted):
        trained(folder, context=Folder(folder, stop_after=whole.epochs_run), max_epochs=30, lr=0.5)
    parts, resumed = trained(folder, max_epochs=30, lr=0.5)
    assert parts.epochs_run == whole.epochs_run
    assert parts.tested == whole.tested
    assert equal(module, resumed)


def test_the_plateaus_step_is_taken_over_an_interruption(tmp_path: Path) -> None:
    watched = {"callbacks": [], "max_epochs": 8, "lr": 0.5}
    rates = Folder(tmp_path / "whole")
    trained(tmp_path / "whole", context=rates, **watched)
    seen = [record["learning_rate"] for record in rates.records]
    assert len(set(seen)) > 2
    for epoch in range(1, 8):
        folder = tmp_path / str(epoch)
        with pytest.raises(Interrupted):
            trained(folder, context=Folder(folder, stop_after=epoch), **watched)
        again = Folder(folder)
        trained(folder, context=again, **watched)
        assert [record["learning_rate"] for record in again.records] == seen[epoch:]


def test_persistent_workers_and_averaged_weights_resume_to_the_bit(tmp_path: Path) -> None:
    def options() -> dict[str, Any]:
        averaging = StochasticWeightAveraging(0.01, swa_epoch_start=2, annealing_epochs=1)
        return {"callbacks": [averaging], "workers": 2, "rule": LAST}

    _, here = trained(tmp_path / "here", **{**options(), "workers": 0})
    _, module = trained(tmp_path / "whole", **options())
    assert equal(here, module)
    folder = tmp_path / "parts"
    with pytest.raises(Interrupted):
        trained(folder, context=Folder(folder, kill_at_step=15), **options())
    _, resumed = trained(folder, **options())
    assert equal(module, resumed)


def test_two_seeds_see_other_data_and_two_arms_of_one_seed_the_same(tmp_path: Path) -> None:
    def digests(hidden: int, seed: int) -> tuple[str, ...]:
        module = construct(lambda: Prices(hidden=hidden), seed=seed).module
        options = {"max_epochs": 1}
        return fit(module, Houses(), rule=LAST, trainer_options=options, seed=seed).digests

    assert digests(8, 0) == digests(16, 0) != digests(8, 1)
    assert len(digests(8, 0)) == 2


def test_the_records_have_the_names_that_the_module_logs(tmp_path: Path) -> None:
    context = Folder(tmp_path)
    outcome, _ = trained(tmp_path, context=context, rule=LAST, check_val_every_n_epoch=2)
    names = {"train/mse", "train/mse_epoch", "epoch", "learning_rate", "seconds"}
    assert [set(record) - {"val_mae"} for record in context.records] == [names] * 5
    # An epoch without validation does not show the last one's.
    assert ["val_mae" in record for record in context.records] == [False, True, False, True, False]
    assert (outcome.epoch, outcome.epochs_run) == (4, 5)
    assert outcome.metrics["val_mae"] == context.records[3]["val_mae"]
    assert set(outcome.tested) == {"test_mae"}


def test_the_best_epoch_is_the_best_and_its_weights_are_tested(tmp_path: Path) -> None:
    context = Folder(tmp_path)
    outcome, _ = trained(tmp_path, context=context, max_epochs=8, callbacks=[], lr=0.5)
    values = [record["val_mae"] for record in context.records]
    assert outcome.metrics["val_mae"] == min(values) < values[-1]
    assert outcome.epoch == 1 + values.index(min(values))
    # The test rows are the validation rows.
    assert outcome.tested["test_mae"] == pytest.approx(min(values), rel=1e-5)


def test_larger_can_be_better() -> None:
    rule = EpochRule(metric="accuracy", direction="maximize", at="best")
    assert rule.prefers({"accuracy": 0.9}, {"accuracy": 0.8})
    assert not rule.prefers({"accuracy": 0.8}, {"accuracy": 0.8})
    assert not rule.prefers({"accuracy": float("nan")}, {})
    assert not rule.prefers({"loss": 1.0}, {})


def test_the_users_loggers_and_callbacks_are_kept(tmp_path: Path) -> None:
    class Counts(pl.Callback):
        epochs = 0

        def on_train_epoch_end(self, *_: Any) -> None:
            self.epochs += 1

    counts, logger = Counts(), CSVLogger(tmp_path / "logs")
    trained(tmp_path, callbacks=counts, logger=logger, log_every_n_steps=2)
    assert counts.epochs == 5
    assert "val_mae" in (Path(logger.log_dir) / "metrics.csv").read_text()


def test_checkpoints_that_the_module_brings_come_before_the_one_to_resume_from(
    tmp_path: Path,
) -> None:
    class Brings(Prices):
        def configure_callbacks(self) -> list[pl.Callback]:
            return [ModelCheckpoint(tmp_path / "brought", monitor="val_mae")]

    fit(
        Brings(),
        Houses(),
        rule=LAST,
        trainer_options={"max_epochs": 2},
        seed=0,
        context=Folder(tmp_path),
        checkpoint_seconds=0,
    )
    saved = torch.load(tmp_path / "checkpoint.ckpt", weights_only=True)
    (key,) = (name for name in saved["callbacks"] if name.startswith("ModelCheckpoint"))
    assert saved["callbacks"][key]["best_model_path"].endswith(".ckpt")


def test_loaders_without_a_data_module_train_too() -> None:
    houses = Houses()
    loaders = houses.train_dataloader(), houses.val_dataloader()
    outcome = fit(Prices(), loaders, rule=LAST, trainer_options={"max_epochs": 1}, seed=0)
    assert outcome.metrics["val_mae"] is not None
    with pytest.raises(
        SettingError, match=r"^data must be a LightningDataModule, a loader to train"
    ):
        fit(Prices(), (1, 2, 3), rule=LAST, trainer_options={"max_epochs": 1}, seed=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"devices": 2}, r"^`trainer\.devices` is set by the framework\. The engine places runs: "),
        ({"strategy": "ddp"}, r"^`trainer\.strategy` is set by the framework\. The engine"),
        ({"plugins": []}, r"^`trainer\.plugins` is set by the framework\. A run has its own"),
        ({"enable_checkpointing": False}, r"put a `ModelCheckpoint` among the `callbacks` for yours\.$"),
        ({"overfit_batches": 1}, r"`limit_train_batches` says openly how much\.$"),
        ({"logger": False}, r"^`trainer\.logger` must be a logger or a list of loggers, but got False\."),
        ({"max_epoch": 3}, r"Did you mean 'max_epochs'\?$|the nearest (is|are) 'max_epochs'"),
        ({}, r"^`trainer\.max_epochs` must be given \(or `trainer\.max_steps`\)"),
    ],
)  # fmt: skip
def test_options_of_the_framework_and_unknown_ones_are_refused(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(SettingError, match=message):
        fit(Prices(), Houses(), rule=LAST, trainer_options=options, seed=0)


def one_epoch(module: Any, data: Any, **options: Any) -> Outcome:
    given = {"rule": LAST, "trainer_options": {"max_epochs": 1}, "seed": 0, **options}
    return fit(module, data, **given)


class Setting(Prices):
    """Changes what holds for the whole process."""

    def on_fit_start(self) -> None:
        torch.set_float32_matmul_precision("medium")
        torch.set_num_threads(torch.get_num_threads() + 1)
        self.there = seen()


def seen() -> list[object]:
    """What a process has of torch's and of Lightning's."""
    options = [read(torch) for _, read, _ in OPTIONS]
    notes = logging.getLogger("lightning.pytorch").level
    return [*options, torch.get_num_threads(), os.environ.get(WITH_DETERMINISTIC), notes]


@pytest.mark.parametrize("options", [{"deterministic": True}, {"benchmark": True}], ids=str)
def test_a_training_leaves_the_users_own_process_as_it_was(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(WITH_DETERMINISTIC, raising=False)
    # As torch and Lightning start, whatever ran in this process before: runs in threads leave the level.
    for start, _, write in OPTIONS:
        write(torch, start)
    logging.getLogger("lightning.pytorch").setLevel(logging.INFO)
    before, module = seen(), Setting()
    one_epoch(module, Houses(), trainer_options={"max_epochs": 1, **options})
    changed = sum(a != b for a, b in zip(before, module.there, strict=True))
    assert changed == 3 + 2 * ("deterministic" in options) + ("benchmark" in options)
    assert seen() == before


def test_a_metric_that_is_never_logged_is_said_with_those_that_are() -> None:
    rule = EpochRule(metric="val_loss")
    with pytest.raises(
        NotMeasured,
        match=r"^the metric 'val_loss' was not logged in epoch 1; what was: 'train/mse', 'train/mse_epoch', "
        r"'val_mae'\. Log it with `self\.log\('val_loss', \.\.\.\)`, or name one that is logged\.$",
    ):
        one_epoch(Prices(), Houses(), rule=rule)


@pytest.mark.filterwarnings("ignore:You defined a `validation_step` but have no")
def test_data_without_validation_are_said_to_be_so() -> None:
    class Steady(Prices):
        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.01)

    class Unchecked(pl.LightningDataModule):
        def train_dataloader(self) -> Any:
            return Houses().train_dataloader()

    with pytest.raises(SettingError, match=r"`Unchecked` has no `val_dataloader`, so nothing is"):
        one_epoch(Prices(), Unchecked())
    assert one_epoch(Steady(), Unchecked(), rule=EpochRule(metric="train/mse")).epochs_run == 1


def test_a_metric_that_is_nan_ends_the_run_and_another_is_recorded_as_none(tmp_path: Path) -> None:
    class Broken(Prices):
        def validation_step(self, batch: list[Tensor], _: int) -> None:
            self.log("val_mae", torch.tensor(1.0))
            self.log("val_auc", torch.tensor(float("nan")))

    with pytest.raises(
        NonFinite, match=r"^`val_auc` must be finite, but is nan after epoch 1: the"
    ):
        one_epoch(Broken(), Houses(), rule=EpochRule(metric="val_auc"))
    assert one_epoch(Broken(), Houses()).metrics["val_auc"] is None


def test_a_hyperparameter_that_no_checkpoint_can_hold_is_named(tmp_path: Path) -> None:
    class Norm(Enum):
        BATCH = "batch"

    class Named(Prices):
        def __init__(self, norm: Norm) -> None:
            super().__init__()
            self.save_hyperparameters()

    with pytest.raises(
        SettingError,
        match=r"^`Named` saves the hyperparameter `norm` = <Norm\.BATCH: 'batch'>, a Norm, which a checkpoint that "
        r"runs no code .* `self\.save_hyperparameters\(ignore=\['norm'\]\)`, or pass plain text or a number\.$",
    ):
        one_epoch(Named(Norm.BATCH), Houses(), context=Folder(tmp_path))


def test_what_a_test_needs_is_asked_for_before_the_training() -> None:
    class Untested(pl.LightningDataModule):
        def train_dataloader(self) -> Any:
            raise AssertionError("not before the check")

    with pytest.raises(SettingError, match=r"^a test at the end needs `test_dataloader`, which"):
        one_epoch(Prices(), Untested(), test=True)
    with pytest.raises(SettingError, match=r"^a test of the best epoch needs a folder"):
        one_epoch(Prices(), Houses(), test=True, rule=BEST)


def test_what_is_no_lightning_module_is_refused() -> None:
    with pytest.raises(
        SettingError, match=r"^what is trained must be a LightningModule, but got a L"
    ):
        one_epoch(nn.Linear(1, 1), Houses())


def test_an_epoch_that_never_ends_is_said() -> None:
    with pytest.raises(SettingError, match=r"^the training ended before its first epoch did: "):
        one_epoch(Prices(), Houses(), trainer_options={"max_epochs": 1, "limit_train_batches": 0})
