"""One run: settings in, outcome out, through Lightning's `Trainer.fit`."""

import logging
import math
import time
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import lightning.pytorch as pl
import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning.pytorch.profilers import PassThroughProfiler
from lightning.pytorch.strategies import DDPStrategy

from ablations.augmentation import AUGMENTATIONS
from ablations.batches import VALIDATION_BATCH, Batches, check_batches, validation_batch
from ablations.checkpoint import AtomicCheckpointIO
from ablations.data import fingerprint, on_device
from ablations.errors import SettingError
from ablations.examples import Split
from ablations.gate_statistics import GateRecorder
from ablations.identity import run_id
from ablations.latency import inference_milliseconds
from ablations.lockstep import Lockstep
from ablations.module import AttentionClassifier
from ablations.settings import Run
from ablations.stacking.classifier import SteppingClassifier

CHECKPOINT_SECONDS = 10.0
"""A checkpoint is written at the end of an epoch if the last one is older than this."""

NOT_OURS = (
    # torch 2.13 deprecates what lightning 2.6 still calls; drop when lightning does not.
    ".*LeafSpec.*",
    # The engine starts the processes, in a Slurm job too.
    "The `srun` command is available on your system but is not used",
    # What is logged is a mean over all ranks already.
    r"It is recommended to use `self\.log\(.*sync_dist=True\)`",
)
"""Warnings that a run's log would be full of."""


class NonFinite(ArithmeticError):
    """The loss became NaN or infinite: the run diverged."""


@dataclass(frozen=True)
class Outcome:
    """What a finished training measured. Losses in nats per example, of the last epoch."""

    epochs_run: int
    train_loss: float
    val_loss: float
    val_accuracy: float
    device: str
    latency: float | None = None
    """Milliseconds of one example's forward pass; None where the recipe does not measure it."""
    stacked: int | None = None
    """Runs in the largest of its steps, where it was trained in step with others."""


class RunContext(Protocol):
    """What the engine gives to a run (`ablations.engine.context`)."""

    run: str
    folder: Path
    attempt_folder: Path
    device: str
    threads: int
    rank: int
    world_size: int
    lockstep: Lockstep | None

    def epoch(self, record: dict[str, Any]) -> None:
        """Take an epoch's record; raises to stop the run."""

    def beat(self) -> None:
        """Take note that the run makes progress."""


def train_run(settings: dict[str, Any], context: RunContext) -> dict[str, Any]:
    """Train one run for the engine; goes on from `checkpoint.ckpt` in the run's folder, if it is there."""
    torch.set_num_threads(context.threads)
    # Data sets too are read one at a time: a function of the user's may seed a global generator.
    with nullcontext() if context.lockstep is None else context.lockstep.joined():
        outcome = train(
            _planned(settings, context.run),
            device=context.device,
            rank=context.rank,
            world_size=context.world_size,
            on_epoch=context.epoch,
            on_step=context.beat,
            checkpoint=context.folder / "checkpoint.ckpt",
            gates=context.attempt_folder / "gates.jsonl",
            lockstep=context.lockstep,
        )
    return {name: value for name, value in asdict(outcome).items() if value is not None}


def _planned(settings: dict[str, Any], planned: str) -> Run:
    """The run, if it is the planned one with the data that are here."""
    run = Run(**settings)
    if run_id(run.arm, run.seed, fingerprint(run.arm.data)) != planned:
        raise SettingError(
            f"the data must be those that the study was planned with, but {run.arm.data.name!r} has other "
            "content here and now (or its function gives other examples each time). Restore the data, or "
            "start another study."
        )
    return run


