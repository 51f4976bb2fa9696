"""The module in a user's own Trainer, with every option of it."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import torch
from lightning.pytorch import callbacks
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.tuner import Tuner
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.data import DataLoader, TensorDataset

from ablations.subjects.attention.training import module as code
from ablations.subjects.attention.training.module import AttentionClassifier
from ablations.torch_options import options_kept

pytestmark = [
    pytest.mark.filterwarnings(f"ignore:{message}")
    for message in (
        "The .*_dataloader.* does not have many workers",
        "The number of training batches",
        "You defined a `validation_step` but have no `val_dataloader`",
        "Checkpoint directory .* exists",
        ".*LeafSpec.*",
        "You have overridden `on_.*` which is not supported in barebones",
        ".*in a `barebones` Trainer.*",
        ".*`self.log.*barebones",
        "Precision 16-mixed is not supported",
        "You have overridden .* in the LightningModule but Trainer.barebones",
        "Detected call of `lr_scheduler.step",
        "Swapping scheduler",
        "SWA is currently only supported every epoch",
        "When using `Trainer.accumulate_grad_batches",
    )
]


def loader(*, soft: bool = False, count: int = 24) -> DataLoader[Any]:
    """Four classes of images that a network tells apart: each has one bright corner."""
    y = torch.arange(count) % 4
    x = torch.rand(count, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    for i, label in enumerate(y.tolist()):
        x[i, 0, 4 * (label // 2) : 4 * (label // 2) + 4, 4 * (label % 2) : 4 * (label % 2) + 4] += 2
    labels = F.one_hot(y, 4).float() if soft else y
    return DataLoader(TensorDataset(x, labels), batch_size=8)


def module(
    kind: type[AttentionClassifier] = AttentionClassifier, **recipe: Any
) -> AttentionClassifier:
    return kind(
        in_channels=1, classes=4, reduction=4, seed=0, backbone={"width": 8},
        training={"warmup_epochs": 0, "learning_rate": 0.02, **recipe},
    )  # fmt: skip


def trainer(folder: Path, **options: Any) -> pl.Trainer:
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    plain = {"max_epochs": 1, "enable_checkpointing": False, **quiet}
    return pl.Trainer(accelerator="cpu", default_root_dir=folder, **{**plain, **options})


OPTIONS: dict[str, dict[str, Any]] = {
    "bf16 mixed": {"precision": "bf16-mixed"},
    "bf16 mixed, clipped": {"precision": "bf16-mixed", "gradient_clip_val": 0.5},
    "bf16 true": {"precision": "bf16-true"},
    "half": {"precision": "16-true"},
    "double, clipped by value": {
        "precision": "64-true", "gradient_clip_val": 0.5, "gradient_clip_algorithm": "value",
    },
    "accumulated": {"accumulate_grad_batches": 2},
    "anomalies": {"detect_anomaly": True},
    "deterministic": {"deterministic": True},
    "overfit": {"overfit_batches": 1},
    "fast": {"fast_dev_run": True},
    "limited": {"limit_train_batches": 0.5, "limit_val_batches": 1},
    "no validation": {"limit_val_batches": 0},
    "validation in between": {"val_check_interval": 1},
    "validation by steps": {"check_val_every_n_epoch": None, "val_check_interval": 2},
    "steps": {"max_epochs": -1, "max_steps": 2},
    "time": {"max_time": {"minutes": 1}, "min_epochs": 1},
    "barebones": {
        "barebones": True, "logger": None, "enable_progress_bar": None, "enable_model_summary": None,
        "enable_checkpointing": None,
    },
    "profiled": {"profiler": "simple"},
    "no inference mode": {"inference_mode": False},
    "sanity": {"num_sanity_val_steps": 2, "reload_dataloaders_every_n_epochs": 1, "max_epochs": 2},
    "averaged": {"callbacks": [callbacks.StochasticWeightAveraging(swa_lrs=1e-2, swa_epoch_start=1)],
                 "max_epochs": 3},
    "scheduled": {"callbacks": [callbacks.GradientAccumulationScheduler({1: 2})], "max_epochs": 2},
    "watched": {"callbacks": [callbacks.EarlyStopping("val_loss"), callbacks.Timer()],
                "max_epochs": 2},
}  # fmt: skip


@pytest.fixture
def torch_as_it_was() -> Iterator[None]:
    """A Trainer sets torch for its whole process, and so for the tests after this one."""
    with options_kept():
        yield


@pytest.mark.usefixtures("torch_as_it_was")
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_the_module_trains_with_every_option(options: dict[str, Any], tmp_path: Path) -> None:
    trained = module()
    before = [p.detach().clone() for p in trained.parameters()]
    trainer(tmp_path, **options).fit(trained, loader(), loader())
    after = [p.detach() for p in trained.parameters()]
    assert all(p.isfinite().all() for p in after)
    assert any(not torch.equal(a, b.float()) for a, b in zip(before, after, strict=True))


def test_a_logger_gets_the_rates_and_the_means(tmp_path: Path) -> None:
    logger = CSVLogger(tmp_path)
    watch = [callbacks.LearningRateMonitor(), callbacks.ModelCheckpoint(monitor="val_loss")]
    trainer(
        tmp_path, logger=logger, callbacks=watch, log_every_n_steps=1, enable_checkpointing=True
    ).fit(module(), loader(), loader())
    told = Path(logger.log_dir, "metrics.csv").read_text().partition("\n")[0].split(",")
    assert {"lr-SGD", "train_loss", "val_loss", "val_accuracy"} <= set(told)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed", "bf16-true"])
def test_every_precision_learns(precision: Any, optimizer: str, tmp_path: Path) -> None:
    learns = module(optimizer=optimizer)
    done = trainer(tmp_path, precision=precision, gradient_clip_val=1.0, max_epochs=8)
    done.fit(learns, loader(), loader())
    fused = done.optimizers[0].param_groups[0]["fused"]
    assert bool(fused) == (precision == "32-true")
    assert done.callback_metrics["val_accuracy"] > 0.9


def test_lr_find_finds_a_rate_and_training_uses_it(tmp_path: Path) -> None:
    tuned, done = module(), trainer(tmp_path, max_epochs=2)
    found = Tuner(done).lr_find(tuned, loader(count=64), num_training=20, early_stop_threshold=None)
    suggested = found.suggestion(skip_begin=1, skip_end=1)
    assert suggested is not None
    tuned.learning_rate = 0.004
    assert (tuned.recipe.learning_rate, tuned.hparams["training"]["learning_rate"]) == (
        0.004,
        0.004,
    )
    done.fit(tuned, loader())
    assert done.optimizers[0].param_groups[0]["initial_lr"] == 0.004


def test_each_of_several_validation_loaders_has_its_own_numbers(tmp_path: Path) -> None:
    trained, done = module(), trainer(tmp_path)
    done.fit(trained, loader(), [loader(), loader(count=8), loader(count=12)])
    logged = dict(done.callback_metrics)
    for suffix, count in (("", 24), ("_1", 8), ("_2", 12)):
        x, y = loader(count=count).dataset.tensors
        with torch.no_grad():
            logits = trained.eval()(x)
        assert float(logged[f"val_loss{suffix}"]) == pytest.approx(
            float(F.cross_entropy(logits, y)), rel=1e-5
        )
        assert float(logged[f"val_accuracy{suffix}"]) == pytest.approx(
            float((logits.argmax(1) == y).float().mean())
        )
    tested = done.test(trained, [loader(), loader(count=8)], verbose=False)
    assert {"test_loss", "test_loss_1", "test_accuracy_1"} <= set(tested[0])
    assert len(done.predict(trained, [loader(), loader()])) == 2


def test_soft_labels_count_by_their_likeliest_class(tmp_path: Path) -> None:
    hard, soft = (dict[str, Tensor](), dict[str, Tensor]())
    for found, is_soft in ((hard, False), (soft, True)):
        done = trainer(tmp_path)
        done.fit(module(), loader(soft=is_soft), loader(soft=is_soft))
        found.update(done.callback_metrics)
    assert {k: float(v) for k, v in soft.items()} == pytest.approx(
        {k: float(v) for k, v in hard.items()}
    )


class WithHead(AttentionClassifier):
    """A subclass with a head of its own."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.head = nn.Linear(4, 4)

    def forward(self, x: Tensor, *mask: Tensor) -> Tensor:
        return self.head(super().forward(x, *mask))


