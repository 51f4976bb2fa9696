"""One run: settings in, outcome out, through Lightning's `Trainer.fit`."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch

from ablations.context import CHECKPOINT_MINUTES, CHECKPOINT_SECONDS, Context
from ablations.errors import SettingError
from ablations.lockstep import Lockstep
from ablations.subjects.attention.cost.latency import inference_milliseconds
from ablations.subjects.attention.data.augmentation import augmentation
from ablations.subjects.attention.data.batches import (
    Batches,
    check_batches,
    largest_validation_batch,
    validation_batch,
    workers_of,
)
from ablations.subjects.attention.data.dataset import fingerprint, on_device
from ablations.subjects.attention.data.examples import Labelled, Split
from ablations.subjects.attention.recording.channels import FILE, record_channels
from ablations.subjects.attention.recording.sample import MOST_EXAMPLES, stratified
from ablations.subjects.attention.settings.groups import Run, Training
from ablations.subjects.attention.settings.identity import run_id
from ablations.subjects.attention.training.chunks import ChunkedEpochs
from ablations.subjects.attention.training.gate_recorder import GateRecorder
from ablations.subjects.attention.training.module import AttentionClassifier
from ablations.subjects.attention.training.stepping import SteppingClassifier
from ablations.subjects.lightning.checkpoint import readable
from ablations.subjects.lightning.continuation import Continuation
from ablations.subjects.lightning.epoch_watch import EpochWatch
from ablations.subjects.lightning.trainer import make_trainer, quiet

TESTED = ("test_loss", "test_accuracy")


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
    test: dict[str, float] | None = None
    """`test_loss` and `test_accuracy` of the final weights; None where no test set is declared."""
    stacked: int | None = None
    """Runs in the largest of its steps, where it was trained in step with others."""


def train_run(settings: dict[str, Any], context: Context) -> dict[str, Any]:
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
            checkpoint_seconds=context.checkpoint_seconds,
            checkpoint_minutes=context.checkpoint_minutes,
            stopping=lambda: context.stopping,
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
    checkpoint_minutes: float = CHECKPOINT_MINUTES,
    stopping: Callable[[], bool] = lambda: False,
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
        checkpoint: Where the run is kept; it goes on from there if the file exists, and then ends
            bit-equal to a run that was never interrupted.
        checkpoint_seconds: Least age of the last checkpoint before one is written at an epoch's end.
        checkpoint_minutes: Age of the last checkpoint at which one is written within an epoch.
        stopping: Whether the run was asked to hand itself back; it then raises `Stopped` within the epoch,
            as soon as it is kept.
        gates: Where to write what the gates do, if the recipe says `record_gates`; `channels.json` comes beside it.
        lockstep: Where it meets the runs of other threads, to compute steps together (`ablations.stacking`);
            the caller has joined it. The result is then equal to rounding only.

    Raises:
        NonFinite: If a loss becomes NaN or infinite.
        SettingError: If the settings do not fit the data or the network.
    """
    if run.arm.training.compile != "none":
        # After eight networks of one worker dynamo would silently go on without compiling.
        torch.compiler.reset()
    split = on_device(run.arm.data, device, run.seed)
    check_batches(run.arm, train=len(split.train), val=len(split.val), world_size=world_size)
    if run.arm.training.precision == "16-mixed" and device == "cpu":
        raise SettingError(
            "`training.precision='16-mixed'` needs a GPU, but the run's device is the CPU; use 'bf16-mixed' or '32'."
        )
    module = _module(run, split, lockstep)
    watch = (Continuation if run.arm.training.schedule == "plateau" else EpochWatch)(
        on_epoch=on_epoch,
        on_step=on_step,
        checkpoint=checkpoint,
        checkpoint_seconds=checkpoint_seconds,
        within_seconds=60 * checkpoint_minutes,
        stopping=stopping,
    )
    callbacks: list[pl.Callback] = [watch]
    if run.arm.training.record_gates and gates is not None:
        callbacks.insert(0, _recorder(run, split, gates))
    with quiet():
        trainer = make_trainer(
            epochs=run.arm.training.epochs,
            device=device,
            world_size=world_size,
            callbacks=callbacks,
            options=trainer_options(run.arm.training),
        )
        trainer.fit_loop.epoch_loop = ChunkedEpochs(trainer, watch=watch, on_step=on_step)
        # Forked from one of several threads, a process could wait for a lock that nobody gives back.
        workers = 0 if lockstep is not None else workers_of(run.arm.data)
        training, validation = _batches(
            run,
            split,
            epoch=lambda: trainer.current_epoch,
            rank=rank,
            world_size=world_size,
            workers=workers,
        )
        trainer.fit(
            module,
            training,
            validation,
            ckpt_path=readable(checkpoint),
            weights_only=True,
        )
        test = None
        if split.test is not None:
            trainer.test(module, _whole(split.test, rank, world_size, workers), verbose=False)
            test = {name: float(value) for name, value in trainer.callback_metrics.items()
                    if name in TESTED}  # fmt: skip
    if run.arm.training.record_gates and gates is not None and rank == 0:
        _record_channels(run, module, split, gates.with_name(FILE), on_step)
    return Outcome(
        epochs_run=watch.last["epoch"],
        train_loss=watch.last["train_loss"],
        val_loss=watch.last["val_loss"],
        val_accuracy=watch.last["val_accuracy"],
        device=_device_name(device),
        latency=_latency(run, module, split) if run.arm.training.measure_latency else None,
        test=test,
        stacked=module.most if isinstance(module, SteppingClassifier) else None,
    )