def train(
    run: Run,
    *,
    device: str = "cpu",
    rank: int = 0,
    world_size: int = 1,
    on_epoch: Callable[[dict[str, Any]], None] | None = None,
    on_step: Callable[[], None] | None = None,
    checkpoint: Path | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    gates: Path | None = None,
    lockstep: Lockstep | None = None,
) -> Outcome:
    """Train one run to its last epoch.

    Args:
        run: What to train.
        device: A torch device, for example `cpu` or `cuda:0`.
        rank: This process's place among those that train this run together ...
        world_size: ... and their number. Where more than one, each process calls this function
            with `RANK`, `LOCAL_RANK`, `WORLD_SIZE`, `MASTER_ADDR` and `MASTER_PORT` set.
        on_epoch: Called after each epoch with its record (`docs/study-folder.md`, epochs.jsonl);
            raising in it stops the run, with a checkpoint of that epoch.
        on_step: Called after each step.
        checkpoint: Where the last whole epoch is kept; the run goes on from it if it exists, and
            then ends bit-equal to a run that was never interrupted.
        checkpoint_seconds: Least age of the last checkpoint before the next one is written.
        gates: Where to write what the gates do, if the recipe says `record_gates`.
        lockstep: Where it meets the runs of other threads, to compute steps together (`ablations.stacking`);
            the caller has joined it. The result is then equal to rounding only.

    Raises:
        NonFinite: If a loss becomes NaN or infinite.
        SettingError: If the settings do not fit the data or the network.
    """
    if run.arm.training.compile != "none":
        # After eight networks of one worker dynamo would silently go on without compiling.
        torch.compiler.reset()
    split = on_device(run.arm.data, device)
    check_batches(run.arm, train=len(split.train), val=len(split.val), world_size=world_size)
    module = _module(run, split, lockstep)
    watch = _Watch(on_epoch, on_step, checkpoint, checkpoint_seconds)
    callbacks: list[pl.Callback] = [watch]
    if run.arm.training.record_gates and gates is not None:
        callbacks.insert(0, _Gates(_recorder(run, split, gates)))
    with warnings.catch_warnings():
        for message in NOT_OURS:
            warnings.filterwarnings("ignore", message=message)
        trainer = _trainer(run, device=device, world_size=world_size, callbacks=callbacks)
        trainer.fit(
            module,
            Batches(
                split.train,
                batch_size=run.arm.training.batch_size,
                seed=run.seed,
                epoch=lambda: trainer.current_epoch,
                augment=AUGMENTATIONS[run.arm.data.augmentation],
                rank=rank,
                world_size=world_size,
            ),
            Batches(
                split.val,
                batch_size=validation_batch(
                    len(split.val), largest=VALIDATION_BATCH, world_size=world_size
                ),
                rank=rank,
                world_size=world_size,
            ),
            ckpt_path=checkpoint if checkpoint is not None and checkpoint.exists() else None,
            weights_only=True,
        )
    return Outcome(
        epochs_run=watch.last["epoch"],
        train_loss=watch.last["train_loss"],
        val_loss=watch.last["val_loss"],
        val_accuracy=watch.last["val_accuracy"],
        device=_device_name(device),
        latency=_latency(module, split, control=run.arm.attention.control)
        if run.arm.training.measure_latency
        else None,
        stacked=module.most if isinstance(module, SteppingClassifier) else None,
    )


def _module(run: Run, split: Split, lockstep: Lockstep | None) -> AttentionClassifier:
    make = AttentionClassifier if lockstep is None else partial(SteppingClassifier, lockstep)
    module = make(
        in_channels=split.in_channels,
        classes=split.classes,
        backbone=run.arm.backbone,
        training=run.arm.training,
        seed=run.seed,
        image=split.size,
        **run.arm.attention.model_dump(),
    )
    return module.to(memory_format=torch.channels_last)


def _latency(module: AttentionClassifier, split: Split, *, control: str) -> float:
    # A shuffled gate needs another image.
    size = 2 if control == "shuffled" else 1
    x, _, *mask = next(iter(Batches(split.val, batch_size=size)))
    return inference_milliseconds(module.network.to(x.device), x, *mask)


def _recorder(run: Run, split: Split, path: Path) -> GateRecorder:
    return GateRecorder(
        path,
        gate=run.arm.attention.gate,
        val=split.val,
        epochs=run.arm.training.epochs,
        train_examples=len(split.train),
    )