def test_what_a_subclass_adds_is_trained(tmp_path: Path) -> None:
    trained = module(WithHead)
    before = trained.head.weight.detach().clone()
    trainer(tmp_path).fit(trained, loader())
    assert not torch.equal(trained.head.weight, before)


def test_batches_that_one_step_gathers_have_draws_of_their_own(tmp_path: Path) -> None:
    drawn: list[float] = []

    class Draws(AttentionClassifier):
        def forward(self, x: Tensor, *mask: Tensor) -> Tensor:
            drawn.append(float(torch.rand(())))
            return super().forward(x, *mask)

    trainer(tmp_path, accumulate_grad_batches=3).fit(module(Draws), loader())
    assert len(set(drawn)) == 3
    assert all(math.isfinite(x) for x in drawn)


class No64Bits(TorchDispatchMode):
    """As on a device of Apple's."""

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        made = function(*args, **(kwargs or {}))
        for one in tree_leaves(made):
            if isinstance(one, Tensor) and one.dtype == torch.float64:
                raise TypeError(f"{function} made a float64")
        return made


def test_nothing_makes_a_float64_where_the_device_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trained() -> None:
        made = module(mixup=0.2, cutmix=1.0, ema_decay=0.9, clip_norm=1.0, stochastic_depth=0.2)
        batches, own = loader(), trainer(tmp_path, max_epochs=1)
        with No64Bits():
            own.fit(made, batches, batches)
            own.test(made, batches, verbose=False)

    with pytest.raises(TypeError, match="made a float64"):
        trained()  # the means of an epoch, where there are 64 bits
    exact = code._exact
    monkeypatch.setattr(code, "_exact", lambda device: exact("mps"))
    trained()