def trainer_options(recipe: Training) -> dict[str, Any]:
    """What of the recipe is the Trainer's to do."""
    options: dict[str, Any] = {}
    if recipe.precision != "32":
        options["precision"] = recipe.precision
    if recipe.accumulate > 1:
        options["accumulate_grad_batches"] = recipe.accumulate
    return options


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


def _recorder(run: Run, split: Split, path: Path) -> GateRecorder:
    return GateRecorder(
        path,
        val=split.val,
        epochs=run.arm.training.epochs,
        train_examples=len(split.train),
    )


def _record_channels(
    run: Run,
    module: AttentionClassifier,
    split: Split,
    path: Path,
    on_step: Callable[[], None] | None,
) -> None:
    sample = stratified(split.val, min(len(split.val), MOST_EXAMPLES))
    record_channels(
        module.network.to(sample.x.device),
        sample,
        path,
        trained=run.arm.training.epochs * len(split.train),
        beat=on_step or (lambda: None),
    )


def _batches(
    run: Run,
    split: Split,
    *,
    epoch: Callable[[], int],
    rank: int,
    world_size: int,
    workers: int,
) -> tuple[Batches, Batches]:
    """This rank's shares of the batches that train, and of those that validate."""
    training = Batches(
        split.train,
        batch_size=run.arm.training.batch_size,
        seed=run.seed,
        epoch=epoch,
        augment=augmentation(run.arm.data.on_batches, split.colours),
        rank=rank,
        world_size=world_size,
        workers=workers,
    )
    return training, _whole(split.val, rank, world_size, workers)


def _whole(examples: Labelled, rank: int, world_size: int, workers: int) -> Batches:
    """This rank's share of batches that pass all the examples once, in order."""
    most = largest_validation_batch(examples.shape, world_size=world_size)
    size = validation_batch(len(examples), largest=most, world_size=world_size)
    return Batches(examples, batch_size=size, rank=rank, world_size=world_size, workers=workers)


def _latency(run: Run, module: AttentionClassifier, split: Split) -> float:
    # A shuffled gate needs another image.
    size = 2 if run.arm.attention.control == "shuffled" else 1
    x, _, *mask = split.val[slice(size)].batch()
    return inference_milliseconds(module.network.to(x.device), x, *mask)


def _device_name(device: str) -> str:
    return torch.cuda.get_device_name(device) if device.startswith("cuda") else "cpu"