def _trainer(run: Run, *, device: str, world_size: int, callbacks: list[pl.Callback]) -> pl.Trainer:
    # Its notes for beginners, once per run, would bury what a run itself prints.
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    kind, _, index = device.partition(":")
    one_device: Any = [int(index or 0)] if kind == "cuda" else 1
    # Named, not detected: inside a Slurm job Lightning would take the job's tasks for the run's.
    alone: list[Any] = [LightningEnvironment()] if world_size == 1 else []
    together = DDPStrategy(cluster_environment=TorchElasticEnvironment())
    return pl.Trainer(
        max_epochs=run.arm.training.epochs,
        accelerator="gpu" if kind == "cuda" else kind,
        devices=one_device if world_size == 1 else world_size,
        strategy="auto" if world_size == 1 else together,
        logger=False,
        enable_checkpointing=False,  # ours is `_Watch`
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,  # `Batches` takes its rank's share itself
        callbacks=callbacks,
        profiler=_NoProfiler(),
        plugins=[AtomicCheckpointIO(), *alone],
    )


class _NoProfiler(PassThroughProfiler):
    """Lightning enters a profiler 50 times a step; one empty context serves them all."""

    context = nullcontext()

    def profile(self, action_name: str) -> AbstractContextManager[None]:  # type: ignore[override]
        return self.context


class _Gates(pl.Callback):
    """Lets the recorder look at the gates at the end of an epoch."""

    def __init__(self, recorder: GateRecorder) -> None:
        self.recorder = recorder

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.is_global_zero:
            assert isinstance(pl_module, AttentionClassifier)
            # A compiled network shows its gates to nobody.
            with torch.compiler.set_stance("force_eager"):
                self.recorder.record(pl_module.network, trainer.current_epoch + 1)


class _Watch(pl.Callback):
    """Hands each epoch's record on, keeps the checkpoint, and refuses numbers that are none."""

    def __init__(
        self,
        on_epoch: Callable[[dict[str, Any]], None] | None,
        on_step: Callable[[], None] | None,
        checkpoint: Path | None,
        checkpoint_seconds: float,
    ) -> None:
        self.on_epoch, self.on_step = on_epoch, on_step
        self.checkpoint, self.checkpoint_seconds = checkpoint, checkpoint_seconds
        self.last: dict[str, Any] = {}
        self._began = self._saved = time.monotonic()

    def state_dict(self) -> dict[str, Any]:
        return {"last": self.last}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.last = state_dict["last"]

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        del trainer, pl_module
        self._began = time.monotonic()

    def on_train_batch_end(self, *_: Any, **__: Any) -> None:
        if self.on_step is not None:
            self.on_step()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        del pl_module
        self.last = self._record(trainer)
        try:
            if self.on_epoch is not None:
                self.on_epoch(self.last)
        except Exception:
            if self._is_finite():
                self._save(trainer)
            raise
        if not self._is_finite():
            raise NonFinite(
                f"the loss must be finite, but after epoch {self.last['epoch']} it is "
                f"{self.last['train_loss']} in training and {self.last['val_loss']} in validation: "
                "the run diverged. A smaller learning rate or a longer warm-up may help."
            )
        is_last = trainer.current_epoch + 1 == trainer.max_epochs
        if not is_last and time.monotonic() - self._saved >= self.checkpoint_seconds:
            self._save(trainer)

    def _record(self, trainer: pl.Trainer) -> dict[str, Any]:
        measured = {name: float(value) for name, value in trainer.callback_metrics.items()}
        return {
            "epoch": trainer.current_epoch + 1,
            "train_loss": measured["train_loss"],
            "val_loss": measured["val_loss"],
            "val_accuracy": measured["val_accuracy"],
            "learning_rate": float(trainer.optimizers[0].param_groups[0]["lr"]),
            "seconds": time.monotonic() - self._began,
        }

    def _is_finite(self) -> bool:
        return all(math.isfinite(self.last[name]) for name in ("train_loss", "val_loss"))

    def _save(self, trainer: pl.Trainer) -> None:
        if self.checkpoint is not None:
            trainer.save_checkpoint(self.checkpoint)
            self._saved = time.monotonic()


def _device_name(device: str) -> str:
    return torch.cuda.get_device_name(device) if device.startswith("cuda") else "cpu"
