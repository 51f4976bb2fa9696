"""One run: settings in, outcome out, through Lightning's `Trainer.fit`."""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import lightning.pytorch as pl
import torch
from lightning.pytorch.plugins.io import CheckpointIO

from ablations.augmentation import AUGMENTATIONS
from ablations.batches import Batches
from ablations.checkpoint import AtomicCheckpointIO
from ablations.data import Images, Split, load
from ablations.module import AttentionClassifier
from ablations.settings import Data, Run

CHECKPOINT_SECONDS = 10.0
"""A checkpoint is written at the end of an epoch if the last one is older than this."""

VALIDATION_BATCH = 1024


class NonFinite(ArithmeticError):
    """The loss became NaN or infinite: the run diverged."""


@dataclass(frozen=True)
class Outcome:
    """What a finished training measured. Losses in nats per image, of the last epoch."""

    epochs_run: int
    train_loss: float
    val_loss: float
    val_accuracy: float
    device: str


class RunContext(Protocol):
    """What the engine gives to a run (`ablations.engine.context`)."""

    folder: Path
    device: str
    threads: int

    def epoch(self, record: dict[str, Any]) -> None:
        """Take an epoch's record; raises to stop the run."""


def train_run(settings: dict[str, Any], context: RunContext) -> dict[str, Any]:
    """Train one run for the engine; goes on from `checkpoint.ckpt` in the run's folder if it is there."""
    torch.set_num_threads(context.threads)
    outcome = train(
        Run(**settings),
        device=context.device,
        on_epoch=context.epoch,
        checkpoint=context.folder / "checkpoint.ckpt",
    )
    return asdict(outcome)


def train(
    run: Run,
    *,
    device: str = "cpu",
    on_epoch: Callable[[dict[str, Any]], None] | None = None,
    checkpoint: Path | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> Outcome:
    """Train one run to its last epoch.

    Args:
        run: What to train.
        device: A torch device, for example `cpu` or `cuda:0`.
        on_epoch: Called after each epoch with its record (`docs/study-folder.md`, epochs.jsonl);
            raising in it stops the run.
        checkpoint: Where the last whole epoch is kept; the run goes on from it if it exists, and
            then ends bit-equal to a run that was never interrupted.
        checkpoint_seconds: Least age of the last checkpoint before the next one is written.

    Raises:
        NonFinite: If a loss becomes NaN or infinite.
        SettingError: If the settings do not fit the data or the network.
    """
    split = _on_device(run.arm.data, device)
    module = AttentionClassifier(
        in_channels=split.in_channels,
        classes=split.classes,
        backbone=run.arm.backbone,
        training=run.arm.training,
        seed=run.seed,
        **run.arm.attention.model_dump(),
    ).to(memory_format=torch.channels_last)
    watch = _Watch(on_epoch)
    keep = _Keep(checkpoint, checkpoint_seconds) if checkpoint is not None else None
    trainer = _trainer(run, device=device, callbacks=[watch, *([keep] if keep else [])])
    recipe = run.arm.training
    trainer.fit(
        module,
        Batches(
            split.train,
            batch_size=recipe.batch_size,
            seed=run.seed,
            epoch=lambda: trainer.current_epoch,
            augment=AUGMENTATIONS[run.arm.data.augmentation],
            rank=trainer.global_rank,
            world_size=trainer.world_size,
        ),
        Batches(
            split.val,
            batch_size=VALIDATION_BATCH,
            rank=trainer.global_rank,
            world_size=trainer.world_size,
        ),
        ckpt_path=checkpoint if checkpoint is not None and checkpoint.exists() else None,
        weights_only=True,
    )
    last = watch.last
    return Outcome(
        epochs_run=last["epoch"],
        train_loss=last["train_loss"],
        val_loss=last["val_loss"],
        val_accuracy=last["val_accuracy"],
        device=_device_name(device),
    )


def _trainer(run: Run, *, device: str, callbacks: list[pl.Callback]) -> pl.Trainer:
    # Its notes for beginners, once per run, would bury what a run itself prints.
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    kind, _, index = device.partition(":")
    plugins: list[CheckpointIO] = [AtomicCheckpointIO()]
    return pl.Trainer(
        max_epochs=run.arm.training.epochs,
        accelerator="gpu" if kind == "cuda" else kind,
        devices=[int(index or 0)] if kind == "cuda" else 1,
        logger=False,
        enable_checkpointing=False,  # ours is `_Keep`
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        callbacks=callbacks,
        plugins=plugins,  # type: ignore[arg-type]
    )


class _Watch(pl.Callback):
    """Hands each epoch's record on, refuses numbers that are none, and remembers the last."""

    def __init__(self, on_epoch: Callable[[dict[str, Any]], None] | None) -> None:
        self.on_epoch = on_epoch
        self.last: dict[str, Any] = {}
        self._began = time.monotonic()

    def state_dict(self) -> dict[str, Any]:
        return {"last": self.last}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.last = state_dict["last"]

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        del trainer, pl_module
        self._began = time.monotonic()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        del pl_module
        measured = {name: float(value) for name, value in trainer.callback_metrics.items()}
        self.last = {
            "epoch": trainer.current_epoch + 1,
            "train_loss": measured["train_loss"],
            "val_loss": measured["val_loss"],
            "val_accuracy": measured["val_accuracy"],
            "learning_rate": trainer.optimizers[0].param_groups[0]["lr"],
            "seconds": time.monotonic() - self._began,
        }
        for name in ("train_loss", "val_loss"):
            if not math.isfinite(self.last[name]):
                raise NonFinite(
                    f"`{name}` must be finite, but is {self.last[name]} after epoch "
                    f"{self.last['epoch']}; a smaller learning rate or a longer warm-up may help."
                )
        if self.on_epoch is not None and trainer.is_global_zero:
            self.on_epoch(self.last)


class _Keep(pl.Callback):
    """Writes the checkpoint at the end of an epoch, at most once in a while."""

    def __init__(self, path: Path, seconds: float) -> None:
        self.path, self.seconds = path, seconds
        self._saved = time.monotonic()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        del pl_module
        is_last = trainer.current_epoch + 1 == trainer.max_epochs
        if not is_last and time.monotonic() - self._saved >= self.seconds:
            trainer.save_checkpoint(self.path)
            self._saved = time.monotonic()


@lru_cache(maxsize=4)
def _on_device(data: Data, device: str) -> Split:
    """The split, kept on the device from one run of a worker to the next."""
    split = load(data)

    def put(images: Images) -> Images:
        x = images.x.to(device).contiguous(memory_format=torch.channels_last)
        return Images(x, images.y.to(device))

    return Split(put(split.train), put(split.val), classes=split.classes)


def _device_name(device: str) -> str:
    return torch.cuda.get_device_name(device) if device.startswith("cuda") else "cpu"
